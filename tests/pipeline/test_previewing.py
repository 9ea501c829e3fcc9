"""Looks under a mandate: logged, one at a time, beside the crawlers, and nothing stored."""

from __future__ import annotations

import datetime as dt
import functools
import http.server
import threading
from pathlib import Path

import filelock
import pytest
from sqlalchemy import func, select

import crawler.preview
from crawler.preview import Preview, Reading, Readings
from crawler.wire import Resting
from models.clock import utc_now
from models.errors import BadInput, Conflict, NoMandate
from models.hosts import Host, HostNews, Turn, take_hosts
from models.log import LogEntry, LogWords
from models.mandates import Mandate, revoke_mandate
from models.posts import Post
from models.targets import Fetch, Run, RunOutcome
from pipeline.application import Application
from pipeline.pages import page_ports
from pipeline.previewing import look, with_selectors
from pipeline.settings import Settings

PAGES = Path(__file__).parents[1] / "crawler" / "pages"
ADDRESS = "https://kabar.example/warga_rekaan"


@pytest.fixture
def turns(monkeypatch):
    """A fetching process that only asks for its turn; gives the answers it got."""
    answers = []

    def preview(_source, _address, _config, ask_turn):
        answers.append(ask_turn("kabar.example"))
        news = HostNews("kabar.example", requests=2, succeeded=True)
        return Preview(RunOutcome.DONE, "", Readings("json-ld", each=(Reading("json-ld"),)), (news,))

    monkeypatch.setattr(crawler.preview, "preview", preview)
    return answers


def entries(app):
    with app.database.read() as session:
        logged = session.scalars(select(LogEntry).where(LogEntry.action == "preview.fetched")).all()
        return [(entry.actor, entry.subject, session.get_one(LogWords, entry.seq).words) for entry in logged]


def test_a_look_is_logged_with_its_host_and_stores_nothing(app, world, turns):
    seen = look(app, "page", ADDRESS, actor="officers:x")
    assert seen.readings.chosen == "json-ld"
    assert isinstance(turns[0], Turn)
    assert entries(app) == [("officers:x", f"mandates:{world.mandate.id}", {"host": "kabar.example"})]
    with app.database.read() as session:
        assert [session.scalar(select(func.count()).select_from(table)) for table in (Run, Fetch, Post)] == [0, 0, 0]
        host = session.get_one(Host, "kabar.example")
        assert (host.holder, host.window_requests) == (None, 2)


def test_without_a_mandate_in_force_nobody_is_asked(app, world, turns):
    with app.database.write() as session:
        revoke_mandate(session, session.get_one(Mandate, world.mandate.id), world.operator, reason="uji")
    with pytest.raises(NoMandate, match="nothing is collected"):
        look(app, "page", ADDRESS, actor="test")
    assert turns == []
    assert entries(app) == []


@pytest.mark.usefixtures("world")
def test_one_look_at_a_time(app, turns):
    with filelock.FileLock(app.settings.home / "preview.lock"), pytest.raises(Conflict, match="another preview"):
        look(app, "page", ADDRESS, actor="test")
    assert turns == []


@pytest.mark.usefixtures("world")
def test_a_host_that_a_crawler_asks_or_that_rests_is_not_asked_twice(app, turns):
    now = utc_now()
    with app.database.write() as session:
        take_hosts(session, ["kabar.example"], "crawler", now=now, lease=dt.timedelta(minutes=5))
    look(app, "page", ADDRESS, actor="test")
    with app.database.write() as session:
        host = session.get_one(Host, "kabar.example")
        assert host.holder == "crawler"
        host.holder, host.rest_until, host.rest_reason = None, now + dt.timedelta(hours=1), "server meminta jeda"
    look(app, "page", ADDRESS, actor="test")
    assert [type(turn) for turn in turns] == [Resting, Resting]
    assert "sedang dibaca crawler" in turns[0].reason
    assert "server meminta jeda" in turns[1].reason


@pytest.mark.usefixtures("world")
def test_a_host_is_given_back_when_a_look_fails(app, monkeypatch):
    def broken(_source, _address, _config, ask_turn):
        ask_turn("kabar.example")
        raise RuntimeError

    monkeypatch.setattr(crawler.preview, "preview", broken)
    with pytest.raises(RuntimeError):
        look(app, "page", ADDRESS, actor="test")
    with app.database.read() as session:
        assert session.get_one(Host, "kabar.example").holder is None


@pytest.mark.usefixtures("turns")
def test_the_pages_get_what_was_seen_and_the_finished_address(app, world):
    ports = page_ports(app)
    seen = ports.look_at("page", ADDRESS, {"item": "article", "text": "", "zone": "wit"}, officer=world.operator)
    assert seen.address == f"{ADDRESS}#netra:item=article;zone=WIT"
    assert (seen.chosen, [reading.reader for reading in seen.readings]) == ("json-ld", ["json-ld"])
    assert "page" in ports.sources


def test_a_look_at_a_real_server_shows_its_posts(sqlite_world, sqlite_url, vault, evidence, tmp_path):
    handler = functools.partial(_Quiet, directory=str(PAGES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        host = f"127.0.0.1:{server.server_address[1]}"
        settings = Settings(
            home=tmp_path,
            database_url=sqlite_url,
            crawl={"allowed_hosts": [host], "delay_seconds": 0, "contact": "uji"},
        )
        app = Application(settings=settings, database=sqlite_world.database, vault=vault, evidence=evidence)
        parts = {"item": "article.unggahan", "text": "h2, .isi", "time": "time, .tanggal", "zone": "WIB"}
        address = f"http://{host}/page_listing.html"
        seen = page_ports(app).look_at("page", address, parts, officer=sqlite_world.operator)
        server.shutdown()
    assert (seen.reason, seen.chosen, len(seen.readings[0].posts)) == ("", "selectors", 3)
    assert entries(app)[0][2] == {"host": "127.0.0.1"}
    with app.database.read() as session:
        assert session.get_one(Host, "127.0.0.1").holder is None
        assert session.scalar(select(func.count()).select_from(Fetch)) == 0


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_selectors_are_put_into_the_address_or_refused():
    assert with_selectors("feed", "https://a.example/feed", {"item": " "}) == "https://a.example/feed"
    assert with_selectors("page", "https://a.example/", {"text": "p", "item": "li"}) == (
        "https://a.example/#netra:item=li;text=p"
    )
    for source, address in (("feed", "https://a.example/"), ("page", "https://a.example/#netra:item=b")):
        with pytest.raises(BadInput):
            with_selectors(source, address, {"item": "a"})


def test_the_command_prints_what_each_reader_finds_in_a_saved_page(netra):
    code, out, _ = netra(
        *("preview", ADDRESS, "--file", PAGES / "page_listing.html"),
        *("--selectors", "item=article.unggahan;text=h2, .isi"),
    )
    assert code == 0
    for words in ("selectors: 3 unggahan, 1 tidak dipahami (dipakai)", "Pagi di pasar", "json-ld: 0 unggahan"):
        assert words in out
    assert out.splitlines()[-1] == f"alamat sasaran: {ADDRESS}#netra:item=article.unggahan;text=h2, .isi"


def test_hostile_text_gives_the_terminal_no_orders(netra, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>\x1b[31m[bold]merah[/bold] \x9b2J\u202e</p>")
    code, out, _ = netra("preview", ADDRESS, "--file", page, "--selectors", "item=p")
    assert code == 0
    assert "[bold]merah[/bold]" in out
    assert not set("\x1b\x9b\u202e") & set(out)


def test_a_wrong_selector_or_file_is_one_clear_line(netra, tmp_path):
    for arguments in (
        ("--selectors", "item=a["),
        ("--source", "feed", "--selectors", "item=a"),
        ("--file", tmp_path / "tiada.html"),
        ("--home", tmp_path / "nowhere"),
    ):
        code, _, error = netra("preview", ADDRESS, *arguments)
        assert code == 2
        assert len(error.strip().splitlines()) == 1
        assert error.startswith("netra: ")
