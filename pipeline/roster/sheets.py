"""Rows of a CSV file or an Excel workbook, with what a spreadsheet did to their cells.

A number is never taken for the text that somebody typed where digits may have been lost: Excel keeps fifteen
(ECMA-376 part 1 §18.3.1.96 stores IEEE doubles), and a NIP has eighteen.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import datetime as dt
import io
import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar
from xml.etree.ElementTree import ParseError

from crawler.files.archive_limits import open_zip
from models.errors import BadInput

MAX_FILE_BYTES = 16 << 20
MAX_UNPACKED_BYTES = 192 << 20
MAX_ENTRY_BYTES = 96 << 20
MAX_COLUMNS = 60
EXACT_DIGITS = 15

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{2}")
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
_LEFT_OVER = re.compile("[\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\N{SOFT HYPHEN}]")

Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """What was typed, trimmed. `fault` is a code of `findings.WORDS` when that cannot be known; `told` its values."""

    text: str
    fault: str = ""
    told: tuple[tuple[str, str], ...] = ()


Rows = Iterator[tuple[int, list[Cell]]]


def read_rows(file: BinaryIO) -> Rows:
    """Row numbers, as a spreadsheet shows them, with their cells. Blank rows are left out.

    Raises:
        BadInput: neither CSV nor XLSX, too large, or damaged; with the row where it is known.
    """
    size = file.seek(0, io.SEEK_END)
    if size > MAX_FILE_BYTES:
        raise BadInput(f"{size} bytes; a roster has at most {MAX_FILE_BYTES >> 20} MiB")
    file.seek(0)
    start = file.read(4)
    file.seek(0)
    if start == _OLE:
        raise BadInput("an old or encrypted Excel file; save it as .xlsx without a password")
    rows = _workbook(file) if start == _ZIP else _delimited(file)
    return ((number, cells) for number, cells in rows if any(cell.text or cell.fault for cell in cells))


def _delimited(file: BinaryIO) -> Rows:
    if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise BadInput("not UTF-8; save it as 'CSV UTF-8'")
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        header = text.readline()
        delimiter = max(",;\t", key=header.count)
        text.seek(0)
        reader = csv.reader(text, strict=True, delimiter=delimiter)
        for number, row in enumerate(reader, 1):
            yield number, [_typed(cell) for cell in row]
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8; save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise BadInput(f"not valid CSV: {error}", line=reader.line_num) from error
    finally:
        text.detach()


def _typed(text: str) -> Cell:
    """A cell of a text file, in which a spreadsheet has left its traces."""
    plain = _trimmed(text)
    if (quoted := _QUOTED_FORMULA.fullmatch(plain)) is not None:
        return Cell(_trimmed(quoted[1]))
    if plain.startswith("="):
        return Cell(plain, "formula")
    if _SCIENTIFIC.fullmatch(plain):
        return Cell(plain, "rounded")
    return Cell(plain)


def _trimmed(text: str) -> str:
    """Without outer spaces, invisible characters, and the apostrophe that marks text in spreadsheets."""
    return _LEFT_OVER.sub("", text).strip().removeprefix("'").replace("\x00", "")


def _workbook(file: BinaryIO) -> Rows:
    """The first visible sheet."""
    import openpyxl  # noqa: PLC0415 - needed for workbooks only

    open_zip(file, max_bytes=MAX_UNPACKED_BYTES, max_entry=MAX_ENTRY_BYTES).close()
    file.seek(0)
    book = _quietly(lambda: openpyxl.load_workbook(file, read_only=True, keep_links=False))
    try:
        sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
        if sheet is None:
            raise BadInput("the workbook has no visible sheet")
        sheet.reset_dimensions()  # what a file says of its size may be wrong
        rows = sheet.iter_rows(max_col=MAX_COLUMNS)
        number = 1
        while (cells := _quietly(lambda: next(rows, None), number)) is not None:
            yield number, [_stored(cell) for cell in cells]
            number += 1
    finally:
        book.close()


def _quietly(step: Callable[[], Found], row: int | None = None) -> Found:
    """Take one step without openpyxl's warnings (styles, validations), in our tree of errors."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415
    from lxml.etree import LxmlError  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    damaged = (
        *(KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError, OverflowError, RecursionError),
        *(InvalidFileException, DefusedXmlException, LxmlError, ParseError, zipfile.BadZipFile, zipfile.LargeZipFile),
    )
    try:
        with warnings.catch_warnings(action="ignore"):
            return step()
    except damaged as error:
        raise BadInput(f"not a workbook that can be read: {error}", line=row) from error


def _stored(cell: Any) -> Cell:
    """A cell of a workbook."""
    value = cell.value
    if cell.data_type == "f":
        return Cell(str(value), "formula")
    if cell.data_type == "e":
        return Cell(str(value), "excel_error", (("value", str(value)),))
    if value is None or isinstance(value, str):
        return Cell(_trimmed(value or ""))
    if isinstance(value, dt.datetime):
        return Cell(value.date().isoformat())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _figure(value)
    return Cell(str(value), "not_text", (("kind", type(value).__name__),))


def _figure(value: float) -> Cell:
    """A number as it was typed, as long as a double holds it exactly."""
    if not math.isfinite(value) or abs(value) >= 10**EXACT_DIGITS:
        return Cell(str(value), "rounded")
    return Cell(str(int(value)) if value == int(value) else str(value))
