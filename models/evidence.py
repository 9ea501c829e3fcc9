"""The evidence store: bytes named by their SHA-256, written so that a crash never leaves a half file.

Order of a write: temporary file, fsync, rename, fsync of the directory; only then does the caller commit
the row that names the hash. A killed writer leaves at most an unnamed temporary file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from models.canonical import sha256_hex
from models.errors import EvidenceDamaged, NotFound, StorageError

_CHUNK = 1 << 20


class EvidenceStore:
    """A directory `root/ab/cd/abcd…`; the same bytes are kept once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its SHA-256 in hexadecimal.

        Raises:
            StorageError: the disk is full or refuses.
        """
        digest = sha256_hex(data)
        path = self._path(digest)
        if path.exists():
            return digest
        try:
            self._write(path, data)
        except OSError as error:
            raise StorageError(f"{self.root}: evidence cannot be kept: {error.strerror}") from error
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes named `digest`, verified.

        Raises:
            NotFound: nothing of that name.
            EvidenceDamaged: the bytes no longer match.
        """
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"no evidence named {digest}") from error
        if sha256_hex(data) != digest:
            raise EvidenceDamaged(f"{self._path(digest)}: bytes do not match their name")
        return data

    def verify(self, digest: str) -> bool:
        """Whether `digest` is there and unaltered; reads in chunks."""
        hasher = hashlib.sha256()
        try:
            with self._path(digest).open("rb") as handle:
                while chunk := handle.read(_CHUNK):
                    hasher.update(chunk)
        except FileNotFoundError:
            return False
        return hasher.hexdigest() == digest

    def _path(self, digest: str) -> Path:
        if len(digest) != hashlib.sha256().digest_size * 2 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound(f"not a SHA-256: {digest[:80]!r}")
        return self.root / digest[:2] / digest[2:4] / digest

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".incoming-")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        for directory in (path.parent, path.parent.parent, self.root):
            _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
