"""Read posts to classify from CSV or JSON Lines, one at a time, refusing what is malformed by file and line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from models.errors import BadInput

MAX_LINE_BYTES = 1_000_000
REQUIRED = ("id", "text")


@dataclass(frozen=True)
class InputRow:
    """One post: its id, its text and every other column."""

    id: str | int
    text: str
    others: dict[str, Any]


def read_rows(
    stream: BinaryIO, *, path: Path | str, json_lines: bool, advanced: Callable[[int], None]
) -> Iterator[InputRow]:
    """Yield rows in order; `advanced` is told the bytes of every line read.

    Raises:
        BadInput: bad UTF-8, a NUL byte, an overlong line, a missing column, a malformed row; names the line.
    """
    lines = _lines(stream, path, advanced)
    yield from _json_rows(lines, path) if json_lines else _csv_rows(lines, path)


def _lines(stream: BinaryIO, path: Path | str, advanced: Callable[[int], None]) -> Iterator[str]:
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise BadInput(f"line is longer than {MAX_LINE_BYTES} bytes", path=path, line=number)
        if b"\0" in raw:
            raise BadInput("line holds a NUL byte", path=path, line=number)
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise BadInput("not UTF-8", path=path, line=number, column=error.start + 1) from error
        advanced(len(raw))


def _json_rows(lines: Iterator[str], path: Path | str) -> Iterator[InputRow]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _json_row(line, path, number)


def _json_row(line: str, path: Path | str, number: int) -> InputRow:
    try:
        data = json.loads(line, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not valid JSON: {error}", path=path, line=number) from error
    if not isinstance(data, dict):
        raise BadInput("a line is a JSON object with id and text", path=path, line=number)
    _require(data.keys(), path, number)
    row_id, text = data.pop("id"), data.pop("text")
    if not isinstance(row_id, str | int) or isinstance(row_id, bool) or not isinstance(text, str):
        raise BadInput("id is a string or whole number, text a string", path=path, line=number)
    return InputRow(row_id, text, data)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _csv_rows(lines: Iterator[str], path: Path | str) -> Iterator[InputRow]:
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        _require(header, path, 1)
        if len(set(header)) != len(header):
            raise BadInput("two columns carry the same name", path=path, line=1)
        for values in reader:
            if values:
                yield _csv_row(header, values, path, reader.line_num)
    except csv.Error as error:
        raise BadInput(f"malformed CSV: {error}", path=path, line=reader.line_num) from error


def _csv_row(header: list[str], values: list[str], path: Path | str, number: int) -> InputRow:
    if len(values) != len(header):
        raise BadInput(f"{len(values)} fields where the header has {len(header)}", path=path, line=number)
    data = dict(zip(header, values, strict=True))
    return InputRow(data.pop("id"), data.pop("text"), data)


def _require(columns: Any, path: Path | str, number: int) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise BadInput(f"no column {' and no column '.join(missing)}", path=path, line=number)
