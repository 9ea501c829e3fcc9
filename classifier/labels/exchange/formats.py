"""Every exchange format in one list: how a row is written, how a record is read, and whole files of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from classifier.labels.exchange import argilla, doccano, label_studio
from classifier.labels.exchange.answers import Record, settled
from classifier.labels.exported import LabelRow, TextRow, first_fault, read_label_rows, row_lines
from models.base import JsonObject
from models.errors import BadInput

JSONL = "jsonl"
MAX_FILE_BYTES = 256_000_000
"""A JSON array is read whole."""


@dataclass(frozen=True)
class Tool:
    """One annotation tool: its two directions, and whether its files are one JSON array or lines."""

    write: Callable[[TextRow], JsonObject]
    read: Callable[[JsonObject], Record]
    is_array: bool


TOOLS: dict[str, Tool] = {
    "label-studio": Tool(label_studio.task_of, label_studio.read_task, is_array=True),
    "argilla": Tool(argilla.record_of, argilla.read_record, is_array=True),
    "doccano": Tool(doccano.example_of, doccano.read_example, is_array=False),
}
FORMATS = (JSONL, *TOOLS)


@dataclass(frozen=True)
class Imported:
    """The rows of a file, and how many records gave none."""

    rows: tuple[LabelRow, ...]
    unlabelled: int
    disputed: int


def check_format(fmt: str) -> None:
    """Refuse an unknown format before anything else is done.

    Raises:
        BadInput: there is no such format.
    """
    if fmt not in FORMATS:
        raise BadInput(f"no label format {fmt!r}; there are {', '.join(FORMATS)}")


def written(rows: Iterable[TextRow], fmt: str) -> Iterator[bytes]:
    """The rows as the bytes of a file.

    Raises:
        BadInput: there is no such format.
    """
    check_format(fmt)
    if fmt == JSONL:
        yield from row_lines(rows)
        return
    tool = TOOLS[fmt]
    records = (json.dumps(tool.write(row), ensure_ascii=False).encode() for row in rows)
    if not tool.is_array:
        yield from (record + b"\n" for record in records)
        return
    opening = b"[\n"
    for record in records:
        yield opening + record
        opening = b",\n"
    yield b"[]\n" if opening == b"[\n" else b"\n]\n"


def imported(path: Path, fmt: str) -> Imported:
    """The label rows of a file that an annotation tool gave back.

    Raises:
        BadInput: no such format; the file cannot be read; a record is malformed, changed in what is ours, or stands
            twice. Names the file and the line or record.
    """
    check_format(fmt)
    if fmt == JSONL:
        return Imported(tuple(read_label_rows(path)), 0, 0)
    rows: dict[str, LabelRow] = {}
    missing = {"unlabelled": 0, "disputed": 0}
    for place, data in _records(path):
        found = _row(TOOLS[fmt], data, path, place)
        if isinstance(found, str):
            missing[found] += 1
        elif found.id in rows:
            raise BadInput(f"{place}: id {found.id} stands twice", path=path)
        else:
            rows[found.id] = found
    return Imported(tuple(rows.values()), **missing)


def _row(tool: Tool, data: object, path: Path, place: str) -> LabelRow | str:
    if not isinstance(data, dict):
        raise BadInput(f"{place}: not a JSON object", path=path)
    try:
        return settled(tool.read(data))
    except ValidationError as error:
        raise BadInput(f"{place}: {first_fault(error)}", path=path) from error
    except BadInput as error:
        raise BadInput(f"{place}: {error.message}", path=path) from error


def _records(path: Path) -> Iterator[tuple[str, object]]:
    """Each record with its place; tools write arrays or lines, whatever they write by default."""
    text = _text(path)
    if text.lstrip().startswith("["):
        array = _parsed(text, path, None)
        if isinstance(array, list):
            yield from ((f"record {number}", data) for number, data in enumerate(array, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"line {number}", _parsed(line, path, number)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"cannot read: {error.strerror}", path=path) from error
    if len(raw) > MAX_FILE_BYTES:
        raise BadInput(f"larger than {MAX_FILE_BYTES} bytes", path=path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", path=path, line=raw[: error.start].count(b"\n") + 1) from error


def _parsed(text: str, path: Path, line: int | None) -> object:
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise BadInput(
            f"not valid JSON: {error.msg}", path=path, line=line or error.lineno, column=error.colno
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not valid JSON: {error}", path=path, line=line) from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)
