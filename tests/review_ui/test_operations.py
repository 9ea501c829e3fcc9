"""The page that an operator looks at each day, and the filtered list behind its numbers."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sqlalchemy import event, select

from models.bodies import keep_body
from models.clock import utc_now
from models.health.counts import LAG, count_runs
from models.hosts import Host, HostNews, note_news, take_hosts
from models.ids import new_id
from models.log import LogEntry
from models.officers import Officer
from models.targets import Fetch, Run, RunOutcome, Target, add_target

HOST = "lapak.example"
HOSTILE = "<script>alert(1)</script>"


def crawled(world, number=3, outcome=RunOutcome.DONE, *, source="feed", host=HOST, reason="", late="", **counts):
    """So many targets of a host, each with one run that ended a moment ago."""
    at = utc_now()
    with world.database.write() as session:
        runs = []
        for _ in range(number):
            address = f"https://{host}/{new_id()}"
            target = add_target(session, world.mandate, source=source, address=address, account=None, actor="test")
            target.next_due_at = at + dt.timedelta(hours=1)
            run = Run(target_id=target.id, host=host, due_at=at, started_at=at, ended_at=at, outcome=outcome,
                      reason=reason, late_reason=late, **counts)  # fmt: skip
            session.add(run)
            runs.append(run)
        session.get_one(Target, world.target.id).next_due_at = at + dt.timedelta(hours=1)
    count_runs(world.database, now=utc_now() + LAG)
    return runs


def asked(world, *, failures=0, name=HOST):
    with world.database.write() as session:
        take_hosts(session, [name], new_id(), now=utc_now(), lease=dt.timedelta(seconds=60))
        news = HostNews(name, requests=7, failures=failures, failure="HTTP 503", succeeded=not failures)
        note_news(session, [news], actor="test", now=utc_now())


def misread(world, reason="unggahan tanpa id"):
    """A response in which something was not understood; returns its id."""
    (run,) = crawled(world, 1, posts_seen=20, unparsed=4)
    with world.database.write() as session:
        fetch = Fetch(
            run_id=run.id, url=f"https://{HOST}/feed", status=200, headers={}, fetched_at=utc_now(),
            body_sha256=keep_body(session, b"raw \x00 bytes"), media_type="application/json", kind="posts", unparsed=4,
            problems=[{"locator": "/items/7", "reason": reason}],
        )  # fmt: skip
        session.add(fetch)
        session.flush()
        return fetch.id


def actions(world):
    with world.database.read() as session:
        return [(entry.action, entry.actor) for entry in session.scalars(select(LogEntry).order_by(LogEntry.seq))]


def test_before_the_first_target_the_page_teaches_how_to_begin(site):
    with site.world.database.write() as session:
        session.delete(session.get_one(Target, site.world.target.id))
    page = site.sign_in("operator").get("/operasi").text
    assert "Belum ada yang di-crawl" in page
    assert "Mulailah dari Mandat" in page


def test_when_all_is_well_it_says_so(any_site):
    crawled(any_site.world)
    page = any_site.sign_in("operator").get("/operasi").text
    assert "Semua berjalan" in page
    assert "perlu diperhatikan" not in page


def test_what_is_wrong_is_counted_said_and_followed_by_what_to_do(any_site):
    crawled(any_site.world, 2, RunOutcome.FAILED, reason=f"HTTP 503 {HOSTILE}")
    crawled(any_site.world, 1, RunOutcome.GONE, reason="HTTP 410")
    asked(any_site.world, failures=5)
    page = any_site.sign_in("operator").get("/operasi").text
    assert "3 hal perlu diperhatikan" in page
    assert "2 sasaran gagal di-crawl" in page
    assert "1 akun hilang" in page
    assert page.count("Yang dilakukan:") == 3
    assert "Pemutus terbuka" in page
    assert HOSTILE not in page


def test_when_nothing_counts_any_more_the_schedule_is_called_stopped(site):
    crawled(site.world)
    with site.world.database.write() as session:
        from models.health.counts import Counted  # noqa: PLC0415

        session.scalars(select(Counted)).one().at = utc_now() - dt.timedelta(minutes=10)
    assert "Jadwal tidak berjalan" in site.sign_in("operator").get("/operasi").text


@pytest.mark.parametrize("username", ["operator", "admin"])
def test_a_host_is_laid_to_rest_and_woken_and_both_are_logged(site, username):
    crawled(site.world)
    asked(site.world, failures=5)
    browser = site.sign_in(username)
    assert browser.post("/operasi/host/bangun", {"host": HOST}).status_code == 303
    with site.world.database.read() as session:
        host = session.get_one(Host, HOST)
        assert (host.openings, host.rest_until) == (0, None)
        who = session.scalars(select(Officer).where(Officer.username == username)).one().id
    answer = browser.post("/operasi/host/istirahat", {"host": HOST, "jam": "6", "alasan": "diminta pengelola"})
    assert answer.status_code == 303
    assert "diminta pengelola" in browser.get("/operasi").text
    assert [action for action, actor in actions(site.world) if who in actor][-2:] == ["host.woken", "host.rested"]


@pytest.mark.parametrize(
    "fields", [{"jam": "5", "alasan": "x"}, {"jam": "", "alasan": "x"}, {"jam": "6", "alasan": " "}]
)
def test_a_rest_needs_a_listed_length_and_a_reason(site, fields):
    asked(site.world)
    answer = site.sign_in("operator").post("/operasi/host/istirahat", {"host": HOST, **fields})
    assert answer.status_code == 422
    with site.world.database.read() as session:
        assert session.get_one(Host, HOST).rest_until is None


def test_a_host_that_nobody_knows_cannot_be_laid_to_rest(site):
    fields = {"host": "tak.dikenal.example", "jam": "6", "alasan": "x"}
    assert site.sign_in("operator").post("/operasi/host/istirahat", fields).status_code == 404


def test_auditors_look_and_change_nothing(site):
    crawled(site.world)
    asked(site.world)
    auditor = site.sign_in("auditor")
    page = auditor.get("/operasi")
    assert page.status_code == 200
    assert "/operasi/host/" not in page.text
    fields = {"host": HOST, "jam": "6", "alasan": "x"}
    assert auditor.post("/operasi/host/istirahat", fields).status_code == 403
    assert auditor.post("/operasi/host/bangun", fields).status_code == 403
    assert site.sign_in("supervisor1").get("/operasi").status_code == 403


def test_what_was_not_understood_is_listed_and_only_auditors_get_the_bytes(site):
    fetch = misread(site.world, reason=f"kolom baru {HOSTILE}")
    page = site.sign_in("operator").get("/operasi").text
    assert "/items/7" in page
    assert "netra reparse" in page
    assert "feed: 17 % tidak terbaca (4 item)" in page
    assert HOSTILE not in page
    assert f"/operasi/mentah/{fetch}" not in page
    auditor = site.sign_in("auditor")
    assert f"/operasi/mentah/{fetch}" in auditor.get("/operasi").text
    answer = auditor.get(f"/operasi/mentah/{fetch}")
    assert answer.content == b"raw \x00 bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]
    assert site.sign_in("operator").get(f"/operasi/mentah/{fetch}").status_code == 403
    assert auditor.get(f"/operasi/mentah/{new_id()}").status_code == 404


def test_the_page_costs_the_same_statements_however_much_is_crawled(any_site):
    browser = any_site.sign_in("operator")
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    counts = []
    event.listen(any_site.world.database.engine, "before_cursor_execute", note)
    for number in (1, 7):
        crawled(any_site.world, number, RunOutcome.FAILED, host=f"h{number}.example", reason="HTTP 500")
        asked(any_site.world, name=f"h{number}.example")
        statements.clear()
        assert browser.get("/operasi").status_code == 200
        counts.append(len(statements))
    event.remove(any_site.world.database.engine, "before_cursor_execute", note)
    assert counts[0] == counts[1]


def shown(page):
    return sorted(set(re.findall(r'href="/sasaran/(\w{26})"', page)))


def ids(runs):
    return sorted(run.target_id for run in runs)


def test_the_list_is_filtered_by_outcome_source_host_and_lateness(any_site):
    world = any_site.world
    failed = crawled(world, 2, RunOutcome.FAILED)
    late = crawled(world, 1, late="antrean penuh", host="lambat.example")
    telegram = crawled(world, 1, RunOutcome.FAILED, source="telegram", host="t.example")
    browser = any_site.sign_in("operator")

    def listed(query):
        return shown(browser.get(f"/sasaran?{query}").text)

    assert listed("hasil=failed") == ids(failed + telegram)
    assert listed("hasil=failed&sumber=telegram") == ids(telegram)
    assert listed("host=lambat.example") == ids(late)
    assert listed("terlambat=ya") == ids(late)
    assert listed("tab=bermasalah") == ids(failed + telegram)
    assert listed("hasil=never") == [world.target.id]
    assert listed("hasil=blocked") == []
    assert len(listed("hasil=nonsense")) == 5
    assert "Longgarkan saringannya" in browser.get("/sasaran?hasil=blocked").text


def test_a_paused_target_is_listed_as_paused_with_and_without_a_filter(any_site):
    runs = crawled(any_site.world, 2, RunOutcome.FAILED)
    browser = any_site.sign_in("operator")
    browser.post(f"/sasaran/{runs[0].target_id}/jeda")
    for query in ("tab=dijeda", "tab=dijeda&hasil=failed"):
        assert shown(browser.get(f"/sasaran?{query}").text) == [runs[0].target_id]
    assert shown(browser.get("/sasaran?tab=dijeda&hasil=done").text) == []


@pytest.mark.parametrize("query", ["tab=semua", "hasil=done", "host=lapak.example"])
def test_pages_follow_one_another_without_gap_or_repetition(site, query):
    crawled(site.world, 120)
    browser, path, found = site.sign_in("operator"), f"/sasaran?{query}", []
    while path:
        page = browser.get(path).text
        found += shown(page)
        onward = re.search(r'href="(/sasaran\?[^"]*setelah=[^"]*)"', page)
        path = onward.group(1).replace("&amp;", "&") if onward else ""
    assert len(found) == len(set(found)) == (121 if query == "tab=semua" else 120)


def test_the_page_speaks_english_too(site):
    crawled(site.world, 2, RunOutcome.FAILED)
    browser = site.sign_in("operator")
    browser.post("/bahasa", {"bahasa": "en", "lanjut": "/operasi"})
    page = browser.get("/operasi").text
    assert "2 targets fail" in page
    assert "What to do:" in page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def served(make_site) -> Iterator[tuple[str, object]]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
        site = make_site(origins=(origin,))
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
    page.clock.install()
    page.goto("/masuk")
    page.get_by_label("Nama pengguna").fill("operator")
    page.get_by_label("Kata sandi").fill(password)
    page.get_by_role("button", name="Masuk", exact=True).click()
    page.wait_for_url(f"{origin}/")
    return page, trouble


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_refreshes_in_place_but_not_while_somebody_types(chromium, served, width, tmp_path):
    origin, site = served
    for number, (source, host) in enumerate([("feed", HOST), ("telegram", "t.example"), ("bluesky", "langit.example")]):
        crawled(site.world, 12, source=source, host=host, posts_seen=40, posts_new=9 * (number + 1))
        asked(site.world, name=host)
    crawled(site.world, 2, RunOutcome.FAILED, reason="HTTP 503")
    misread(site.world)
    page, trouble = signed_in(chromium, origin, site.PASSWORD, width)
    page.goto("/operasi")
    page.evaluate("window.sameDocument = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=tmp_path / f"operasi-{width}.png", full_page=True)
    page.evaluate("window.scrollTo(0, 700)")
    asked(site.world, failures=5)
    page.clock.run_for(61_000)
    expect(page.get_by_text("Pemutus terbuka")).to_be_visible()
    assert page.evaluate("window.sameDocument")
    assert page.evaluate("window.scrollY") >= 600
    row = page.locator("tr", has_text=HOST).first
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    row.get_by_label("Alasan").fill("diminta pengelola")
    page.clock.run_for(61_000)
    expect(row.get_by_label("Alasan")).to_have_value("diminta pengelola")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Perubahan tersimpan.")).to_be_visible()
    expect(page.get_by_text("oleh petugas: diminta pengelola")).to_be_visible()
    page.screenshot(path=tmp_path / f"istirahat-{width}.png", full_page=True)
    page.context.close()
    assert trouble == []
