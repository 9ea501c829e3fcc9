"""Personal details at rest: sealed with AES-256-GCM, found through a keyed index, committed with a salt.

The keys live in one file outside the database (mode 600, made by `netra init`): a stolen database alone
gives no name and no NIP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from models.base import JsonObject
from models.canonical import canonical_json
from models.errors import StorageError

KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 16


class Vault:
    """Seals, indexes and signs with the keys of one installation."""

    def __init__(self, *, sealing_key: bytes, index_key: bytes, signing_key: bytes) -> None:
        if {len(sealing_key), len(index_key), len(signing_key)} != {KEY_BYTES}:
            raise ValueError(f"a key is {KEY_BYTES} bytes long")
        self._aead = AESGCM(sealing_key)
        self._index_key = index_key
        self.signing_key = Ed25519PrivateKey.from_private_bytes(signing_key)

    def seal(self, details: JsonObject, *, context: str) -> bytes:
        """Encrypt `details`; `context` (the row's id) is authenticated, so that sealed cells cannot be swapped."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, canonical_json(details), context.encode())

    def unseal(self, sealed: bytes, *, context: str) -> JsonObject:
        """Decrypt what `seal` made.

        Raises:
            StorageError: wrong key file, wrong row, or altered bytes.
        """
        try:
            plain = self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise StorageError("sealed details cannot be opened: another key file, or altered data") from error
        details: JsonObject = json.loads(plain)
        return details

    def index(self, value: str, *, kind: str) -> str:
        """A keyed hash by which a sealed value is found again without storing it in the clear."""
        return hmac.new(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()


def commitment(salt: bytes, value: str) -> str:
    """What the log may hold of a personal value: unlinkable once the row with the salt is erased."""
    return hmac.new(salt, value.encode(), hashlib.sha256).hexdigest()


def new_salt() -> bytes:
    """A fresh salt for `commitment`."""
    return secrets.token_bytes(SALT_BYTES)


def create_key_file(path: Path) -> None:
    """Make new keys at `path`, mode 600; an existing file is never touched.

    Raises:
        StorageError: the file exists already or cannot be written.
    """
    keys = {name: secrets.token_hex(KEY_BYTES) for name in ("sealing_key", "index_key", "signing_key")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_new(path, json.dumps(keys).encode())
    except OSError as error:
        raise StorageError(f"{path}: cannot make the key file: {error.strerror}") from error


def open_vault(path: Path) -> Vault:
    """Read the key file.

    Raises:
        StorageError: missing, malformed, or readable by others.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StorageError(f"{path}: the key file is readable by others; run chmod 600 on it")
        keys = json.loads(path.read_text())
        return Vault(**{name: bytes.fromhex(value) for name, value in keys.items()})
    except FileNotFoundError as error:
        raise StorageError(f"{path}: no key file; run 'netra init' first, or restore it from the backup") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StorageError(f"{path}: not a usable key file") from error


def _write_new(path: Path, data: bytes) -> None:
    """All of `data` durably at `path`, or nothing: details sealed with a key that was lost are lost."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 600
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.link(temporary, path)
    finally:
        Path(temporary).unlink()
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
