"""The process that drives the browser: `python -m crawler.capturing.worker SCRATCH`, one JSON line in, one out.

It lives in a session of its own so that the stage can kill it whole. When the stage itself is gone (standard input
ends), it takes the browser and what lies on disk with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NoReturn

from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as PlaywrightError

from crawler.capturing.chromium import find_chromium
from crawler.capturing.config import INSTALL_CHROMIUM, BrowserDied, BrowserMissing, CaptureConfig
from crawler.capturing.job import Job
from crawler.capturing.page import photograph
from crawler.capturing.proxy import GuardProxy
from crawler.guard import Guard

_ATTEMPTS, _PAUSE_SECONDS = 100, 0.05

BROWSER_FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    # A second wall: should anything go round the proxy, it finds no name and no address but the proxy's own.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--js-flags=--max-old-space-size=512",
    "--no-first-run",
)


@contextlib.asynccontextmanager
async def open_browser(config: CaptureConfig, proxy: GuardProxy) -> AsyncIterator[Browser]:
    """Chromium with no way out but `proxy`.

    Raises:
        BrowserMissing: there is none, or it does not start.
    """
    executable = await asyncio.to_thread(find_chromium, config.chromium)
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=executable,
                args=list(BROWSER_FLAGS),
                chromium_sandbox=os.geteuid() != 0,  # Chromium refuses its sandbox to root
                proxy={
                    "server": proxy.url,
                    "username": proxy.username,
                    "password": proxy.password,
                    "bypass": "<-loopback>",
                },
                timeout=config.start_seconds * 1000,
            )
        except PlaywrightError as error:
            first = error.message.strip().splitlines()[0]
            raise BrowserMissing(f"{executable} does not start: {first}; {INSTALL_CHROMIUM}") from error
        try:
            yield browser
        finally:
            with contextlib.suppress(PlaywrightError):
                await browser.close()


async def browser_pid(browser: Browser) -> int:
    """The process id of the browser, which leads a process group of its own."""
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    return next(int(process["id"]) for process in processes if process["type"] == "browser")


def _remove(directory: str) -> None:
    """Remove a directory into which dying processes may still write for a moment."""
    for _attempt in range(_ATTEMPTS):
        shutil.rmtree(directory, ignore_errors=True)
        if not Path(directory).exists():
            return
        time.sleep(_PAUSE_SECONDS)


class _Line:
    """The line to the stage, and the thread that notices when it is cut."""

    def __init__(self, scratch: str) -> None:
        self.browser: int | None = None
        self.directories = [scratch]
        self._answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody else writes on the line
        self._questions: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._cut = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in sys.stdin:
            self._loop.call_soon_threadsafe(self._questions.put_nowait, line)
        self._end()

    def let_end(self) -> None:
        """Where the line was cut, leave the end to the thread that noticed: it has files to remove first."""
        if self._cut.is_set():
            self._listener.join()

    def _end(self) -> NoReturn:
        self._cut.set()
        if self.browser is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.browser, signal.SIGKILL)
        for directory in self.directories:
            _remove(directory)
        os.killpg(os.getpgrp(), signal.SIGKILL)
        raise AssertionError("still alive")

    async def question(self) -> str:
        return await self._questions.get()

    def answer(self, line: str) -> None:
        self._answers.write(line + "\n")
        self._answers.flush()


async def serve(scratch: str) -> None:
    """Read the configuration, start the browser, then do one job a line for ever."""
    line = _Line(scratch)
    config = CaptureConfig.from_json(await line.question())
    guard = Guard(config.allowed)
    proxy = GuardProxy(guard, max_bytes=config.max_bytes)
    try:
        async with proxy.listening(), open_browser(config, proxy) as browser:
            line.browser = await browser_pid(browser)
            line.answer(json.dumps({"browser": line.browser, "version": browser.version}))
            while True:
                job = Job.from_json(await line.question())
                line.directories[1:] = [job.directory]
                line.answer((await photograph(browser, proxy, guard, config, job)).to_json())
    except BrowserMissing as missing:
        line.answer(json.dumps({"error": str(missing)}))
    except (BrowserDied, PlaywrightError) as died:
        sys.stderr.write(f"{died}\n")
    finally:
        line.let_end()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
