"""The stage's side of the browser: starts the process that drives it, waits with a clock, kills without mercy."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Self

from crawler.capturing.config import BrowserMissing, CaptureConfig
from crawler.capturing.job import BROWSER_DIED, TIME_OVER, Job, Shot, broken

_CHUNK = 64 << 10
_REAP_SECONDS = 10.0


class CaptureBrowser:
    """A browser that is replaced after `recycle_after` captures, and at once after a bad one.

    The driving process and the browser each lead a process group; both groups are killed together, so a page that
    hangs, a browser that hangs and a driver that hangs all cost `total_seconds` and leave nothing behind.
    """

    def __init__(self, config: CaptureConfig) -> None:
        self.config = config
        self.version = ""
        self._worker: _Worker | None = None
        self._used = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def capture(self, job: Job) -> Shot:
        """Do one job in at most `total_seconds`; whatever the page does, the answer is a shot.

        Raises:
            BrowserMissing: no browser can be started.
        """
        if self._worker is None or self._used >= self.config.recycle_after:
            self._start()
        assert self._worker is not None  # noqa: S101 - `_start` raises or sets it
        self._used += 1
        try:
            answer = self._worker.ask(job.to_json(), self.config.total_seconds)
        except TimeoutError:
            shot = broken(TIME_OVER)
        else:
            shot = broken(BROWSER_DIED) if answer is None else Shot.from_json(answer)
        if shot.spent:
            self.stop()
        return shot

    def stop(self) -> None:
        """Kill the browser and its driver, if any, and remove what they wrote."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def _start(self) -> None:
        self.stop()
        self._used = 0
        self._worker = _Worker()
        try:
            self.version = self._worker.start(self.config)
        except BaseException:
            self.stop()
            raise


class _Worker:
    """The driving process, its pipes and its scratch directory (the browser's profile lies there)."""

    def __init__(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="netra-browser-"))
        self._browser: int | None = None
        self._read = b""
        self._errors = (self.scratch / "stderr").open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            [
                "/usr/bin/env",
                f"TMPDIR={self.scratch}",
                sys.executable,
                "-P",
                "-m",
                "crawler.capturing.worker",
                str(self.scratch),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    def start(self, config: CaptureConfig) -> str:
        """Start the browser; its version."""
        try:
            answer = self.ask(config.to_json(), config.start_seconds)
        except TimeoutError as error:
            raise BrowserMissing(f"Chromium does not start within {config.start_seconds:g} seconds") from error
        if answer is None:
            raise BrowserMissing(f"the browser's driver ended at once: {self._last_error()}")
        told = json.loads(answer)
        if "error" in told:
            raise BrowserMissing(told["error"])
        self._browser = told["browser"]
        return str(told["version"])

    def ask(self, line: str, seconds: float) -> str | None:
        """Send a line and wait for one; None when the process ended.

        Raises:
            TimeoutError: no whole line came in time.
        """
        deadline = time.monotonic() + seconds
        try:
            self._send(line)
        except BrokenPipeError:
            return None
        return self._receive(deadline)

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _receive(self, deadline: float) -> str | None:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        while b"\n" not in self._read:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            data = os.read(self._process.stdout.fileno(), _CHUNK)
            if not data:
                return None
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()

    def kill(self) -> None:
        """Both process groups at once, then the scratch directory."""
        for group in (self._browser, self._process.pid):
            if group is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
        self._process.wait(_REAP_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _last_error(self) -> str:
        lines = (self.scratch / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1][:500] if lines else "without a word"
