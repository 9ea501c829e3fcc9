"""Posts typed or exported as a table: CSV and JSON Lines.

Columns or keys: `id`, `text`, `author`, `url`, `posted_at` (ISO 8601 with a zone), and if wanted `platform` and
`edited_at`. What is needed of a row is an id, an author and a text.
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crawler.jsontext import read_json
from crawler.moments import parse_moment
from crawler.records import Record, parse_records
from crawler.source import Parsed
from models.errors import BadInput
from models.posts import ParsedPost

REQUIRED = ("id", "text", "author", "url", "posted_at")
OPTIONAL = ("platform", "edited_at")

_PLATFORM = re.compile(r"[a-z0-9_]{1,32}")


class Csv:
    """Comma- or semicolon-separated values with a header line; see `crawler.records.FileSource`."""

    media_type = "text/csv; charset=utf-8"

    def head(self, lines: Iterable[bytes]) -> bytes:
        """The header line."""
        return next(iter(lines), b"")

    def records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """One record for each row; quoted fields may hold line ends."""
        source = _Tap(lines)
        header = next(source, "")
        delimiter = ";" if header.count(";") > header.count(",") else ","
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
        _check_header(names)
        source.take()
        rows = csv.reader(source, delimiter=delimiter, strict=True)
        while True:
            line = source.line + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise BadInput(f"not CSV: {error}", line=line) from error
            if row is None:
                return
            raw = source.take()
            if row:
                if len(row) != len(names):
                    raise BadInput(f"{len(row)} fields, the header has {len(names)}", line=line)
                yield _record(dict(zip(names, row, strict=True)), names, "csv", line, raw)


class Jsonl:
    """One JSON object on each line; see `crawler.records.FileSource`."""

    media_type = "application/jsonl"

    def head(self, lines: Iterable[bytes]) -> bytes:
        """Nothing stands before the records."""
        del lines
        return b""

    def records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """One record for each line that is not blank."""
        for line, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            try:
                item = read_json(raw.decode("utf-8-sig"))
            except (BadInput, UnicodeDecodeError) as error:
                raise BadInput(f"not a JSON object: {error}", line=line) from error
            if not isinstance(item, dict):
                raise BadInput("not a JSON object", line=line)
            row = {name: _text(item, name, line) for name in (*REQUIRED, *OPTIONAL)}
            yield _record(row, [], "jsonl", line, raw)


def parse_posts(body: bytes, *, form: str = "csv") -> Parsed:
    """All posts of a CSV (`form="csv"`) or JSON Lines (`"jsonl"`) body.

    Raises:
        BadInput: with line and column.
    """
    return parse_records(Csv() if form == "csv" else Jsonl(), body)


class _Tap(Iterator[str]):
    """Decodes lines for the CSV reader and keeps the raw bytes of those it has taken."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.line = 0
        self._lines = iter(lines)
        self._taken: list[bytes] = []

    def __next__(self) -> str:
        raw = next(self._lines)
        self.line += 1
        self._taken.append(raw)
        try:
            return raw.removeprefix(codecs.BOM_UTF8 if self.line == 1 else b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("not UTF-8", line=self.line, column=error.start + 1) from error

    def take(self) -> bytes:
        """The bytes since the last call."""
        taken, self._taken = b"".join(self._taken), []
        return taken


def _check_header(names: list[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise BadInput(f"the header has no column {', '.join(missing)}", line=1)
    for column, name in enumerate(names, 1):
        if name in names[: column - 1]:
            raise BadInput(f"column {name} stands twice", line=1, column=column)


def _record(row: Mapping[str, str], names: list[str], default: str, line: int, raw: bytes) -> Record:
    """Check one row and make it a record.

    Raises:
        BadInput: with the line, and the column where the file has columns.
    """
    try:
        return _checked(row, default, line, raw)
    except _BadField as bad:
        column = names.index(bad.name) + 1 if bad.name in names else None
        raise BadInput(f"{bad.name}: {bad.problem}", line=line, column=column) from bad


class _BadField(Exception):
    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name
        self.problem = problem


def _checked(row: Mapping[str, str], default: str, line: int, raw: bytes) -> Record:
    author, url = row["author"].strip(), row["url"].strip()
    platform = row.get("platform", "").strip().lower() or default
    if not author:
        raise _BadField("author", "is empty")
    if not _PLATFORM.fullmatch(platform):
        raise _BadField("platform", f"{platform[:40]!r} is not a name of a platform")
    if url and not url.startswith(("https://", "http://")):
        raise _BadField("url", "is neither http nor https")
    try:
        post = ParsedPost(
            external_id=row["id"].strip(),
            text=row["text"],
            url=url or None,
            locator=str(line),
            author=author,
            posted_at=_moment(row, "posted_at"),
            edited_at=_moment(row, "edited_at"),
        )
    except BadInput as error:
        raise _BadField("id", str(error)) from error
    return Record(line, raw, platform, author, post)


def _moment(row: Mapping[str, str], name: str) -> dt.datetime | None:
    text = row.get(name, "").strip()
    moment = parse_moment(text)
    if text and moment is None:
        raise _BadField(name, f"{text[:40]!r} is not a time with a zone, such as 2026-10-05T14:30:00+07:00")
    return moment


def _text(item: Mapping[str, Any], name: str, line: int) -> str:
    """The text under a key; ids may be numbers, and what is not needed may be missing."""
    value = item.get(name)
    if value is None and name not in {"id", "text", "author"}:
        return ""
    if name == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise BadInput(f"{name}: missing or not text", line=line)
    return value
