"""Parsing apart: stored bytes were foreign once, and the process that holds database and keys does not parse them."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, Self

from crawler.files.formats import FILE_SOURCES
from crawler.files.records import parse_records
from crawler.registry import source_named
from crawler.source import Answer, Ask, Blocked, Gone, Page, Parsed, unparsed
from models.errors import BadInput, StorageError

READ_SECONDS = 30.0
START_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """A kept response or imported file, as its reader needs it."""

    source: str
    address: str
    watermark: Mapping[str, Any]
    kind: str
    answer: Answer


class Rereader:
    """Reads stored responses in a process of its own, which is replaced when it hangs or dies. Use it as a context."""

    def __init__(self) -> None:
        self._here: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, stored: Stored) -> Page:
        """What the connector (of an imported file: its reader) makes of it today.

        A body it still cannot read is one item that was not understood.

        Raises:
            StorageError: no process can be started.
        """
        here = self._here or self._start()
        try:
            here.send(stored)
            page: Page | None = here.recv() if here.poll(READ_SECONDS) else None
        except (EOFError, OSError):
            page = None
        if page is None:
            self._end()
            return _strange("pembacaan terlalu lama atau mati")
        return page

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there,), daemon=True)
        self._process.start()
        there.close()
        self._here = here
        if not here.poll(START_SECONDS) or here.recv() is not True:
            raise StorageError("the reading process did not start")
        return here

    def _end(self) -> None:
        if self._process is not None and self._here is not None:
            self._process.kill()
            self._process.join()
            self._here.close()
        self._process = self._here = None


def _serve(connection: Connection) -> None:
    connection.send(True)  # noqa: FBT003 - a sign of life
    while True:
        try:
            stored: Stored = connection.recv()
        except EOFError:
            return
        connection.send(_read(stored))


def _read(stored: Stored) -> Page:
    try:
        if stored.kind in FILE_SOURCES:
            return Page(parse_records(FILE_SOURCES[stored.kind], stored.answer.body), {})
        ask = Ask(stored.answer.url, kind=stored.kind)
        return source_named(stored.source).read(stored.address, stored.watermark, ask, stored.answer)
    except (BadInput, Gone, Blocked) as error:
        return _strange(str(error))
    except Exception as error:  # noqa: BLE001 - a parser's own fault is one more thing not understood
        return _strange(f"{type(error).__name__}: {error}")


def _strange(reason: str) -> Page:
    return Page(Parsed(unparsed=(unparsed("", reason),)), {})
