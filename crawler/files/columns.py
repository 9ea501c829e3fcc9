"""Rows of a table, however it was written down, into records.

Columns: `id`, `text`, `author`, `url`, `posted_at` (ISO 8601 with a zone), and if wanted `platform` and `edited_at`.
What is needed of a row is an id, an author and a text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping

from crawler.files.records import Record
from crawler.text.moments import parse_moment
from models.errors import BadInput
from models.posts import ParsedPost

REQUIRED = ("id", "text", "author", "url", "posted_at")
OPTIONAL = ("platform", "edited_at")

_PLATFORM = re.compile(r"[a-z0-9_]{1,32}")


def check_header(names: list[str], required: Iterable[str] = REQUIRED, line: int = 1) -> None:
    """Let pass only headers that hold every required column, and each once.

    Raises:
        BadInput: with line and column.
    """
    missing = [name for name in required if name not in names]
    if missing:
        raise BadInput(f"the header has no column {', '.join(missing)}", line=line)
    for column, name in enumerate(names, 1):
        if name and name in names[: column - 1]:
            raise BadInput(f"column {name} stands twice", line=line, column=column)


def row_record(row: Mapping[str, str], names: list[str], default: str, line: int, raw: bytes) -> Record:
    """Check one row and make it a record; `default` is the platform of a row that names none.

    Raises:
        BadInput: with the line, and the column where the file has columns.
    """
    try:
        return _checked(row, default, line, raw)
    except BadField as bad:
        raise bad.at(names, line) from bad


class BadField(Exception):
    """One field of a row is wrong."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem

    def at(self, names: list[str], line: int) -> BadInput:
        """The same, with its place in the file."""
        column = names.index(self.name) + 1 if self.name in names else None
        return BadInput(f"{self.name}: {self.problem}", line=line, column=column)


def web_address(row: Mapping[str, str], name: str) -> str:
    """The http(s) address in a field, or an empty string.

    Raises:
        BadField: something else stands there.
    """
    url = row.get(name, "").strip()
    if url and not url.startswith(("https://", "http://")):
        raise BadField(name, "is neither http nor https")
    return url


def moment(row: Mapping[str, str], name: str) -> dt.datetime | None:
    """The time in a field, None when it is empty.

    Raises:
        BadField: it names no moment.
    """
    text = row.get(name, "").strip()
    found = parse_moment(text)
    if text and found is None:
        raise BadField(name, f"{text[:40]!r} is not a time with a zone, such as 2026-10-05T14:30:00+07:00")
    return found


def platform_name(row: Mapping[str, str], default: str) -> str:
    """The platform in the row, as accounts carry it.

    Raises:
        BadField: it cannot be a name of one.
    """
    platform = row.get("platform", "").strip().lower() or default
    if not _PLATFORM.fullmatch(platform):
        raise BadField("platform", f"{platform[:40]!r} is not a name of a platform")
    return platform


def _checked(row: Mapping[str, str], default: str, line: int, raw: bytes) -> Record:
    author = row["author"].strip()
    if not author:
        raise BadField("author", "is empty")
    platform, url = platform_name(row, default), web_address(row, "url")
    try:
        post = ParsedPost(
            external_id=row["id"].strip(),
            text=row["text"],
            url=url or None,
            locator=str(line),
            author=author,
            posted_at=moment(row, "posted_at"),
            edited_at=moment(row, "edited_at"),
        )
    except BadInput as error:
        raise BadField("id", str(error)) from error
    return Record(line, raw, platform, author, post)
