"""Whether a content looks like what its name says it is.

Not a proof, nor a scanner for viruses: it catches the wrong file and the renamed one. Names whose
content can't be told by its first bytes may hold anything; what is downloaded is saved and never
shown, whatever it is.
"""

#: Ending -> how contents of its kind begin.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "bmp": (b"BM",),
    "tif": (b"II*\0", b"MM\0*"),
    "tiff": (b"II*\0", b"MM\0*"),
    "gz": (b"\x1f\x8b",),
    "rtf": (b"{\\rtf",),
    **dict.fromkeys(("doc", "xls", "ppt"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)),
    # The last one is of an archive with nothing in it.
    **dict.fromkeys(
        ("zip", "docx", "xlsx", "pptx", "odt", "ods", "odp"), (b"PK\x03\x04", b"PK\x05\x06")
    ),
}
_TEXTS = frozenset({"txt", "csv", "tsv", "json", "xml", "yaml", "yml", "md"})
_MARKS_OF_ORDER = (b"\xff\xfe", b"\xfe\xff")


def ending_of(file_name: str) -> str:
    """What stands behind the last point, in lower case; "" without one."""
    stem, _, ending = file_name.rpartition(".")
    return ending.casefold() if stem else ""


def looks_wrong(file_name: str, content: bytes) -> str:
    """What the content should be and does not look like; "" where nothing is wrong."""
    ending = ending_of(file_name)
    beginnings = _BEGINNINGS.get(ending)
    if beginnings is not None:
        # Readers of PDF let something stand before it.
        fits = b"%PDF-" in content[:1024] if ending == "pdf" else content.startswith(beginnings)
        return "" if fits else f"a {ending.upper()} file"
    if ending in _TEXTS and b"\0" in content and not content.startswith(_MARKS_OF_ORDER):
        return f"text, as a {ending.upper()} file is"
    return ""
