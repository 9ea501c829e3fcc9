"""What a file of posts is: records on lines, read one after the other so that memory stays bounded."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Iterator
from typing import Protocol

from crawler.source import Parsed, Unparsed
from models.posts import ParsedPost

MAX_LINE_BYTES = 4 << 20
"""A longer line is refused: no post is as long, and memory must stay bounded."""


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One item of a file. `line` is where it starts (from 1), `raw` its bytes with line ends.

    `platform` and `author` say whose post it is. `post` is None for an item of an unknown platform or shape,
    and `problem` then says which.
    """

    line: int
    raw: bytes
    platform: str
    author: str
    post: ParsedPost | None
    problem: str = ""


class FileSource(Protocol):
    """A file format that posts come in."""

    media_type: str

    def records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """The records in file order; `lines` keep their ends.

        Raises:
            BadInput: with line and, where known, column; the file is not of this format.
        """
        ...

    def head(self, lines: Iterable[bytes]) -> bytes:
        """What stands before the first record and is needed to read any (the header of a CSV file)."""
        ...


def parse_records(source: FileSource, body: bytes) -> Parsed:
    """All posts of a body in the file's format, as the importer reads them.

    Raises:
        BadInput: as `FileSource.records`.
    """
    records = list(source.records(io.BytesIO(body)))
    return Parsed(
        tuple(record.post for record in records if record.post is not None),
        tuple(Unparsed(str(record.line), record.problem) for record in records if record.post is None),
    )
