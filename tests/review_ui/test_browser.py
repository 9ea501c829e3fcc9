"""Two supervisors (and a third) at work in a real Chromium: the whole way from the queue to a signed report."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from models.flags import Flag, FlagState
from models.reports import Report, ReportState

pytestmark = pytest.mark.browser

CONFIRM, DISMISS, DISPUTE = "Ayo pilih nomor 1!", "Jadwal debat malam ini", "Terima kasih Bu Lodra"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser process for the file."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A bound port, so that the pages know their own address before they are served."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def address(listening, make_site) -> Iterator[tuple[str, object]]:
    """The pages, served."""
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    site = make_site(origins=(origin,))
    server = uvicorn.Server(uvicorn.Config(site.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield origin, site
    server.should_exit = True
    thread.join()


@contextlib.contextmanager
def officer(chromium: Browser, origin: str, username: str, password: str, **options) -> Iterator[Page]:
    """A signed-in page that fails the test on any script error or blocked resource."""
    context = chromium.new_context(base_url=origin, **options)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)
    page.goto("/masuk")
    page.get_by_label("Nama pengguna").fill(username)
    page.get_by_label("Kata sandi").fill(password)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.wait_for_url(f"{origin}/")
    yield page
    context.close()
    assert trouble == []


def judge(page: Page, side: str, reason: str) -> None:
    """Answer the form of the open flag and save."""
    form = page.locator("form.verdict")
    form.locator("[data-question=orang]").get_by_text("Ya", exact=True).click()
    form.locator("[data-question=memihak]").get_by_text(side, exact=True).click()
    form.get_by_text("Suaranya sendiri").click()
    if side == "Ya":
        form.get_by_text("ON-4").click()
    form.locator("[name=alasan]").fill(reason)
    form.get_by_role("button", name="Sudah dicari, tidak ditemukan.").click()
    form.get_by_role("button", name="Simpan putusan").click()
    expect(page.locator(".undo")).to_be_visible()


def open_from_queue(page: Page, words: str, tab: str = "") -> None:
    """Open a flag from the list."""
    page.goto(f"/telaah{tab}")
    page.locator(".queue a", has_text=words).click()
    expect(page.locator("form.verdict")).to_be_visible()


def test_from_the_queue_to_a_signed_report(chromium, address):
    origin, site = address
    flags = {words: site.picture_flag(words).id for words in (CONFIRM, DISMISS, DISPUTE)}
    with (
        officer(chromium, origin, "supervisor1", site.PASSWORD) as first,
        officer(chromium, origin, "supervisor2", site.PASSWORD) as second,
    ):
        for page, dispute_side in ((first, "Ya"), (second, "Tidak")):
            for words, side in ((CONFIRM, "Ya"), (DISMISS, "Tidak"), (DISPUTE, dispute_side)):
                open_from_queue(page, words)
                judge(page, side, f"alasan untuk {words}")
        with officer(chromium, origin, "supervisor3", site.PASSWORD) as third:
            open_from_queue(third, DISPUTE, "?tab=sengketa")
            expect(third.get_by_role("heading", name="Dua pendapat yang berbeda")).to_be_visible()
            judge(third, "Tidak", "ucapan terima kasih biasa")
        sign_report(first, site.PASSWORD)
    with site.world.database.read() as session:
        states = {words: session.get_one(Flag, flag_id).state for words, flag_id in flags.items()}
        report = session.query(Report).one()
    assert states == {
        CONFIRM: FlagState.CONFIRMED,
        DISMISS: FlagState.DISMISSED,
        DISPUTE: FlagState.DISMISSED,
    }
    assert report.state is ReportState.SIGNED


def sign_report(page: Page, password: str) -> None:
    """Draft, fill in and sign a report of the one confirmed flag."""
    page.goto("/laporan")
    page.get_by_role("checkbox").check()
    page.get_by_label("Nomor laporan").fill("001/LHP/XI/2026")
    page.get_by_role("button", name="Buat rancangan").click()
    page.get_by_label("Tempat kejadian").fill("Tanjung Seruni")
    page.get_by_role("button", name="Simpan isian").click()
    expect(page.get_by_text("Perubahan tersimpan.")).to_be_visible()
    page.get_by_role("link", name="Pratinjau").click()
    expect(page.get_by_text("Bagian O")).to_be_visible()
    page.go_back()
    page.get_by_label("Kata sandi Anda").fill(password)
    page.get_by_role("button", name="Tanda tangani").click()
    expect(page.get_by_role("heading", name="Laporan terkunci")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename == "001-LHP-XI-2026.pdf"


def test_a_verdict_goes_on_without_reloading_and_can_be_taken_back(chromium, address):
    origin, site = address
    site.picture_flag("unggahan pertama", score=0.9)
    site.picture_flag("unggahan kedua", score=0.8)
    with officer(chromium, origin, "supervisor1", site.PASSWORD) as page:
        open_from_queue(page, "unggahan pertama")
        page.evaluate("window.sameDocument = true")
        judge(page, "Tidak", "bukan apa-apa")
        expect(page.locator(".post .text")).to_have_text("unggahan kedua")
        assert page.evaluate("window.sameDocument")
        assert re.search(r"/temuan/\w+\?putusan=", page.url)
        left = int(page.locator(".undo .left").inner_text())
        page.wait_for_timeout(1_200)
        assert int(page.locator(".undo .left").inner_text()) < left
        page.locator(".undo").get_by_role("button").click()
        expect(page.get_by_text("Putusan dibatalkan.")).to_be_visible()
        expect(page.locator(".post .text")).to_have_text("unggahan pertama")


def test_a_refused_verdict_keeps_what_was_typed_and_a_reload_brings_it_back(chromium, address):
    origin, site = address
    site.picture_flag("unggahan")
    with officer(chromium, origin, "supervisor1", site.PASSWORD) as page:
        open_from_queue(page, "unggahan")
        form = page.locator("form.verdict")
        form.locator("[data-question=orang]").get_by_text("Ya", exact=True).click()
        form.locator("[data-question=memihak]").get_by_text("Ya", exact=True).click()
        expect(page.locator("[data-outcome]")).to_have_text("Dugaan pelanggaran")
        form.get_by_text("Suaranya sendiri").click()
        form.locator("[name=alasan]").fill("kalimat yang panjang")
        form.locator("[name=meringankan]").fill("tidak ada")
        form.get_by_role("button", name="Simpan putusan").click()
        expect(page.locator("#galat")).to_contain_text("pilih sedikitnya satu bentuk")
        expect(form.locator("[name=alasan]")).to_have_value("kalimat yang panjang")
        page.reload()
        expect(form.locator("[name=alasan]")).to_have_value("kalimat yang panjang")
        expect(page.locator("[data-outcome]")).to_have_text("Dugaan pelanggaran")


def test_the_keyboard_alone_is_enough(chromium, address):
    origin, site = address
    site.picture_flag("unggahan pertama", score=0.9)
    site.picture_flag("unggahan kedua", score=0.8)
    with officer(chromium, origin, "supervisor1", site.PASSWORD) as page:
        page.goto("/telaah")
        page.keyboard.press("?")
        expect(page.locator("#bantuan")).to_be_visible()
        page.keyboard.press("Escape")
        for key in ("j", "j", "k", "Enter"):
            page.keyboard.press(key)
        expect(page.locator(".post .text")).to_have_text("unggahan pertama")
        page.wait_for_load_state("load")  # the shortcuts are there once the page's script has run
        page.keyboard.press("z")
        expect(page.locator(".viewer-canvas img")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".viewer-in")).to_have_count(0)
        page.keyboard.press("1")
        page.keyboard.press("2")
        expect(page.locator("[data-outcome]")).to_have_text("Bukan pelanggaran")
        page.locator("form.verdict").get_by_text("Meneruskan berita").click()
        page.locator("form.verdict [name=alasan]").fill("berita biasa 1 2 3")
        page.locator("[name=meringankan]").fill("kutipan")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".post .text")).to_have_text("unggahan kedua")


def test_reviewers_see_who_else_has_the_flag_open(chromium, address):
    origin, site = address
    site.picture_flag("unggahan")
    with (
        officer(chromium, origin, "supervisor1", site.PASSWORD) as first,
        officer(chromium, origin, "supervisor2", site.PASSWORD) as second,
    ):
        with first.expect_response("**/pegang"):
            open_from_queue(first, "unggahan")
        open_from_queue(second, "unggahan")
        expect(second.locator("#pegangan")).to_contain_text("Supervisor1")


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_no_page_is_wider_than_the_screen(chromium, address, width):
    origin, site = address
    flag = site.picture_flag("kata" * 80 + " https://example.invalid/" + "x" * 200)
    view = {"viewport": {"width": width, "height": 800}}
    with officer(chromium, origin, "supervisor1", site.PASSWORD, **view) as page:
        for path in ("/", "/telaah", f"/temuan/{flag.id}", f"/jejak/{flag.id}", "/laporan", "/sasaran", "/mandat"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
