"""The files that FILE fields of records hold: their contents, and the ways to them.

A content lies in the storage under a random key that is never used again; the row of StoredFile
tells what it is; the record's column holds `<key>/<file name>`. A content is stored before a record
holds it and discarded after no record does any more, so that whatever dies in between leaves at
worst a content that nobody holds, which `sweep` removes.
"""

from entities.files.arriving import receive
from entities.files.attaching import Download, attach, fetch, held
from entities.files.contents import MOST_BYTES, about, too_large

__all__ = [
    "MOST_BYTES",
    "Download",
    "about",
    "attach",
    "fetch",
    "held",
    "receive",
    "too_large",
]
