"""Canonical JSON (RFC 8785): the same value always gives the same bytes, so it can be hashed."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:
    """UTF-8 bytes of `value` in the form of RFC 8785.

    Raises:
        rfc8785.CanonicalizationError: a value JSON cannot hold (integers beyond 2^53, NaN, other types).
    """
    return rfc8785.dumps(value)


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data`, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
