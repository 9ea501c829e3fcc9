"""What a file of posts is: records, read one after the other so that memory stays bounded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from crawler.source import Parsed, Unparsed
from models.base import JsonObject
from models.errors import BadInput
from models.posts import ParsedPost

MAX_LINE_BYTES = 4 << 20
"""A longer line is refused: no post is as long, and memory must stay bounded."""

NOT_PUBLIC = "not public"
UNKNOWN_PLATFORM = "unknown platform"


class NotPublic(BadInput):
    """The platform itself says that not everybody may see this; it is never kept, not even raw."""


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """Bytes that are evidence as they are: a saved page, a screenshot.

    `name` is that of a file of their own, `facts` what is known of how they were made.
    """

    body: bytes
    media_type: str
    name: str = ""
    facts: JsonObject = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One item of a file. `line` is where it starts (from 1), `raw` its bytes with line ends.

    `platform`, `author` and `author_id` say whose post it is. `post` is None for an item of an unknown platform or
    shape, and `problem` then says which; such an item's `author` is empty unless the item itself names one.

    An item that is no line of a file has a `document` instead of `raw`. `beside` is further evidence of the post.
    """

    line: int
    raw: bytes
    platform: str
    author: str
    post: ParsedPost | None
    problem: str = ""
    author_id: str = ""
    document: Document | None = None
    beside: tuple[Document, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Opened:
    """A file being read: from its start, with what its reader may need to know.

    `sheet` names one of several in a workbook; `zone` is that of times that a table cannot write one beside.
    """

    handle: BinaryIO
    path: Path = Path()
    sheet: str | None = None
    zone: dt.tzinfo | None = None


class FileSource(Protocol):
    """A file format that posts come in."""

    media_type: str

    def records(self, file: Opened) -> Iterator[Record]:
        """The records in file order.

        Raises:
            BadInput: with line and, where known, column; the file is not of this format.
        """
        ...

    def head(self, file: Opened) -> bytes:
        """What stands before the first record and is needed to read any (the header of a CSV file)."""
        ...


def read_lines(file: Opened, limit: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """The file's lines with their ends.

    Raises:
        BadInput: a line has more bytes than `limit`.
    """
    number = 0
    while line := file.handle.readline(limit + 1):
        number += 1
        if len(line) > limit:
            raise BadInput(f"line of more than {limit} bytes", line=number)
        yield line


def parse_records(source: FileSource, body: bytes) -> Parsed:
    """All posts of a body in the file's format, as the importer reads them.

    Raises:
        BadInput: as `FileSource.records`.
    """
    records = list(source.records(Opened(io.BytesIO(body))))
    return Parsed(
        tuple(record.post for record in records if record.post is not None),
        tuple(Unparsed(str(record.line), record.problem) for record in records if record.post is None),
    )
