"""The fetching process, seen from the coordinator: a pipe, a pulse and an end."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from crawler.config import CrawlConfig
from crawler.fetcher.process import fetch_for
from crawler.wire import FromCoordinator, FromFetcher, Heartbeat, Question, Received

GROUP_MESSAGES = 64
GROUP_BYTES = 8 << 20
POLL_SECONDS = 0.05
GATHER_SECONDS = 0.05
"""How long more is waited for once something came, so that more is written together."""
WATCH_SECONDS = 1.0


class Fetcher:
    """One fetching process. Whoever speaks with it is never kept longer than `silence_seconds`: then it is killed."""

    def __init__(self, config: CrawlConfig) -> None:
        self._config = config
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=fetch_for, args=(theirs, config), daemon=True)
        self._process.start()
        theirs.close()
        self._started_at = self._heard_at = time.monotonic()
        self._blocked_at = 0.0
        self._ended = threading.Event()
        threading.Thread(target=self._guard, daemon=True, name="fetcher-guard").start()

    def tell(self, message: FromCoordinator) -> None:
        """Send; a dead fetcher is noticed by `trouble`."""
        with contextlib.suppress(OSError), self._blocking():
            self._connection.send(message)

    def drain(self) -> list[FromFetcher]:
        """What it has said, one group at most. Whoever asks is not kept waiting."""
        found: list[FromFetcher] = []
        size, patience, until = 0, 0.0, 0.0
        with contextlib.suppress(EOFError, OSError):
            while len(found) < GROUP_MESSAGES and size < GROUP_BYTES and self._connection.poll(patience):
                with self._blocking():
                    message: FromFetcher = self._connection.recv()
                found.append(message)
                size += len(message.response.answer.body) if isinstance(message, Received) else 0
                until = until or time.monotonic() + GATHER_SECONDS
                patience = 0.0 if isinstance(message, Question) else max(0.0, until - time.monotonic())
        if found:
            self._heard_at = time.monotonic()
        return [message for message in found if not isinstance(message, Heartbeat)]

    def is_worn(self) -> bool:
        """Whether a fresh one should take over what comes next."""
        return time.monotonic() - self._started_at > self._config.process_seconds

    def trouble(self) -> str:
        """Why it must end now; empty when all is well."""
        if not self._process.is_alive():
            return f"ended with code {self._process.exitcode}"
        if time.monotonic() - self._heard_at > self._config.silence_seconds:
            return f"silent for {self._config.silence_seconds:g} seconds"
        if _resident_bytes(self._process.pid) > self._config.process_bytes:
            return f"holds more than {self._config.process_bytes >> 20} MiB"
        return ""

    def end(self) -> None:
        """End it at once."""
        self._ended.set()
        self._process.kill()
        self._process.join()
        self._connection.close()

    @contextlib.contextmanager
    def _blocking(self) -> Iterator[None]:
        """In here the other end decides how long it takes."""
        self._blocked_at = time.monotonic()
        try:
            yield
        finally:
            self._blocked_at = 0.0

    def _guard(self) -> None:
        """Half a message, or a full pipe that nobody empties, would hold the coordinator for ever."""
        while not self._ended.wait(WATCH_SECONDS):
            blocked_at = self._blocked_at
            if blocked_at and time.monotonic() - blocked_at > self._config.silence_seconds:
                self._process.kill()


def wait_for(fetchers: Sequence[Fetcher]) -> None:
    """Wait a moment until any of them says something."""
    wait([fetcher._connection for fetcher in fetchers], POLL_SECONDS)  # noqa: SLF001 - of this module


def _resident_bytes(pid: int | None) -> int:
    """Resident memory of a process; 0 where /proc does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096
    except (OSError, IndexError, ValueError):
        return 0
