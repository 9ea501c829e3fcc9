"""`netra run`: every part in a process of its own; a part that dies is started again, and it is said so."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import structlog

from models.database import Database
from models.errors import NetraError
from models.log import record

POLL_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_AFTER_SECONDS = 60.0
STOP_SECONDS = 15.0

_logger = structlog.get_logger()


@dataclasses.dataclass
class Part:
    """One supervised process."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_at: float = 0.0

    def start(self) -> None:
        """Start in a session of its own, so that the whole tree below it can be ended; it ends by itself when this
        process does, because its standard input closes.
        """
        self.process = subprocess.Popen(self.argv, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603
        self.started_at = time.monotonic()

    def died(self) -> int | None:
        """The exit code, once, after the process ended."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self._clear()
        if time.monotonic() - self.started_at > HEALTHY_AFTER_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        self.start_at = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        return code

    def stop(self, deadline: float) -> None:
        """Ask the process to end; kill its group at `deadline` (monotonic seconds)."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _logger.warning("part_killed", part=self.name)
        self._clear()

    def _clear(self) -> None:
        """Kill whatever is left of the process's group and let go of it."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
        self.process = None


def supervise(database: Database, parts: Sequence[Part], stop: threading.Event) -> None:
    """Keep `parts` alive until `stop` is set, then end them all."""
    try:
        while not stop.is_set():
            for part in parts:
                _keep_alive(database, part)
            stop.wait(POLL_SECONDS)
    finally:
        for part in parts:
            if part.process is not None:
                part.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for part in parts:
            part.stop(deadline)


def part_command(*arguments: str) -> list[str]:
    """The command line of a part: this interpreter, this program."""
    return [sys.executable, "-m", "pipeline", *arguments]


def end_with_supervisor() -> None:
    """In a part: end politely when the supervisor is gone, however it went."""

    def _watch() -> None:
        while os.read(sys.stdin.fileno(), 1):  # unbuffered: a thread inside a buffered read blocks the exit
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=_watch, daemon=True).start()


def _keep_alive(database: Database, part: Part) -> None:
    code = part.died()
    if code is not None:
        _logger.error("part_died", part=part.name, exit_code=code, restart_in_seconds=part.pause / 2)
        _note_death(database, part, code)
    if part.process is None and time.monotonic() >= part.start_at:
        part.start()
        _logger.info("part_started", part=part.name)


def _note_death(database: Database, part: Part, code: int) -> None:
    """Write the death into the audit log; what took the part, a full disk perhaps, must not take the supervisor too."""
    try:
        with database.write() as session:
            record(session, "part.died", f"parts:{part.name}", actor="supervisor", exit_code=code)
    except NetraError as error:
        _logger.error("part_death_not_logged", part=part.name, reason=str(error))  # noqa: TRY400 - one line says it
