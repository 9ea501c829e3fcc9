"""The evidence store: bytes named by their SHA-256, written so that a crash never leaves a half file.

Order of a write: temporary file, fsync, rename, fsync of the directories; only then does the caller commit
the row that names the hash. A killed writer leaves at most a temporary file under `incoming/`, swept later.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from models.canonical import sha256_hex
from models.clock import as_utc
from models.errors import EvidenceDamaged, NotFound, StorageError

_CHUNK = 1 << 20
_PRIVATE = 0o700


class EvidenceStore:
    """A directory `root/ab/cd/abcd…`; the same bytes are kept once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its SHA-256 in hexadecimal; a damaged copy is replaced.

        Raises:
            StorageError: the disk is full or refuses.
        """
        digest = sha256_hex(data)
        path = self._path(digest)
        with self._storage_errors("be kept"):
            # Touched before it is looked at: `delete` spares what was just put again.
            if not (_touch(path) and self._matches(digest)):
                self._write(path, data)
            for directory in (path.parent, path.parent.parent, self.root):
                _sync_directory(directory)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes named `digest`, verified.

        Raises:
            NotFound: nothing of that name.
            EvidenceDamaged: the bytes no longer match.
            StorageError: they cannot be read.
        """
        with self._storage_errors("be read"):
            try:
                data = self._path(digest).read_bytes()
            except FileNotFoundError as error:
                raise NotFound(f"no evidence named {digest}") from error
        if sha256_hex(data) != digest:
            raise EvidenceDamaged(f"{self._path(digest)}: bytes do not match their name")
        return data

    def verify(self, digest: str) -> bool:
        """Whether `digest` is there and unaltered; reads in chunks.

        Raises:
            StorageError: the bytes are there and cannot be read.
        """
        with self._storage_errors("be read"):
            return self._matches(digest)

    def delete(self, digest: str, *, unused_since: dt.datetime) -> bool:
        """Delete the bytes durably, unless they were put again after `unused_since`; True when they are gone.

        That time must lie further back than anybody needs from `put` to the commit of the row that names the
        bytes. Deleting what is gone is no error.

        Raises:
            StorageError: the disk refuses.
        """
        path = self._path(digest)
        with self._storage_errors("be deleted"):
            try:
                if path.stat().st_mtime > as_utc(unused_since).timestamp():
                    return False
                path.unlink()
            except FileNotFoundError:
                return True
            _sync_directory(path.parent)
        return True

    def sweep(self, *, before: dt.datetime) -> int:
        """Delete what killed writers left before this time; returns how many files.

        Raises:
            StorageError: the disk refuses.
        """
        limit, swept = as_utc(before).timestamp(), 0
        with self._storage_errors("be deleted"):
            for path in self._incoming.glob("*"):
                with contextlib.suppress(FileNotFoundError):  # its writer was alive and has just finished
                    if path.stat().st_mtime < limit:
                        path.unlink()
                        swept += 1
        return swept

    @property
    def _incoming(self) -> Path:
        return self.root / "incoming"

    def _path(self, digest: str) -> Path:
        if len(digest) != hashlib.sha256().digest_size * 2 or not set(digest) <= set("0123456789abcdef"):
            raise NotFound(f"not a SHA-256: {digest[:80]!r}")
        return self.root / digest[:2] / digest[2:4] / digest

    def _matches(self, digest: str) -> bool:
        hasher = hashlib.sha256()
        try:
            with self._path(digest).open("rb") as handle:
                while chunk := handle.read(_CHUNK):
                    hasher.update(chunk)
        except FileNotFoundError:
            return False
        return hasher.hexdigest() == digest

    def _write(self, path: Path, data: bytes) -> None:
        for directory in (self.root, self._incoming, path.parent.parent, path.parent):
            directory.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        descriptor, temporary = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _storage_errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"{self.root}: evidence cannot {what}: {error.strerror}") from error


def _touch(path: Path) -> bool:
    """Set the file's time to now; False when there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
