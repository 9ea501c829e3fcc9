"""Write a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from models.errors import StorageError

STANDARD = "-"


@contextlib.contextmanager
def whole_file(out: str | Path) -> Iterator[BinaryIO]:
    """A temporary file that takes the place of `out` when all went well, and leaves no trace when not.

    Standard output (`-`), devices and pipes are written to instead.

    Raises:
        StorageError: it cannot be written.
    """
    standard = str(out) == STANDARD
    stream = standard or (Path(out).exists() and not Path(out).is_file())
    folder = None if stream else Path(out).resolve().parent
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".netra-", delete=False) as file:
            temporary = Path(file.name)
            try:
                yield cast("BinaryIO", file)
                file.flush()
                os.fsync(file.fileno())
                if standard:
                    _copy(temporary, sys.stdout.buffer)
                elif stream:
                    with Path(out).open("wb", buffering=0) as device:
                        _copy(temporary, cast("BinaryIO", device))
                else:
                    _replace(temporary, Path(out))
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{out}: cannot write: {error.strerror}") from error


def _copy(temporary: Path, stream: BinaryIO) -> None:
    with temporary.open("rb") as file:
        shutil.copyfileobj(file, stream)
    stream.flush()


def _replace(temporary: Path, out: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o666 & ~mask)
    temporary.replace(out)
