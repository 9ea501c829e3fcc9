"""JSON from outside: decoded or refused, never a crash."""

from __future__ import annotations

import json
from typing import Any

from models.errors import BadInput

MAX_VALUES = 500_000
"""Values in one text. Ten megabytes of empty objects would take hundreds in memory."""


def read_json(data: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        BadInput: not JSON, not UTF-8, nested too deeply, of too many values, or with a number no machine should read.
    """
    if _at_most_values(data) > MAX_VALUES:
        raise BadInput(f"JSON of more than {MAX_VALUES} values")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {str(error)[:100]}") from error


def _at_most_values(data: bytes | str) -> int:
    """How many values the text can hold at most; commas and brackets in strings count as well."""
    if isinstance(data, str):
        return data.count(",") + data.count("[") + data.count("{")
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def text_at(value: Any, *path: str | int) -> str:
    """The text at `path` inside nested objects and lists, or an empty string."""
    found = value_at(value, *path)
    return found if isinstance(found, str) else ""


def value_at(value: Any, *path: str | int) -> Any:
    """The value at `path` inside nested objects and lists, or None."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and step < len(value):
            value = value[step]
        else:
            return None
    return value
