"""The capture stage, with a real browser: flags in, evidence out, nothing lost and nothing twice."""

import datetime as dt
import http.server
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from crawler.capture import (
    MANDATE_OVER,
    NO_PAGE,
    RAW_MISSING,
    UNATTRIBUTED,
    BrowserMissing,
    CaptureConfig,
    capture_pending,
)
from crawler.capturing import job as words
from models.accounts import require_attribution, suspend_attribution
from models.captures import MAX_ATTEMPTS, Capture, CaptureQuality, newest_capture
from models.clock import utc_now
from models.database import Database
from models.evidence import EvidenceStore
from models.flags import Flag, FlagState, expire_flag
from models.hosts import Host
from models.log import LogEntry
from models.mandates import Mandate
from models.officers import Officer
from models.posts import Post, PostVersion
from models.targets import Fetch, host_of

pytestmark = pytest.mark.browser

TEXT = "Ayo pilih Bang Raka, nomor 1!"


@pytest.fixture
def square() -> Iterator[http.server.ThreadingHTTPServer]:
    """Every page shows the text, but `/lain` shows another; `asked` counts requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            body = b"Resep rendang" if self.path == "/lain" else TEXT.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        asked: list[str]

    server = Server(("127.0.0.1", 0), Handler)
    server.asked = []
    threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def config(square) -> CaptureConfig:
    return CaptureConfig(
        allowed=frozenset({("127.0.0.1", square.server_port)}), text_seconds=0.5, total_seconds=20, settle_seconds=2
    )


def point(database: Database, flag: Flag, square, path: str = "/") -> None:
    """Let the flag's post stand on the square."""
    with database.write() as session:
        url = f"http://127.0.0.1:{square.server_port}{path}"
        session.execute(update(Post).where(Post.id == flag.post_id).values(url=url))


def imported(database: Database, flag: Flag, digest: str) -> None:
    """Let the flag's post come from a file in the evidence store."""
    with database.write() as session:
        version = session.get_one(PostVersion, flag.post_version_id)
        fetch = session.get_one(Fetch, version.fetch_id)
        fetch.url, fetch.body_sha256, version.locator = "file:unggahan.ndjson", digest, "line 1"


def look(database: Database, flag: Flag) -> tuple[FlagState, Capture | None, int]:
    with database.read() as session:
        count = session.scalar(select(func.count()).where(Capture.flag_id == flag.id))
        return session.get_one(Flag, flag.id).state, newest_capture(session, flag.id), count or 0


def test_a_flag_gets_its_page_and_becomes_ready(world, evidence: EvidenceStore, square, config) -> None:
    flag = world.flag(TEXT)
    point(world.database, flag, square)
    assert capture_pending(world.database, evidence, config) == 1
    state, capture, _ = look(world.database, flag)
    assert state is FlagState.READY
    assert capture is not None
    assert (capture.quality, capture.reason, capture.text_found) == (CaptureQuality.PAGE, "", True)
    assert capture.screenshot_sha256 is not None
    assert capture.page_sha256 is not None
    assert evidence.get(capture.screenshot_sha256).startswith(b"\x89PNG")
    assert evidence.verify(capture.page_sha256)
    assert capture.details["text_ratio"] == 1
    assert set(capture.details["tools"]) == {"netra", "playwright", "chromium"}
    assert capture_pending(world.database, evidence, config) == 0


def test_a_broken_page_is_tried_again_later_and_shown_in_the_end(
    sqlite_world, evidence: EvidenceStore, square, config
) -> None:
    flag = sqlite_world.flag(TEXT)
    database = sqlite_world.database
    point(database, flag, square, "/lain")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert capture_pending(database, evidence, config) == 1
        assert capture_pending(database, evidence, config) == 0, "not due yet"
        state, capture, count = look(database, flag)
        assert count == attempt
        assert capture is not None
        assert (capture.quality, capture.reason) == (CaptureQuality.BROKEN, words.TEXT_MISSING)
        assert capture.screenshot_sha256 is not None
        assert state is (FlagState.READY if attempt == MAX_ATTEMPTS else FlagState.PENDING)
        with database.write() as session:
            session.execute(update(Flag).values(capture_after=utc_now() - dt.timedelta(seconds=1)))


def test_an_imported_post_is_rendered_from_its_raw_data(sqlite_world, evidence: EvidenceStore, square, config) -> None:
    flag = sqlite_world.flag(TEXT)
    point(sqlite_world.database, flag, square)
    digest = evidence.put(f'{{"text": "{TEXT}", "author": "sari"}}\n'.encode())
    imported(sqlite_world.database, flag, digest)
    assert capture_pending(sqlite_world.database, evidence, config) == 1
    state, capture, _ = look(sqlite_world.database, flag)
    assert state is FlagState.READY
    assert capture is not None
    assert (capture.quality, capture.reason, capture.url) == (CaptureQuality.RENDERING, NO_PAGE, None)
    assert capture.page_sha256 is not None
    html = evidence.get(capture.page_sha256).decode()
    for shown in ("bukan tangkapan halaman asli", digest, "line 1", "unggahan.ndjson", "&#34;author&#34;: &#34;sari"):
        assert shown in html
    assert square.asked == []


def test_a_post_whose_raw_data_is_gone_is_broken(sqlite_world, evidence: EvidenceStore, config) -> None:
    flag = sqlite_world.flag(TEXT)
    imported(sqlite_world.database, flag, "a" * 64)
    assert capture_pending(sqlite_world.database, evidence, config) == 1
    _, capture, _ = look(sqlite_world.database, flag)
    assert capture is not None
    assert (capture.quality, capture.reason) == (CaptureQuality.BROKEN, RAW_MISSING)


def test_no_page_is_opened_when_the_mandate_is_over(sqlite_world, evidence: EvidenceStore, square, config) -> None:
    flag = sqlite_world.flag(TEXT)
    database = sqlite_world.database
    point(database, flag, square)
    with database.write() as session:
        fetch = session.get_one(Fetch, session.get_one(PostVersion, flag.post_version_id).fetch_id)
        fetch.body_sha256 = evidence.put(b"[{}]")
        session.get_one(Mandate, flag.mandate_id).last_day = utc_now().date() - dt.timedelta(days=2)
    assert capture_pending(database, evidence, config) == 1
    _, capture, _ = look(database, flag)
    assert capture is not None
    assert (capture.quality, capture.reason) == (CaptureQuality.RENDERING, MANDATE_OVER)
    assert square.asked == []


def test_no_page_of_a_suspended_account_is_opened(sqlite_world, evidence: EvidenceStore, square, config) -> None:
    flag = sqlite_world.flag(TEXT)
    database = sqlite_world.database
    point(database, flag, square)
    with database.write() as session:
        fetch = session.get_one(Fetch, session.get_one(PostVersion, flag.post_version_id).fetch_id)
        fetch.body_sha256 = evidence.put(b"[{}]")
        claim = require_attribution(session, session.get_one(Post, flag.post_id).account_id)
        officer = session.get_one(Officer, sqlite_world.operator.id)
        suspend_attribution(session, claim, officer, reason="bukan akun saya")
    assert capture_pending(database, evidence, config) == 1
    _, capture, _ = look(database, flag)
    assert (capture.quality, capture.reason) == (CaptureQuality.RENDERING, UNATTRIBUTED)
    assert square.asked == []


def test_a_page_whose_host_rests_waits_without_losing_an_attempt(
    sqlite_world, evidence: EvidenceStore, square, config
) -> None:
    flag = sqlite_world.flag(TEXT)
    database = sqlite_world.database
    point(database, flag, square)
    with database.write() as session:
        host = host_of(session.get_one(Post, flag.post_id).url)
        session.add(Host(name=host, rest_until=utc_now() + dt.timedelta(hours=1), rest_reason="uji"))
    assert capture_pending(database, evidence, config) == 0
    assert look(database, flag)[0] is FlagState.PENDING
    assert square.asked == []
    with database.write() as session:
        session.get_one(Host, host).rest_until = utc_now()
    assert capture_pending(database, evidence, config) == 1


def test_the_oldest_flags_are_first_and_the_limit_holds(sqlite_world, evidence: EvidenceStore, square, config) -> None:
    flags = [sqlite_world.flag(TEXT) for _ in range(3)]
    for flag in flags:
        point(sqlite_world.database, flag, square)
    assert capture_pending(sqlite_world.database, evidence, config, limit=1) == 1
    states = [look(sqlite_world.database, flag)[0] for flag in flags]
    assert states == [FlagState.READY, FlagState.PENDING, FlagState.PENDING]


def test_a_flag_moved_meanwhile_is_skipped(world, evidence: EvidenceStore, square, config) -> None:
    flag = world.flag(TEXT)
    point(world.database, flag, square)

    class Meanwhile(EvidenceStore):
        """Expires the flag while its bytes are being kept."""

        def put(self, data: bytes) -> str:
            with world.database.write() as session:
                moved = session.get_one(Flag, flag.id)
                if moved.state is FlagState.PENDING:
                    expire_flag(session, moved, actor="test", reason="")
            return super().put(data)

    assert capture_pending(world.database, Meanwhile(evidence.root), config) == 0
    state, capture, _ = look(world.database, flag)
    assert (state, capture) == (FlagState.EXPIRED, None)


def test_without_a_browser_the_flags_stay_pending(sqlite_world, evidence: EvidenceStore, square, tmp_path) -> None:
    flag = sqlite_world.flag(TEXT)
    point(sqlite_world.database, flag, square)
    with pytest.raises(BrowserMissing):
        capture_pending(sqlite_world.database, evidence, CaptureConfig(chromium=tmp_path / "none"))
    assert look(sqlite_world.database, flag) == (FlagState.PENDING, None, 0)


@pytest.mark.parametrize("seconds", [1.5, 3.0])
def test_a_stage_killed_anywhere_loses_nothing_and_doubles_nothing(
    seconds: float, sqlite_world, sqlite_url: str, evidence: EvidenceStore, square, config, tmp_path: Path
) -> None:
    flags = [sqlite_world.flag(TEXT) for _ in range(2)]
    for flag in flags:
        point(sqlite_world.database, flag, square)
    stage = (
        "import sys, pathlib\n"
        "from crawler.capture import CaptureConfig, capture_pending\n"
        "from models.database import open_database\n"
        "from models.evidence import EvidenceStore\n"
        "database = open_database(sys.argv[1])\n"
        "store = EvidenceStore(pathlib.Path(sys.argv[2]))\n"
        "capture_pending(database, store, CaptureConfig.from_json(sys.argv[3]))\n"
    )
    arguments = [sys.executable, "-c", stage, sqlite_url, str(evidence.root), config.to_json()]
    with subprocess.Popen(arguments, cwd=tmp_path) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    capture_pending(sqlite_world.database, evidence, config)
    for flag in flags:
        state, capture, count = look(sqlite_world.database, flag)
        assert (state, count) == (FlagState.READY, 1)
        assert capture is not None
        assert capture.screenshot_sha256 is not None
        assert evidence.verify(capture.screenshot_sha256)
    with sqlite_world.database.read() as session:
        made = session.scalar(select(func.count()).where(LogEntry.action == "capture.made"))
    assert made == len(flags)
