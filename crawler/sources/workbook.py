"""Posts in an Excel workbook (XLSX, ECMA-376), with the columns of `crawler.files.columns` in the first row of a sheet.

Cells are read as they are shown being typed: dates as dates (in the zone of the mandate, since a cell has none), whole
numbers as ids. A formula is refused, because what it shows today is not what somebody copied from a page.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from lxml.etree import LxmlError
from openpyxl.utils.exceptions import InvalidFileException

from crawler.files.archive_limits import open_zip
from crawler.files.columns import OPTIONAL, REQUIRED, check_header, row_record
from crawler.files.records import Opened, Record
from models.errors import BadInput

MAX_UNPACKED_BYTES = 256 << 20
MAX_ENTRY_BYTES = 128 << 20
MAX_COLUMNS = 200

_DAMAGED = (
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError, OverflowError, RecursionError, OSError),
    *(InvalidFileException, DefusedXmlException, LxmlError, ParseError, zipfile.BadZipFile),
)
"""What openpyxl raises at a file that is none: it has no error of its own for it."""


class Workbook:
    """One sheet of a workbook; see `crawler.files.records.FileSource`. Raw is each row as a line of JSON."""

    media_type = "application/jsonl"

    def head(self, file: Opened) -> bytes:
        """Nothing stands before the records."""
        del file
        return b""

    def records(self, file: Opened) -> Iterator[Record]:
        """One record for each row below the header that is not blank."""
        names: list[str] | None = None
        for line, cells in _rows(file):
            if names is None:
                names = [str(cell.value or "").strip().lower() for cell in cells]
                check_header(names, line=line)
                continue
            row = _row(names, cells, line, file.zone)
            if any(row.values()):
                raw = json.dumps({"row": line, **row}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
                yield row_record(row, names, "xlsx", line, raw)
        if names is None:
            raise BadInput("the sheet is empty")


def _rows(file: Opened) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Row numbers from 1, and their cells; nothing that openpyxl says of a damaged file gets out."""
    open_zip(file.handle, max_bytes=MAX_UNPACKED_BYTES, max_entry=MAX_ENTRY_BYTES).close()
    file.handle.seek(0)
    sheet = _quietly(lambda: _sheet(openpyxl.load_workbook(file.handle, read_only=True, keep_links=False), file.sheet))
    sheet.reset_dimensions()
    rows = sheet.iter_rows(max_col=MAX_COLUMNS)
    for line in itertools.count(1):
        cells = _quietly(lambda: next(rows, None), line)
        if cells is None:
            return
        yield line, cells


def _quietly(step: Callable[[], Any], line: int | None = None) -> Any:
    """Take one step without openpyxl's warnings (styles, validations: nothing that is read here)."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return step()
    except _DAMAGED as error:
        raise BadInput(f"not a workbook that can be read: {error}", line=line) from error


def _sheet(book: Any, name: str | None) -> Any:
    if name is None:
        return book.worksheets[0]
    found = {sheet.title: sheet for sheet in book.worksheets}
    if name not in found:
        raise BadInput(f"no sheet named {name[:80]!r}; there are {', '.join(found)[:200]}")
    return found[name]


def _row(names: list[str], cells: tuple[Any, ...], line: int, zone: dt.tzinfo | None) -> dict[str, str]:
    row = dict.fromkeys((*REQUIRED, *OPTIONAL), "")
    for column, (name, cell) in enumerate(zip(names, cells, strict=False), 1):
        if name in row:
            row[name] = _text(cell, line, column, zone)
    return row


def _text(cell: Any, line: int, column: int, zone: dt.tzinfo | None) -> str:
    """What was typed into the cell.

    Raises:
        BadInput: a formula, an error value, a number that is none.
    """
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise BadInput("the cell holds a formula; put the text itself there", line=line, column=column)
    if isinstance(value, str):
        if cell.data_type == "e":
            raise BadInput(f"the cell shows the error {value[:20]}", line=line, column=column)
        return value
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=zone).isoformat() if zone else value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return _digits(value, line, column)
    if isinstance(value, float) and value.is_integer():
        return _digits(int(value), line, column)
    raise BadInput("the cell holds neither text nor a whole number nor a date with time", line=line, column=column)


def _digits(value: int, line: int, column: int) -> str:
    """A number as text; Excel keeps fifteen digits, so a longer id has lost its end already (ECMA-376 §18.3.1.96)."""
    if abs(value) >= 10**15:
        raise BadInput("a number of more than 15 digits is not exact in Excel; write the id as text",
                       line=line, column=column)  # fmt: skip
    return str(value)
