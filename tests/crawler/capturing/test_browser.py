"""A real Chromium before good, broken and hostile pages on real loopback servers."""

import asyncio
import contextlib
import http.server
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crawler.capturing import job as words
from crawler.capturing.browser import CaptureBrowser
from crawler.capturing.config import BrowserMissing, CaptureConfig
from crawler.capturing.job import PAGE_FILE, SCREENSHOT_FILE, Job, Shot
from crawler.capturing.page import photograph
from crawler.capturing.proxy import GuardProxy
from crawler.capturing.worker import open_browser
from crawler.guard import Guard
from models.captures import CaptureQuality

pytestmark = pytest.mark.browser

TEXT = "Ayo dukung Bang Raka, nomor 1! Seruni bangkit bersama kita."
POST = f"<h1>Sari Melur</h1><p>{TEXT}</p>"
Answer = tuple[int, dict[str, str], str]
Visit = Callable[[str | Answer], Shot]


class Square:
    """A loopback web server; `pages` maps a path to an answer. Unknown paths hang until the test is over."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.over = threading.Event()
        square = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                square.asked.append(self.path)
                if self.path not in square.pages:
                    square.over.wait(20)
                    return
                status, headers, body = square.pages[self.path]
                data = body.encode()
                self.send_response(status)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_address[1]
        threading.Thread(target=lambda: self.server.serve_forever(0.02), daemon=True).start()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Canary:
    """An inner service that must never be reached, over TCP (both loopbacks) and UDP on one port."""

    def __init__(self) -> None:
        self.touched = 0
        tcp4 = socket.create_server(("127.0.0.1", 0))
        self.port = int(tcp4.getsockname()[1])
        tcp6 = socket.create_server(("::1", self.port), family=socket.AF_INET6)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._listeners = [tcp4, tcp6]
        for listen in (lambda: self._accept(tcp4), lambda: self._accept(tcp6), self._hear):
            threading.Thread(target=listen, daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.touched += 1
                connection.close()

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            while self._udp.recvfrom(2000):
                self.touched += 1

    def close(self) -> None:
        for listener in (*self._listeners, self._udp):
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


@pytest.fixture(scope="module")
def square() -> Iterator[Square]:
    square = Square()
    yield square
    square.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


def quick(square: Square, **limits: float) -> CaptureConfig:
    chosen = {"total_seconds": 15.0, "navigation_seconds": 3.0, "text_seconds": 1.0, "settle_seconds": 4.0, **limits}
    return CaptureConfig(allowed=frozenset({("127.0.0.1", square.port)}), **chosen)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def browser(square: Square) -> Iterator[CaptureBrowser]:
    with CaptureBrowser(quick(square)) as browser:
        yield browser


@pytest.fixture
def visit(square: Square, browser: CaptureBrowser, tmp_path: Path) -> Visit:
    """Photograph a page of the square: a body, or a whole answer."""

    def visit(page: str | Answer) -> Shot:
        square.pages["/"] = (200, {}, page) if isinstance(page, str) else page
        return browser.capture(Job(square.url(), TEXT, str(tmp_path)))

    return visit


def image_size(path: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height


def living(group: int) -> list[str]:
    """Processes of a group that are not zombies."""
    listing = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [" ".join(row) for row in rows if int(row[0]) == group and not row[1].startswith("Z")]


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_a_page_with_the_text_is_evidence(visit: Visit, tmp_path: Path) -> None:
    shot = visit(f"<title>Sari</title>{POST}")
    assert (shot.quality, shot.reason, shot.text_ratio) == (CaptureQuality.PAGE, "", 1)
    assert shot.details["status"] == 200
    assert image_size(tmp_path / SCREENSHOT_FILE) == (1280, 900)
    assert b"multipart/related" in (tmp_path / PAGE_FILE).read_bytes()


def test_a_text_that_scripts_write_late_is_waited_for(visit: Visit) -> None:
    shot = visit(f"<p id=p>memuat</p><script>setTimeout(() => {{ p.textContent = '{TEXT}' }}, 500)</script>")
    assert shot.quality is CaptureQuality.PAGE


def test_a_text_inside_a_frame_counts(visit: Visit, square: Square) -> None:
    square.pages["/frame"] = (200, {}, POST)
    assert visit('<h1>Arsip</h1><iframe src="/frame" width=600 height=300></iframe>').quality is CaptureQuality.PAGE


def test_a_page_without_the_text_is_broken_and_its_picture_is_kept(visit: Visit, tmp_path: Path) -> None:
    shot = visit("<h1>Resep rendang</h1>")
    assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, words.TEXT_MISSING)
    assert (tmp_path / SCREENSHOT_FILE).exists()


def test_a_page_that_lies_about_its_text_is_broken(visit: Visit) -> None:
    lie = f"Object.defineProperty(HTMLElement.prototype, 'innerText', {{get: () => '{TEXT}'}})"
    shot = visit(f"<h1>Resep rendang</h1><p style='display:none'>{TEXT}</p><script>{lie}</script>")
    assert shot.reason == words.TEXT_MISSING


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, {}, POST), words.PAGE_GONE.format(status=404)),
        ((410, {}, "hilang"), words.PAGE_GONE.format(status=410)),
        ((503, {}, "sibuk"), words.PAGE_ERROR.format(status=503)),
        ((200, {}, "<form>Masuk <input type=password></form>"), words.PAGE_LOGIN),
        ((200, {}, ""), words.PAGE_EMPTY),
        ((200, {"Content-Disposition": "attachment; filename=x.html"}, POST), words.PAGE_UNOPENED),
        ((302, {"Location": "file:///etc/passwd"}, ""), words.PAGE_UNOPENED),
    ],
)
def test_what_is_not_the_post_has_its_reason(visit: Visit, answer: Answer, reason: str) -> None:
    shot = visit(answer)
    assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, reason)


def test_a_consent_wall_is_taken_away_and_that_is_noted(visit: Visit) -> None:
    shot = visit(POST + "<div style='position:fixed;inset:0;background:#fff'>Kami memakai kuki</div>")
    assert shot.quality is CaptureQuality.PAGE
    assert shot.details["overlays_hidden"] == 1


def test_a_dialog_that_holds_the_text_itself_stays(visit: Visit) -> None:
    shot = visit(f"<div style='position:fixed;inset:0;background:#fff'>{POST}</div>")
    assert shot.quality is CaptureQuality.PAGE
    assert shot.details["overlays_hidden"] == 0


def test_a_page_that_never_ends_loading_is_photographed_all_the_same(visit: Visit) -> None:
    assert visit(f'{POST}<img src="/never"><script src="/never-either"></script>').quality is CaptureQuality.PAGE


def test_a_lazy_image_far_below_is_loaded(visit: Visit, square: Square) -> None:
    picture = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    square.pages["/lazy.svg"] = (200, {"Content-Type": "image/svg+xml"}, picture)
    lazy = "<script>new IntersectionObserver(([e]) => { if (e.isIntersecting) new Image().src = '/lazy.svg' })"
    shot = visit(f"{POST}<div style='height:5000px'></div><p id=end>akhir</p>{lazy}.observe(end)</script>")
    assert shot.details["scrolled_through"]
    assert "/lazy.svg" in square.asked


def test_a_huge_page_is_cut_and_says_so(visit: Visit, tmp_path: Path) -> None:
    shot = visit(POST + "<div style='height:90000px'></div>")
    assert shot.quality is CaptureQuality.PAGE
    assert shot.details["cut"] is True
    assert image_size(tmp_path / SCREENSHOT_FILE) == (1280, 16_000)


def test_alerts_do_not_stop_a_capture(visit: Visit) -> None:
    shot = visit(POST + "<script>setInterval(() => alert('halo'), 50); open('/popup')</script>")
    assert shot.quality is CaptureQuality.PAGE


def test_each_capture_starts_without_the_last_ones_cookies(visit: Visit) -> None:
    show = f"<script>document.write(document.cookie ? 'kenal' : '{TEXT}'); document.cookie = 'a=1'</script>"
    assert [visit(show).quality for _ in range(2)] == [CaptureQuality.PAGE] * 2


def test_a_page_that_kills_its_tab_is_broken_and_the_next_is_fine(visit: Visit) -> None:
    hungry = "<script>const all = []; for (;;) all.push(new Array(1e6).fill(1.5))</script>"
    shot = visit(f"{POST}{hungry}")
    assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, words.BROWSER_DIED)
    assert visit(POST).quality is CaptureQuality.PAGE


def test_a_page_that_never_lets_go_costs_the_time_limit_and_leaves_no_process(square: Square, tmp_path: Path) -> None:
    square.pages["/loop"] = (200, {}, POST + "<script>for (;;) alert('lagi')</script>")
    with CaptureBrowser(quick(square, total_seconds=4.0)) as browser:
        browser._start()
        worker = browser._worker
        assert worker is not None
        assert worker._browser is not None
        groups = (worker._browser, worker._process.pid)
        assert all(living(group) for group in groups)
        began = time.monotonic()
        shot = browser.capture(Job(square.url("/loop"), TEXT, str(tmp_path)))
        assert time.monotonic() - began < 6
        assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, words.TIME_OVER)
        assert until(lambda: not any(living(group) for group in groups))
        assert not worker.scratch.exists()


def test_a_killed_stage_takes_its_browser_and_its_files_along(square: Square, tmp_path: Path) -> None:
    stage = (
        "import sys, threading\n"
        "from crawler.capturing.browser import CaptureBrowser, CaptureConfig\n"
        "from crawler.capturing.job import Job\n"
        "browser = CaptureBrowser(CaptureConfig.from_json(sys.argv[1])); browser._start(); worker = browser._worker\n"
        "print(worker._browser, worker._process.pid, worker.scratch, flush=True)\n"
        "browser.capture(Job(sys.argv[2], 'x', sys.argv[3]))\n"
    )
    job = tmp_path / "job"
    job.mkdir()
    arguments = [sys.executable, "-c", stage, quick(square).to_json(), square.url("/hangs"), str(job)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        browser, worker, scratch = process.stdout.readline().split()
        assert living(int(browser))
        assert until(lambda: "/hangs" in square.asked)
        process.send_signal(signal.SIGKILL)
    assert until(lambda: not living(int(browser)) and not living(int(worker)))
    assert until(lambda: not Path(scratch).exists() and not job.exists())


def test_a_browser_is_replaced_after_its_share_of_captures(square: Square, tmp_path: Path) -> None:
    square.pages["/"] = (200, {}, POST)
    with CaptureBrowser(quick(square, recycle_after=1)) as browser:
        pids = set()
        for _ in range(2):
            assert browser.capture(Job(square.url(), TEXT, str(tmp_path))).quality is CaptureQuality.PAGE
            assert browser._worker is not None
            pids.add(browser._worker._process.pid)
    assert len(pids) == 2


def test_a_missing_browser_is_one_clear_line(square: Square, tmp_path: Path) -> None:
    config = CaptureConfig(chromium=tmp_path / "no-chromium")
    with CaptureBrowser(config) as browser, pytest.raises(BrowserMissing, match="apt install chromium"):
        browser.capture(Job(square.url(), TEXT, str(tmp_path)))


def test_a_browser_that_does_not_start_is_one_clear_line(square: Square, tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with (
        CaptureBrowser(CaptureConfig(chromium=broken)) as browser,
        pytest.raises(BrowserMissing, match="does not start") as raised,
    ):
        browser.capture(Job(square.url(), TEXT, str(tmp_path)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "127.1"])
def test_an_inner_url_is_refused_before_it_is_opened(
    host: str, canary: Canary, browser: CaptureBrowser, tmp_path: Path
) -> None:
    shot = browser.capture(Job(f"http://{host}:{canary.port}/", TEXT, str(tmp_path)))
    assert shot.reason == words.ADDRESS_REFUSED
    assert canary.touched == 0


@pytest.mark.parametrize("way", ["redirect", "refresh", "script"])
def test_a_page_that_leads_inside_is_refused(way: str, canary: Canary, visit: Visit) -> None:
    inner = f"http://localhost:{canary.port}/"
    answers: dict[str, Answer] = {
        "redirect": (302, {"Location": inner}, ""),
        "refresh": (200, {}, f'<meta http-equiv=refresh content="0;url={inner}">{POST}'),
        "script": (200, {}, f"{POST}<script>location = '{inner}'</script>"),
    }
    shot = visit(answers[way])
    assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, words.ADDRESS_REFUSED)
    assert canary.touched == 0


def test_no_part_of_a_page_reaches_an_inner_service(canary: Canary, visit: Visit) -> None:
    port = canary.port
    inner = [f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "x.localhost")]
    parts = "".join(
        f'<iframe src="http://{at}/"></iframe><img src="http://{at}/i.png"><script src="http://{at}/s.js"></script>'
        f'<link rel=stylesheet href="http://{at}/c.css"><link rel=preconnect href="http://{at}/">'
        f'<link rel=prefetch href="http://{at}/p"><video src="http://{at}/v.mp4"></video>'
        f"<script>fetch('http://{at}/f', {{mode: 'no-cors'}}).catch(() => 0); new WebSocket('ws://{at}/w');"
        f"new WebSocket('wss://{at}/w'); new EventSource('http://{at}/e'); navigator.sendBeacon('http://{at}/b');"
        f"new Worker(URL.createObjectURL(new Blob([\"fetch('http://{at}/k', {{mode: 'no-cors'}})\"])))</script>"
        for at in inner
    )
    stun = f"""<script>const c = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}}]}});
        c.createDataChannel('x'); c.createOffer().then((o) => c.setLocalDescription(o))</script>"""
    file = '<iframe src="file:///etc/passwd"></iframe>'
    shot = visit(f"<!DOCTYPE html>{POST}{parts}{stun}{file}")
    assert shot.quality is CaptureQuality.PAGE
    assert canary.touched == 0
    refused = " ".join(shot.details["refused"])
    assert all(f"{host}:{port}" in refused for host in ("127.0.0.1", "localhost", "::1"))


def test_the_canary_notices_a_touch(canary: Canary) -> None:
    for host in ("127.0.0.1", "::1"):
        socket.create_connection((host, canary.port)).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"x", ("127.0.0.1", canary.port))
    assert until(lambda: canary.touched == 3)


def test_a_name_that_resolves_inside_is_not_dialled(canary: Canary, square: Square, tmp_path: Path) -> None:
    async def lookup(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "127.0.0.1" else ["127.0.0.1", "::1", "10.0.0.1"]

    async def look(url: str) -> Shot:
        config = quick(square)
        guard = Guard(config.allowed, lookup=lookup)
        proxy = GuardProxy(guard, max_bytes=config.max_bytes)
        async with proxy.listening(), open_browser(config, proxy) as browser:
            return await photograph(browser, proxy, guard, config, Job(url, TEXT, str(tmp_path)))

    shot = asyncio.run(look(f"http://jebakan.example.id:{canary.port}/"))
    assert (shot.quality, shot.reason) == (CaptureQuality.BROKEN, words.ADDRESS_REFUSED)
    assert canary.touched == 0


def test_a_rendering_runs_no_script_and_asks_for_nothing(
    browser: CaptureBrowser, square: Square, tmp_path: Path
) -> None:
    html = f'{POST}<script>document.body.textContent = "diganti"</script><img src="{square.url("/rendered.png")}">'
    shot = browser.capture(Job("", TEXT, str(tmp_path), html=html))
    assert (shot.quality, shot.text_ratio) == (CaptureQuality.RENDERING, 1)
    assert (tmp_path / PAGE_FILE).read_text() == html
    assert (tmp_path / SCREENSHOT_FILE).exists()
    assert "/rendered.png" not in square.asked


def test_a_page_that_pours_out_bytes_is_stopped(square: Square, tmp_path: Path) -> None:
    square.pages["/flood"] = (200, {}, "<p>" + "x" * 3_000_000)
    with CaptureBrowser(quick(square, max_bytes=1 << 20)) as browser:
        shot = browser.capture(Job(square.url("/flood"), TEXT, str(tmp_path)))
    assert shot.quality is CaptureQuality.BROKEN
    assert shot.reason in {words.PAGE_TOO_LARGE, words.PAGE_UNOPENED}
    assert shot.details["bytes_received"] < 2 << 20


def test_the_browser_says_who_looks(visit: Visit) -> None:
    shot = visit(f"<script>document.write(navigator.userAgent.includes('; contact: ') ? '{TEXT}' : 'siapa')</script>")
    assert shot.quality is CaptureQuality.PAGE


def test_the_sandbox_is_off_for_root_alone(browser: CaptureBrowser, visit: Visit) -> None:
    visit(POST)
    assert browser._worker is not None
    assert browser._worker._browser is not None
    command = Path(f"/proc/{browser._worker._browser}/cmdline").read_bytes()
    assert (b"--no-sandbox" in command) is (os.geteuid() == 0)
