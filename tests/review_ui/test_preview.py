"""The preview page: operators find the right selectors on what the page shows them, and nothing hostile acts there."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from crawler.pages.moments import ZONES as KNOWN_ZONES
from crawler.pages.selectors import PARTS as KNOWN_PARTS
from models.errors import BadInput, Conflict, NoMandate
from models.posts import ParsedPost
from review_ui.pages.preview import PARTS, ZONES
from review_ui.ports import Hint, Reading, Seen

PAGE = "https://kabar.example/warga_rekaan"
HOSTILE = "<script>alert(1)</script> Ayo \N{RIGHT-TO-LEFT OVERRIDE}hilip"
SELECTORS = {"item": "article.unggahan", "text": "h2, .isi", "zone": "WITA"}


def post(number, text="Harga cabai naik lagi.", **changes):
    fields = {
        "external_id": f"feed:0123456789abcdef:{number}",
        "text": text,
        "url": f"{PAGE}/{number}",
        "posted_at": dt.datetime(2026, 10, 5, 7, 30, tzinfo=dt.UTC),
        "locator": f"article [{number}]",
        "author": "Warga Rekaan",
    }
    return ParsedPost(**(fields | changes))


def found(address):
    selected = Reading(
        "selectors", (post(1), post(2, HOSTILE, author=HOSTILE)), (("article [3]", "unggahan tanpa teks"),)
    )
    hints = (
        Hint("text", "div.isi", 4, "Harga cabai naik lagi."),
        Hint("time", "time.terbit@datetime", 2, "2026-10-05T07:30:00Z"),
        Hint("item", "article.unggahan", 3, HOSTILE),
    )
    readings = (selected, Reading("json-ld", (post(9, "Dari JSON-LD"),)), Reading("opengraph", ()))
    return Seen("page", address, "", "selectors", readings, hints)


def pages(site, look_at):
    """The same pages with another look."""
    site.app.state.ui = dataclasses.replace(
        site.app.state.ui, ports=dataclasses.replace(site.app.state.ui.ports, look_at=look_at)
    )
    return site


def refusing(error):
    def look_at(*_args, **_options):
        raise error

    return look_at


def test_the_empty_page_teaches_and_remembers_nothing(site):
    text = site.sign_in("operator").get("/pratinjau").text
    assert "Belum ada yang dibaca" in text
    assert 'name="alamat"' in text
    assert "Source preview" not in text


def test_the_form_offers_every_part_that_the_crawler_knows():
    assert {*PARTS, "zone"} == set(KNOWN_PARTS)
    assert set(ZONES) == set(KNOWN_ZONES)


def test_what_was_typed_goes_to_the_look_and_its_answer_is_shown_as_cards(site):
    asked = []

    def look_at(source, address, selectors, *, officer):
        asked.append((source, address, selectors, officer.username))
        return found(f"{address}#netra:item=article.unggahan;text=h2, .isi")

    text = (
        pages(site, look_at)
        .sign_in("operator")
        .post("/pratinjau", {"sumber": "page", "alamat": PAGE, **SELECTORS})
        .text
    )
    ((source, address, selectors, officer),) = asked
    assert (source, address, officer) == ("page", PAGE, "operator")
    assert {name: value for name, value in selectors.items() if value} == SELECTORS
    assert 'value="h2, .isi"' in text
    for shown in (
        "2 unggahan terbaca",
        "5 Oktober 2026",
        "Warga Rekaan",
        "unggahan tanpa teks",
        "Dari JSON-LD",
        f"{PAGE}/1",
    ):
        assert shown in text, shown
    assert f"{PAGE}#netra:item=article.unggahan;text=h2, .isi" in html.unescape(text)
    assert 'data-copy="&#34;https://kabar.example' in text


def test_hostile_text_is_shown_and_does_nothing(site):
    text = pages(site, lambda *_, **__: found(PAGE)).sign_in("operator").post("/pratinjau", {"alamat": PAGE}).text
    assert "<script>alert" not in text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "U+202E" in text


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (BadInput("selektor text: 'p[' bukan selektor CSS"), 422, "selektor text"),
        (NoMandate("no mandate is in force today; nothing is collected without one"), 403, "Tanpa mandat"),
        (Conflict("another preview is under way"), 409, "Petugas lain sedang membaca"),
    ],
)
def test_a_refusal_is_told_in_words_beside_the_form(site, error, status, words):
    browser = pages(site, refusing(error)).sign_in("operator")
    answer = browser.post("/pratinjau", {"sumber": "page", "alamat": PAGE}, headers={"HX-Request": "true"})
    assert answer.status_code == status
    assert words in html.unescape(answer.text)
    assert answer.headers["HX-Retarget"] == "#galat"


def test_an_address_is_needed_and_has_an_end(site):
    browser = site.sign_in("operator")
    for address in ("", "https://a.example/" + "x" * 2_000):
        assert browser.post("/pratinjau", {"sumber": "page", "alamat": address}).status_code == 422


def test_only_operators_look_and_only_with_their_own_form(site):
    assert site.sign_in("supervisor1").post("/pratinjau", {"alamat": PAGE}).status_code == 403
    assert site.sign_in("auditor").get("/pratinjau").status_code == 403
    browser = site.sign_in("operator")
    assert browser.client.post("/pratinjau", data={"alamat": PAGE, "csrf_token": "x"}).status_code == 403
    assert site.stranger().post("/pratinjau", data={"alamat": PAGE}).status_code == 303


def test_the_page_speaks_english_too(site):
    browser = site.sign_in("operator")
    browser.post("/bahasa", {"bahasa": "en", "lanjut": "/pratinjau"})
    text = browser.post("/pratinjau", {"sumber": "page", "alamat": PAGE}).text
    assert "No post could be read" in text


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def served(make_site) -> Iterator[tuple[str, object]]:
    """The pages on a port; the first look needs a moment and finds posts only with a text selector."""

    def look_at(source, address, selectors, *, officer):
        assert officer
        time.sleep(0.3)
        if selectors["item"] == "p[":
            raise BadInput("selektor item: 'p[' tidak ditutup")
        seen = found(f"{address}#netra:item={selectors['item']};text={selectors['text']}")
        if not selectors["text"]:
            seen = dataclasses.replace(seen, source=source, chosen="", reason="selektor text tidak menemukan apa pun")
        return seen

    with socket.create_server(("127.0.0.1", 0)) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        site = pages(make_site(origins=(origin,)), look_at)
        server = uvicorn.Server(uvicorn.Config(site.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield origin, site
        server.should_exit = True
        thread.join()


def signed_in(chromium, origin, password, width) -> tuple[Page, list[str]]:
    context = chromium.new_context(base_url=origin, viewport={"width": width, "height": 900})
    page, trouble = context.new_page(), []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text) if "Content Security" in line.text else None)
    page.goto("/masuk")
    page.get_by_label("Nama pengguna").fill("operator")
    page.get_by_label("Kata sandi").fill(password)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.wait_for_url(f"{origin}/")
    return page, trouble


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_an_operator_finds_selectors_by_keyboard_on_what_the_page_shows(chromium, served, width, tmp_path):
    origin, site = served
    page, trouble = signed_in(chromium, origin, site.PASSWORD, width)
    page.goto("/pratinjau")
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_label("Alamat halaman")).to_be_focused()
    page.screenshot(path=tmp_path / f"kosong-{width}.png", full_page=True)
    page.keyboard.type(PAGE)
    page.keyboard.press("Enter")
    expect(page.locator(".waiting")).to_be_visible()
    expect(page.locator("#hasil")).to_contain_text("Tidak ada unggahan yang terbaca")
    hint = page.locator(".rows li", has_text="div.isi").get_by_role("button", name="Teks")
    hint.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Teks", exact=False).first).to_have_value("div.isi")
    page.get_by_label("Unggahan").first.fill("p[")
    page.keyboard.press("Enter")
    expect(page.locator("#galat")).to_contain_text("tidak ditutup")
    page.get_by_label("Unggahan").first.fill("article.unggahan")
    page.keyboard.press("Enter")
    expect(page.locator("#hasil")).to_contain_text("2 unggahan terbaca")
    expect(page.locator("#galat")).to_be_empty()
    expect(page.locator("#alamat-sasaran")).to_contain_text("#netra:item=article.unggahan;text=div.isi")
    assert page.evaluate("window.sameDocument")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"hasil-{width}.png", full_page=True)
    page.context.close()
    assert trouble == []
