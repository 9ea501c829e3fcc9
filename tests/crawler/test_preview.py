"""Looks at addresses before they become targets: with all manners, and nothing kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from pathlib import Path

import pytest

from crawler.config import CrawlConfig
from crawler.pages.document import read_document
from crawler.pages.outline import MAX_HINTS, field_hints, item_hints
from crawler.pages.selectors import parse_selectors
from crawler.preview import any_turn, preview, preview_saved, previewed_sources
from crawler.wire import Resting
from models.clock import utc_now
from models.errors import BadInput
from models.targets import RunOutcome
from tests.crawler.conftest import Site

PAGES = Path(__file__).parent / "pages"
LISTING = (PAGES / "page_listing.html").read_bytes()
SELECTORS = "netra:item=article.unggahan;text=h2, .isi;link=a.tautan"


def config(*sites, **changes):
    allowed = frozenset((site.host, site.port) for site in sites)
    quick = CrawlConfig(contact="operator@example.invalid", allowed=allowed, delay=0.0, retry_delay=0.01)
    return dataclasses.replace(quick, **changes)


def test_a_page_is_asked_for_once_with_all_manners_and_read_in_every_way(site):
    made = site()
    address = f"{made.serve('/warga', LISTING, Content_Type='text/html')}#{SELECTORS}"
    seen = preview("page", address, config(made))
    assert (seen.outcome, seen.reason, seen.readings.chosen) == (RunOutcome.DONE, "", "selectors")
    assert {reading.reader: len(reading.posts) for reading in seen.readings.each} == {
        "selectors": 3,
        "json-ld": 0,
        "h-entry": 0,
        "microdata": 0,
        "opengraph": 0,
    }
    assert [strange.reason for strange in seen.readings.each[0].unparsed] == ["unggahan tanpa teks"]
    assert "div.isi" in [hint.selector for hint in seen.readings.hints]
    assert made.paths() == ["/robots.txt", "/warga"]
    assert made.asked[1].headers["user-agent"].startswith("Netra/")
    assert "if-none-match" not in made.asked[1].headers
    assert sum(news.requests for news in seen.news) == 2


def test_robots_and_guard_hold_for_a_look(site):
    forbidding, canary = site(), Site("127.0.0.1")
    forbidding.serve("/robots.txt", b"User-agent: *\nDisallow: /\n")
    canary.serve("/", LISTING)
    forbidding.serve("/lari", b"", 302, Location=canary.url + "/")
    seen = preview("page", f"{forbidding.url}/warga", config(forbidding))
    assert (seen.outcome, seen.readings.each) == (RunOutcome.REFUSED, ())
    assert seen.reason.startswith("robots.txt melarang")
    forbidding.pages.pop("/robots.txt")
    for address in (f"{canary.url}/", f"{forbidding.url}/lari"):
        seen = preview("page", address, config(forbidding))
        assert seen.outcome is RunOutcome.REFUSED, seen
        assert "ditolak penjaga" in seen.reason
    canary.close()
    assert canary.asked == []


def test_a_page_too_large_or_empty_says_so_and_shows_nothing(site):
    made = site()
    made.serve("/besar", b"x" * 200_000)
    made.serve("/kosong", b"")
    for path, words in (("/besar", "terlalu besar"), ("/kosong", "kosong")):
        seen = preview("page", made.url + path, config(made, max_bytes=100_000))
        assert words in seen.reason
        assert [post for reading in seen.readings.each for post in reading.posts] == []


def test_every_source_can_be_looked_at(site):
    made = site()
    made.serve("/feed", (PAGES / "atom.xml").read_bytes())
    seen = preview("feed", f"{made.url}/feed", config(made))
    assert (seen.outcome, seen.readings.chosen, len(seen.readings.each[0].posts)) == (RunOutcome.DONE, "feed", 2)


def test_a_host_that_rests_is_left_alone(site):
    made = site()
    until = utc_now() + dt.timedelta(hours=1)
    seen = preview("page", made.serve("/warga", LISTING), config(made), lambda _: Resting(until, "anggaran habis"))
    assert (seen.outcome, seen.reason) == (RunOutcome.FAILED, "anggaran habis")
    assert made.asked == []


def test_a_redirect_to_another_host_asks_for_its_turn_too(site):
    first, second = site(), site()
    second.serve("/warga", LISTING)
    asked = []

    def turn(host):
        asked.append(host)
        return any_turn(host)

    address = first.serve("/warga", b"", 302, Location=second.url + "/warga")
    seen = preview("page", f"{address}#{SELECTORS}", config(first, second), turn)
    assert asked == [first.host, second.host]
    assert "situs lain" in seen.reason


def test_a_wrong_address_or_selector_is_refused_before_anything_is_asked(site):
    made = site()
    for source, address in (
        ("page", "warga"),
        ("page", f"{made.url}/#netra:item=a["),
        ("tidak-ada", made.url),
        ("x_v2", "@warga"),
    ):
        with pytest.raises(BadInput):
            preview(source, address, config(made))
    assert made.asked == []
    assert {"page", "feed"} <= set(previewed_sources())
    assert "x_v2" not in previewed_sources()


def test_a_saved_page_is_read_without_asking_anybody():
    seen = preview_saved("page", f"https://kabar.example/warga_rekaan#{SELECTORS}", LISTING)
    assert seen.outcome is RunOutcome.DONE
    assert seen.readings.each[0].posts[0].url.startswith("https://kabar.example/warga_rekaan/103")
    unsaid = preview_saved("page", "https://kabar.example/", LISTING)
    assert (unsaid.outcome, unsaid.readings.chosen) == (RunOutcome.FAILED, "")
    assert "berikan selektor" in unsaid.reason
    assert unsaid.readings.hints[0].selector == "article.unggahan"
    assert preview_saved("feed", "https://warta.example/feed", b"rusak").outcome is RunOutcome.FAILED


def test_a_costly_selector_costs_the_look_no_more_than_seconds():
    began = time.perf_counter()
    seen = preview_saved("page", "https://a.example/#netra:item=b ~ p", b"<div>" + b"<p></p>" * 10_000)
    assert "terlalu mahal" in seen.reason
    assert time.perf_counter() - began < 25


def test_hints_name_what_comes_again_and_again_with_words_in_it():
    document = read_document(LISTING, url="https://kabar.example/")
    assert item_hints(document)[0].selector == "article.unggahan"
    document = read_document(LISTING, url="https://kabar.example/")
    found = {hint.selector: (hint.part, hint.count) for hint in field_hints(document, parse_selectors(SELECTORS))}
    assert found["a.tautan@href"] == ("link", 4)
    assert found["time@datetime"] == ("time", 1)


def test_hints_on_a_page_made_to_have_none_are_few_and_quick():
    began = time.process_time()
    bodies = (
        b"<p class='a1 %s'>" % b"x" * 5_000,
        b"<div>kata kata kata kata</div>" * 100_000,
        b"<a>" * 200 + b"kata " * 500_000,
    )
    for body in bodies:
        assert len(item_hints(read_document(body, url="https://a.example/"))) <= MAX_HINTS
    assert time.process_time() - began < 20
