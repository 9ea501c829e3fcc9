"""Label rows: masked texts with what people said of them, one JSON object a line, and nothing of whom it was about.

What is left out, and why: docs/decisions/0010-labels-name-nobody.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from classifier.labels.corpus import Stance, Voice
from classifier.text.mask import MASK_TOKENS
from models.errors import BadInput

MAX_LINE_BYTES = 1_000_000
MAX_TEXT_CHARACTERS = 100_000

RowAct = Literal["none", "support", "attack", "mobilise", "partisan"]
"""`partisan`: the author takes a side; the reviewers' form does not ask which way."""

Source = Literal["verdict", "sample", "import"]
ROW_ACTS: tuple[RowAct, ...] = get_args(RowAct)

_OPAQUE = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
_SLOT = re.compile(r"(?<!\w)(?:" + "|".join(sorted(MASK_TOKENS, reverse=True)) + r")(?!\w)")


class TextRow(BaseModel):
    """One masked text. `id` and `contest` are keyed hashes: equal for the same office, telling nothing outside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: _OPAQUE
    masked: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    contest: _OPAQUE | None = None


class LabelRow(TextRow):
    """A text with its labels. `stances` maps slots of the text to the author's stance; `readers` is how many people
    said the same.
    """

    act: RowAct
    voice: Voice
    stances: dict[str, Stance] = {}
    source: Source
    readers: int = Field(ge=1, le=1_000)

    @model_validator(mode="after")
    def _stances_are_of_slots(self) -> Self:
        unknown = self.stances.keys() - slots_in(self.masked).keys()
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no slot of the text")
        return self

    @property
    def partisan(self) -> bool:
        """Whether the author takes a side."""
        return self.act != "none"


def slots_in(masked: str) -> dict[str, tuple[int, int]]:
    """Where each slot of a masked text first stands, in characters."""
    places: dict[str, tuple[int, int]] = {}
    for match in _SLOT.finditer(masked):
        places.setdefault(match.group(), match.span())
    return places


def read_label_rows(path: Path) -> Iterator[LabelRow]:
    """Read label rows.

    Raises:
        BadInput: the file cannot be read, a line is no label row, or an id stands twice; names file and line.
    """
    seen: set[str] = set()
    for number, line in _lines(path):
        try:
            row = LabelRow.model_validate_json(line)
        except ValidationError as error:
            raise BadInput(first_fault(error), path=path, line=number) from error
        if row.id in seen:
            raise BadInput(f"id {row.id} stands twice", path=path, line=number)
        seen.add(row.id)
        yield row


def row_lines(rows: Iterable[TextRow]) -> Iterator[bytes]:
    """The rows as lines; what is absent is left out."""
    for row in rows:
        fields = row.model_dump(exclude_none=True)
        if not fields.get("stances", True):
            del fields["stances"]
        yield json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, on one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES:
                    raise BadInput(f"line is longer than {MAX_LINE_BYTES} bytes", path=path, line=number)
                if line.strip():
                    yield number, line.removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise BadInput(f"cannot read: {error.strerror}", path=path) from error
