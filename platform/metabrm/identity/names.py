"""Names to sign in with: nobody is called so that he can be taken for somebody else."""

import unicodedata

#: Scripts with letters that look like those of another one of them.
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


def wrong_with(username: str) -> str:
    """What is wrong with a name that somebody is to sign in with; "" if nothing is."""
    if unicodedata.normalize("NFKC", username) != username:
        return "has characters that are written otherwise than they look; write plain letters"
    if username != username.strip() or not username.isprintable():
        return "begins or ends with a space, or has characters that nobody sees"
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in username if c.isalpha()}
    mixed = sorted(scripts & _ALIKE)
    if len(mixed) > 1:
        return f"mixes letters of {' and '.join(mixed)} that look alike; use one alphabet"
    return ""
