"""Loopback web servers, and crawls in processes of their own: Twisted's reactor starts once in a process."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import select

from models.accounts import Account
from models.clock import utc_now
from models.database import Database
from models.evidence import EvidenceStore
from models.mandates import Mandate
from models.posts import Post, PostVersion
from models.targets import Run, RunOutcome, Target, add_target, queue_run

ROOT = Path(__file__).parents[2]
CHILD = """
import json, signal, sys, threading
sys.path.insert(0, sys.argv[1])
job = json.loads(sys.argv[2])
from crawler.config import HostLimits
from crawler.crawl import CrawlConfig, crawl
from models.database import open_database
allowed = frozenset((host, port) for host, port in job["allowed"])
job["config"]["hosts"] = {host: HostLimits(*limits) for host, limits in job["config"].get("hosts", {}).items()}
config = CrawlConfig(contact="operator@example.invalid", allowed=allowed, **job["config"])
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
crawl(open_database(job["database"]), config, worker=job["worker"], only=job["runs"], stop=stop)
"""
QUICK = {"delay": 0.0, "retry_delay": 0.01, "request_seconds": 3.0, "run_seconds": 20.0, "total_seconds": 60.0}


@dataclasses.dataclass
class Asked:
    """One request a site received."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclasses.dataclass
class Reply:
    """What a site answers."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class Site:
    """A web server on a loopback address of its own. `pages` maps a path to what answers it; others are 404.

    A page may also take the connection into its own hands: it gets the request handler and returns None.
    """

    def __init__(self, host: str) -> None:
        self.pages: dict[str, Callable[[Asked, http.server.BaseHTTPRequestHandler], Reply | None]] = {}
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                with site._lock:
                    site._now += 1
                    site.most_at_once = max(site.most_at_once, site._now)
                try:
                    with contextlib.suppress(OSError):
                        site.answer(self)
                finally:
                    with site._lock:
                        site._now -= 1

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.host, self.port = host, int(self._server.server_address[1])
        self.url = f"http://{host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(parts.path, dict(parse_qsl(parts.query)), headers, time.monotonic())
        self.asked.append(asked)
        page = self.pages.get(parts.path, lambda *_: Reply(b"tidak ada", 404))
        reply = page(asked, handler)
        if reply is None:
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)

    def serve(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        """Always answer `path` like this; returns its URL."""
        fixed = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = lambda *_: Reply(body, status, fixed)
        return self.url + path

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Callable[[], Site]]:
    """Make sites, each on another loopback address, so that each is a host of its own."""
    sites: list[Site] = []

    def make() -> Site:
        sites.append(Site(f"127.0.0.{len(sites) + 11}"))
        return sites[-1]

    yield make
    for made in sites:
        made.close()


class Crawls:
    """Targets under a mandate, and crawls of them."""

    def __init__(self, database: Database, url: str, evidence: EvidenceStore, mandate: Mandate) -> None:
        self.database, self.evidence = database, evidence
        self._url, self._mandate = url, mandate
        self.allowed: list[tuple[str, int]] = []

    def allow(self, *sites: Site) -> None:
        self.allowed += [(made.host, made.port) for made in sites]

    def target(self, source: str, address: str, account: Account | None = None) -> str:
        with self.database.write() as session:
            mandate = session.get_one(Mandate, self._mandate.id)
            target = add_target(session, mandate, source=source, address=address, account=account, actor="test")
            return target.id

    def begin(self, *targets: str) -> list[str]:
        """Queue a run of each target; returns their ids."""
        with self.database.write() as session:
            found = [session.get_one(Target, target) for target in targets]
            runs = [queue_run(session, target, due_at=utc_now(), actor="test") for target in found]
            return [run.id for run in runs if run is not None]

    def spawn(
        self, runs: list[str] | None, prelude: str = "", worker: str = "test", **config: object
    ) -> subprocess.Popen[str]:
        job = {
            "database": self._url,
            "allowed": self.allowed,
            "runs": runs,
            "worker": worker,
            "config": {**QUICK, **config},
        }
        command = [sys.executable, "-c", CHILD, str(ROOT), json.dumps(job)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=_environment(prelude))

    def run(self, *targets: str, prelude: str = "", **config: object) -> list[Run]:
        """Crawl the targets to the end; returns their runs in the same order."""
        runs = self.begin(*targets)
        process = self.spawn(runs, prelude, **config)
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
        return self.ended(runs)

    def ended(self, runs: list[str]) -> list[Run]:
        with self.database.read() as session:
            ended = [session.get_one(Run, run) for run in runs]
            assert all(run.outcome is not RunOutcome.RUNNING for run in ended)
            return ended

    def watermark(self, target: str) -> dict[str, object]:
        with self.database.read() as session:
            return dict(session.get_one(Target, target).watermark)

    def texts(self) -> dict[str, list[str]]:
        """The texts of every post, oldest version first, by external id."""
        found: dict[str, list[str]] = {}
        with self.database.read() as session:
            rows = session.execute(
                select(Post.external_id, PostVersion.text)
                .join(PostVersion, PostVersion.post_id == Post.id)
                .order_by(Post.id, PostVersion.number)
            )
            for external_id, text in rows:
                found.setdefault(external_id, []).append(text)
        return found


def _environment(prelude: str) -> dict[str, str] | None:
    """The environment in which every process of a crawl first runs `prelude` (Python's `sitecustomize`)."""
    if not prelude:
        return None
    directory = Path(tempfile.mkdtemp(prefix="netra-prelude-"))
    (directory / "sitecustomize.py").write_text(prelude)
    return {**os.environ, "PYTHONPATH": str(directory)}  # noqa: TID251 - handed on, not read
