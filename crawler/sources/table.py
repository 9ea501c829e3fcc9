"""Posts typed or exported as a table: CSV and JSON Lines, with the columns of `crawler.files.columns`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crawler.files.columns import OPTIONAL, REQUIRED, check_header, row_record
from crawler.files.delimited import Rows
from crawler.files.records import Opened, Record, parse_records, read_lines
from crawler.source import Parsed
from crawler.text.jsontext import read_json
from models.errors import BadInput


class Csv:
    """Comma- or semicolon-separated values with a header line; see `crawler.files.records.FileSource`."""

    media_type = "text/csv; charset=utf-8"

    def head(self, file: Opened) -> bytes:
        """The header line."""
        return next(read_lines(file), b"")

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each row; quoted fields may hold line ends."""
        rows = Rows(read_lines(file))
        check_header(rows.names)
        for line, fields, raw in rows:
            yield row_record(dict(zip(rows.names, fields, strict=True)), rows.names, "csv", line, raw)


class Jsonl:
    """One JSON object on each line; see `crawler.files.records.FileSource`."""

    media_type = "application/jsonl"

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each line that is not blank."""
        for line, raw in enumerate(read_lines(file), 1):
            if not raw.strip():
                continue
            try:
                item = read_json(raw.decode("utf-8-sig"))
            except (BadInput, UnicodeDecodeError) as error:
                raise BadInput(f"not a JSON object: {error}", line=line) from error
            if not isinstance(item, dict):
                raise BadInput("not a JSON object", line=line)
            row = {name: _text(item, name, line) for name in (*REQUIRED, *OPTIONAL)}
            yield row_record(row, [], "jsonl", line, raw)


def parse_posts(body: bytes, *, form: str = "csv") -> Parsed:
    """All posts of a CSV (`form="csv"`) or JSON Lines (`"jsonl"`) body.

    Raises:
        BadInput: with line and column.
    """
    return parse_records(Csv() if form == "csv" else Jsonl(), body)


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
