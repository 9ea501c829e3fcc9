"""Hostile servers on loopback, and what a crawl among them does: how it ends, how long, how much memory, whom it dials.

Everything about the crawl itself goes through `tests.crawler.conftest.Crawls`; this file only watches it from outside.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from models.targets import Run, RunOutcome
from tests.crawler.conftest import Asked, Crawls, Reply, Site

MAX_GROWTH_BYTES = 200 << 20
"""How much more memory than a harmless crawl one among hostile servers may take at its peak."""

MOST_MEMORY = 4 << 30
"""Address space of the crawling process, so that a test that fails does not take the machine with it."""

LIMITS = {"attempts": 1, "request_seconds": 2.0, "run_seconds": 20.0, "total_seconds": 60.0, "hosts_at_once": 64}
PATIENCE = 8.0
"""Seconds that a busy machine may add to any limit."""

SAMPLE_SECONDS = 0.02
GOOD_FEEDS = 8

WATCH = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({most}, {most}))
def watch(event, arguments, log=open({log!r}, "a", buffering=1)):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host, port = arguments[1][:2]
        log.write(f"{{host}} {{port}}\\n")
        if not host.startswith("127.") and host != "::1":
            raise ConnectionRefusedError(111, "no test leaves this machine")
sys.addaudithook(watch)
"""
"""Told to the crawling process: note every address that is dialled, whatever dials it, and never leave loopback."""

Behave = Callable[[socket.socket, bytes], None]
"""What a hostile server does with a connection, given the head of the request."""

_hosts = itertools.count(1)


def feed(*titles: str) -> bytes:
    """A well-formed feed with these items."""
    items = "".join(f"<item><title>{title}</title><guid>tag:{title}</guid></item>" for title in titles)
    return f"<rss version='2.0'><channel>{items}</channel></rss>".encode()


def head(status: str = "200 OK", **headers: object) -> bytes:
    """The head of a response; `_` in names stands for `-`."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")


def whole(body: bytes, status: str = "200 OK", **headers: object) -> bytes:
    """A whole response in good order."""
    return head(status, Content_Length=len(body), **headers) + body


def say(*parts: bytes) -> Behave:
    """Send these bytes and hang up."""

    def behave(connection: socket.socket, _: bytes) -> None:
        for part in parts:
            connection.sendall(part)

    return behave


def forever(chunk: bytes, first: bytes = b"", *, pause: float = 0.0) -> Behave:
    """Send `first`, then `chunk` again and again until the other side hangs up."""

    def behave(connection: socket.socket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(chunk)
            time.sleep(pause)

    return behave


class Outlaw:
    """A TCP server on a loopback address of its own that does what `behave` says with every connection.

    `wrap` makes something else of the accepted socket (TLS). robots.txt is answered with 404 unless `robots` says
    otherwise.
    """

    def __init__(
        self,
        behave: Behave,
        *,
        robots: Behave | None = None,
        wrap: Callable[[socket.socket], socket.socket] | None = None,
        host: str = "",
    ) -> None:
        number = next(_hosts)
        self.host = host or f"127.1.{number // 250}.{number % 250 + 1}"
        self.behave, self._robots, self._wrap = behave, robots or say(whole(b"", "404 Not Found")), wrap
        self.heads: list[bytes] = []
        self._listener = socket.create_server((self.host, 0), backlog=50)
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path: str = "/feed") -> str:
        return f"http://{self.host}:{self.port}{path}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            if self._wrap is not None:
                connection = stack.enter_context(self._wrap(connection))
            request = b""
            while b"\r\n\r\n" not in request:
                received = connection.recv(65536)
                if not received:
                    return
                request += received
            self.heads.append(request)
            asks_robots = request.startswith(b"GET /robots.txt ")
            (self._robots if asks_robots else self.behave)(connection, request)

    def close(self) -> None:
        # shutdown, because close alone would not wake a thread that waits in accept or send
        for made in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                made.shutdown(socket.SHUT_RDWR)
            made.close()


class Canary:
    """Listens on an inner address and notes every contact, even one that sends nothing."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.contacts = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.contacts += 1
                connection.sendall(whole(feed("bocor")))
                connection.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@dataclasses.dataclass(frozen=True)
class Trap:
    """A target that ought to hurt: where it is, and what `outcome: reason` must read like in the end."""

    name: str
    address: str
    expected: str
    source: str = "feed"


@dataclasses.dataclass
class Report:
    """What a crawl did, seen from outside. Times in seconds, memory in bytes."""

    runs: dict[str, Run]
    took: float
    peak: int
    dialled: set[tuple[str, int]]
    errors: str

    def line(self, name: str) -> str:
        run = self.runs[name]
        return f"{run.outcome.value}: {run.reason}"


class Siege:
    """Crawls hostile targets beside a well-behaved host, and holds them to what every such crawl must keep to."""

    def __init__(self, crawls: Crawls, log: Path, baseline: Callable[[], int]) -> None:
        self.crawls, self._log, self._baseline = crawls, log, baseline
        self.outlaws: list[Outlaw] = []
        self._closing = contextlib.ExitStack()
        self.good = self._made(Site("127.0.0.200"))
        self.canary = self._made(Canary())
        with contextlib.suppress(OSError):  # a machine without IPv6, or another program on that port
            self._made(Canary(self.canary.port, "::1"))

    def _made(self, server):
        self._closing.callback(server.close)
        return server

    def outlaw(self, behave: Behave, **options: object) -> Outlaw:
        """Start a hostile server that the guard lets the crawl reach."""
        made = self._made(Outlaw(behave, **options))
        self.outlaws.append(made)
        self.crawls.allowed.append((made.host, made.port))
        return made

    def trap(self, name: str, behave: Behave, expected: str, *, path: str = "/feed", **options: object) -> Trap:
        """A hostile feed on a server of its own."""
        return Trap(name, self.outlaw(behave, **options).url(path), expected)

    def close(self) -> None:
        self._closing.close()

    def crawl(
        self,
        traps: Sequence[Trap],
        *,
        prelude: str = "",
        outside: Collection[tuple[str, int]] = (),
        **config: object,
    ) -> Report:
        """Crawl all at once; every ending must be the expected one, and nobody else may have noticed.

        `outside` are public addresses that may be dialled as well (in vain).
        """
        limits = {**LIMITS, **config}
        good = self._good_feeds("baik")
        targets = {trap.name: self.crawls.target(trap.source, trap.address) for trap in traps}
        targets |= {name: self.crawls.target("feed", address) for name, address in good.items()}
        assert len(targets) == len(traps) + len(good)
        report = self._watched(targets, prelude, limits)
        wrong = {trap.name: report.line(trap.name) for trap in traps if not _ends(report, trap)}
        assert not wrong, "\n".join(f"{name!r}: {line!r}" for name, line in wrong.items()) + report.errors[-2000:]
        self._assert_kept_limits(report, limits)
        assert report.dialled <= {*self.crawls.allowed, *outside}, "an address was dialled that nobody allowed"
        self._assert_nobody_else_noticed(report, list(good))
        return report

    def crawl_harmless(self) -> int:
        """The peak memory of a crawl of nothing but the well-behaved host."""
        feeds = self._good_feeds("tenang")
        peak = self._watched({name: self.crawls.target("feed", url) for name, url in feeds.items()}, "", LIMITS).peak
        self.crawls.allowed.clear()
        return peak

    def _good_feeds(self, name: str) -> dict[str, str]:
        """Feeds of one polite host, slow enough together to last while the others misbehave."""

        def page(asked: Asked, _: object) -> Reply:
            time.sleep(0.15)
            return Reply(feed(asked.path))

        paths = [f"/{name}/{number}" for number in range(GOOD_FEEDS)]
        self.good.pages.update(dict.fromkeys(paths, page))
        self.crawls.allow(self.good)
        return {path: f"{self.good.url}{path}" for path in paths}

    def _watched(self, targets: dict[str, str], prelude: str, limits: dict[str, object]) -> Report:
        self._log.write_text("")
        self.good.asked.clear()
        runs = self.crawls.begin(*targets.values())
        started = time.monotonic()
        process = self.crawls.spawn(runs, WATCH.format(log=str(self._log), most=MOST_MEMORY) + prelude, **limits)
        meter = Meter(process)
        try:
            _, errors = process.communicate(timeout=float(str(limits["total_seconds"])) + PATIENCE)
        finally:
            process.kill()
        took = time.monotonic() - started
        assert process.returncode == 0, errors
        dialled = {(host, int(port)) for host, port in map(str.split, self._log.read_text().splitlines())}
        ended = dict(zip(targets, self.crawls.ended(runs), strict=True))
        return Report(ended, took, meter.peak(), dialled, errors)

    def _assert_kept_limits(self, report: Report, limits: dict[str, object]) -> None:
        late = {
            name: (run.ended_at - run.started_at).total_seconds()
            for name, run in report.runs.items()
            if (run.ended_at - run.started_at).total_seconds() > float(str(limits["run_seconds"])) + PATIENCE
        }
        assert late == {}
        assert report.peak - self._baseline() <= MAX_GROWTH_BYTES
        assert {name for name, run in report.runs.items() if run.outcome is not RunOutcome.DONE and not run.reason} == (
            set()
        )

    def _assert_nobody_else_noticed(self, report: Report, good: list[str]) -> None:
        assert {report.line(name) for name in good} == {"done: "}
        texts = {text for versions in self.crawls.texts().values() for text in versions}
        assert set(good) <= texts
        assert not any("bocor" in text for text in texts)
        asked = [one.at for one in self.good.asked]
        assert max((later - earlier for earlier, later in itertools.pairwise(asked)), default=0) < PATIENCE
        assert self.canary.contacts == 0


def _ends(report: Report, trap: Trap) -> bool:
    return re.match(trap.expected, report.line(trap.name), re.DOTALL) is not None


class Meter:
    """The most memory that a process and its children held at a time, by the kernel's own high-water marks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._peak = 0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while self._process.poll() is None:
            self._peak = max(self._peak, sum(map(_high_water, _family(self._process.pid))))
            time.sleep(SAMPLE_SECONDS)

    def peak(self) -> int:
        self._thread.join()
        return self._peak


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _high_water(pid: int) -> int:
    """`VmHWM` in bytes; 0 for a process that has just ended."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) << 10 if found else 0
    return 0


@pytest.fixture(scope="session")
def harmless_peaks() -> dict[str, int]:
    """The peak of a harmless crawl, measured once and shared."""
    return {}


@pytest.fixture
def siege(sqlite_world, sqlite_url, evidence, tmp_path, harmless_peaks) -> Iterator[Siege]:
    """Hostile servers and a database to crawl them into."""
    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    made = Siege(crawls, tmp_path / "dialled.txt", lambda: harmless_peaks["peak"])
    try:
        if "peak" not in harmless_peaks:
            harmless_peaks["peak"] = made.crawl_harmless()
        yield made
    finally:
        made.close()
