"""Sortable ids: ULIDs (https://github.com/ulid/spec), 26 characters, ordered by creation time."""

from __future__ import annotations

from ulid import ULID

ID_LENGTH = 26


def new_id() -> str:
    """A fresh id; ids made later sort later (to the millisecond)."""
    return str(ULID())
