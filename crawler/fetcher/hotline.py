"""The fetcher's end of the pipe to the coordinator: runs come in, what was seen goes out, in order."""

from __future__ import annotations

import asyncio
import concurrent.futures
import datetime as dt
import itertools
import pickle
import threading
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from typing import Any

from crawler.source import KnownPost
from crawler.wire import (
    Drop,
    EditsQuestion,
    FromCoordinator,
    Heartbeat,
    Job,
    News,
    Question,
    Received,
    Reply,
    Resting,
    TurnQuestion,
    UnlistedQuestion,
    Work,
)
from models.hosts import Turn

HEARTBEAT_SECONDS = 5.0
OUTBOX = 64
"""Messages that wait for the pipe before whoever sends another waits too."""
SMALL_BYTES = 256 << 10
"""Whoever sends a larger answer waits until it is in the pipe, so that hostile pages do not fill the memory."""


class Hotline:
    """`open` it inside the running loop. When the coordinator hangs up, `work` ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sender = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="sender")
        self._outbox = asyncio.Semaphore(OUTBOX)
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._work: asyncio.Queue[Work | None] = asyncio.Queue()
        self._heart: asyncio.Task[None] | None = None

    def open(self, loop: asyncio.AbstractEventLoop, on_drop: Callable[[str], None]) -> None:
        """Begin to listen. `on_drop` is called with the id of a run that is to stop."""
        self._on_drop = on_drop
        threading.Thread(target=self._listen, args=(loop,), daemon=True, name="listener").start()
        self._heart = loop.create_task(self._beat())

    async def work(self) -> AsyncIterator[tuple[Job, Turn]]:
        """The runs to walk, as they come."""
        while (work := await self._work.get()) is not None:
            yield work.job, work.turn

    async def send(self, news: News | Heartbeat | Question) -> None:
        """Hand on, in order; whoever sends much waits while the coordinator is behind."""
        message = pickle.dumps(news)  # here, so that what cannot be sent fails the run it belongs to
        await self._outbox.acquire()
        sent = asyncio.get_running_loop().run_in_executor(self._sender, self._connection.send_bytes, message)
        sent.add_done_callback(self._sent)
        if isinstance(news, Received) and len(news.response.answer.body) > SMALL_BYTES:
            await asyncio.wait([sent])

    async def turn(self, host: str) -> Turn | Resting:
        """Leave to ask a host, or until when there is none."""
        answer: Turn | Resting = await self._ask(lambda number: TurnQuestion(number, host))
        return answer

    async def unknown_edits(self, run_id: str, texts: dict[str, str]) -> set[str]:
        """Of these posts (external id to SHA-256 of the text), whose text is not stored."""
        answer: set[str] = await self._ask(lambda number: EditsQuestion(number, run_id, texts))
        return answer

    async def unlisted(self, run_id: str, since: dt.datetime) -> list[KnownPost]:
        """Which known posts the run has not met."""
        answer: list[KnownPost] = await self._ask(lambda number: UnlistedQuestion(number, run_id, since))
        return answer

    async def _ask(self, question: Callable[[int], Question]) -> Any:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self.send(question(number))
            return await self._waiting[number]
        finally:
            del self._waiting[number]

    def _sent(self, sent: asyncio.Future[None]) -> None:
        """Make room; a coordinator that is gone is noticed by `_listen`."""
        self._outbox.release()
        if not sent.cancelled():
            sent.exception()

    async def _beat(self) -> None:
        while True:
            await self.send(Heartbeat())
            await asyncio.sleep(HEARTBEAT_SECONDS)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while True:
                loop.call_soon_threadsafe(self._take, self._connection.recv())
        except (EOFError, OSError):
            loop.call_soon_threadsafe(self._work.put_nowait, None)

    def _take(self, message: FromCoordinator) -> None:
        match message:
            case Work():
                self._work.put_nowait(message)
            case Drop(run_id):
                self._on_drop(run_id)
            case Reply(number, value):
                waiting = self._waiting.get(number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(value)
