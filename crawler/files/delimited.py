"""Comma- or semicolon-separated values with a header line, read row by row with the raw bytes of each."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator

from models.errors import BadInput


class Rows:
    """The rows of a file as (line where it starts, fields, raw bytes); `names` is the header in lower case.

    Quoted fields may hold line ends. Blank lines are passed over.

    Raises:
        BadInput: with line and column; not UTF-8, not CSV, or a row of another length than the header.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._source = _Tap(lines)
        header = next(self._source, "")
        self._delimiter = max(",;\t", key=header.count)
        try:
            fields = next(csv.reader([header], delimiter=self._delimiter), [])
        except csv.Error as error:
            raise BadInput(f"not CSV: {error}", line=1) from error
        self.names = [name.strip().lower() for name in fields]
        self._source.take()

    def __iter__(self) -> Iterator[tuple[int, list[str], bytes]]:
        """Each row once."""
        rows = csv.reader(self._source, delimiter=self._delimiter, strict=True)
        while True:
            line = self._source.line + 1
            try:
                row = next(rows, None)
            except csv.Error as error:
                raise BadInput(f"not CSV: {error}", line=line) from error
            if row is None:
                return
            raw = self._source.take()
            if row:
                if len(row) != len(self.names):
                    raise BadInput(f"{len(row)} fields, the header has {len(self.names)}", line=line)
                yield line, row, raw


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
