"""The few shapes a report's sections are made of. All are plain JSON; an empty value is `None` and shows as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from models.base import JsonObject

ReportContent = dict[str, Any]
"""A report as data: header values, `signature`, `findings`, and the sections under their letters `A` … `O`."""

SECTIONS = "ABCDEFGHIJKLMNO"


def row(key: str, label: str, value: str | None) -> JsonObject:
    """One labelled value."""
    return {"key": key, "label": label, "value": value or None}


def rows(title: str, *values: JsonObject) -> JsonObject:
    """Labelled values under a title."""
    return {"kind": "rows", "title": title, "rows": list(values)}


def table(key: str, title: str, columns: Sequence[str], lines: Iterable[Sequence[str | None]]) -> JsonObject:
    """A table of texts."""
    body = [[cell or None for cell in line] for line in lines]
    return {"kind": "table", "key": key, "title": title, "columns": list(columns), "rows": body}


def quote(key: str, title: str, text: str) -> JsonObject:
    """Words of somebody else, shown exactly as they are."""
    return {"kind": "quote", "key": key, "title": title, "text": text}


def note(text: str) -> JsonObject:
    """A sentence of the form itself."""
    return {"kind": "note", "text": text}


def exhibit(code: str, title: str, sha256: str, media_type: str, *values: JsonObject) -> JsonObject:
    """One piece of evidence (B-1 …); pictures are shown in the appendix."""
    return {"kind": "exhibit", "code": code, "title": title, "sha256": sha256, "media_type": media_type,
            "rows": list(values)}  # fmt: skip


def section(title: str, *blocks: JsonObject) -> JsonObject:
    """One lettered section."""
    return {"title": title, "blocks": list(blocks)}


def exhibits(content: ReportContent) -> list[JsonObject]:
    """The pieces of evidence, in their order."""
    return [block for block in content["H"]["blocks"] if block["kind"] == "exhibit"]


def labelled_values(content: ReportContent) -> Iterator[JsonObject]:
    """Every labelled value of every section."""
    for letter in SECTIONS:
        for block in content[letter]["blocks"]:
            yield from block.get("rows", []) if block["kind"] in ("rows", "exhibit") else []
