"""Zip files from outside: what they claim is checked before any of it is unpacked."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from models.errors import BadInput

MAX_ENTRIES = 20_000

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a limit in between


def open_zip(handle: BinaryIO, *, max_bytes: int, max_entry: int) -> zipfile.ZipFile:
    """The zip file, once its directory is found to be modest.

    The sizes in the directory may lie; `zipfile` gives no more of an entry than they say, so the limits hold.

    Raises:
        BadInput: no zip file, encrypted, or larger unpacked than `max_bytes` in all or `max_entry` in one entry.
    """
    try:
        archive = zipfile.ZipFile(handle)
        entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError) as error:
        raise BadInput(f"not a zip file: {error}") from error
    if len(entries) > MAX_ENTRIES:
        raise BadInput(f"a zip file with {len(entries)} entries; at most {MAX_ENTRIES} are read")
    for entry in entries:
        if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
            raise BadInput(f"{entry.filename[:80]!r} in the zip file is encrypted or packed in an unusual way")
        if entry.file_size > max_entry:
            raise BadInput(f"{entry.filename[:80]!r} would be {entry.file_size} bytes unpacked; limit {max_entry}")
    if (total := sum(entry.file_size for entry in entries)) > max_bytes:
        raise BadInput(f"the zip file would be {total} bytes unpacked; limit {max_bytes}")
    return archive
