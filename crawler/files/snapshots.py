"""Responses that somebody's browser saved, one after the other: what WARC, WACZ and MHTML files hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Protocol

from crawler.files.records import Opened
from models.base import JsonObject

MAX_BODY_BYTES = 32 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """One response: `number` is its place in the file (from 1), `headers` have names in lower case, `body` is decoded.

    `facts` is what the file says of it (when it was saved, by which record) and what was checked. `readable` is False
    where the body was left out, being no text or too large. `whole` is what must be kept to keep the response, where
    that is more than its body.
    """

    number: int
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    media_type: str
    facts: JsonObject
    readable: bool = True
    whole: bytes = b""


class SnapshotSource(Protocol):
    """A file format that holds saved responses."""

    def snapshots(self, file: Opened) -> Iterator[Snapshot]:
        """The responses in file order.

        Raises:
            BadInput: the file is not of this format, is damaged, or was altered after it was made.
        """
        ...
