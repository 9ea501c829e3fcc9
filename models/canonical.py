"""Canonical JSON (RFC 8785): the same value always gives the same bytes, so it can be hashed."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

from models.errors import BadInput


def canonical_json(value: Any) -> bytes:
    """UTF-8 bytes of `value` in the form of RFC 8785.

    Raises:
        BadInput: a value JSON cannot hold (integers beyond 2^53, NaN, lone surrogates, other types).
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise BadInput(f"this cannot be written as canonical JSON: {error}") from error


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data`, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
