"""Passwords: argon2id (RFC 9106) with the library's current parameters."""

from __future__ import annotations

import functools
import secrets
import threading

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from models.errors import BadInput

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
"""Long enough for any passphrase, short enough that hashing it is never a burden."""

_hasher = argon2.PasswordHasher()
# Each hash takes 64 MiB; a flood of sign-ins may wait, but not exhaust the machine.
_gate = threading.BoundedSemaphore(2)


def hash_password(plain: str) -> str:
    """The argon2id hash of `plain`, with its salt and parameters.

    Raises:
        BadInput: shorter than `MIN_CHARACTERS` or longer than `MAX_CHARACTERS`.
    """
    if not MIN_CHARACTERS <= len(plain) <= MAX_CHARACTERS:
        raise BadInput(f"a password has {MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    with _gate:
        return _hasher.hash(plain)


def password_matches(stored: str | None, plain: str) -> bool:
    """Whether `plain` is the password; takes as long when there is no such officer (`stored` is None)."""
    if len(plain) > MAX_CHARACTERS:
        return False
    with _gate:
        try:
            return _hasher.verify(_decoy() if stored is None else stored, plain) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


@functools.cache
def _decoy() -> str:
    """A hash of nothing anyone types, so that an unknown name costs the same time as a known one."""
    return _hasher.hash(secrets.token_hex())
