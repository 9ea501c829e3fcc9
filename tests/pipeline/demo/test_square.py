"""The public square speaks Mastodon's API and serves its pages, over a real socket from a process of its own."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import feedparser
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import utc_now
from models.errors import StorageError
from pipeline.demo.mastodon_api import RateLimit
from pipeline.demo.square import RunningSquare, start_square
from pipeline.demo.timeline import Square, page
from pipeline.demo.world import load_world

SQUARE = Square(load_world(), utc_now())
EVERYTHING = SQUARE.public()


@pytest.fixture(scope="module")
def square() -> Iterator[RunningSquare]:
    with start_square(port=0) as running:
        yield running


@pytest.fixture(scope="module")
def client(square: RunningSquare) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=square.url, timeout=20) as client:
        yield client


def statuses(client: httpx.Client, handle: str, **query: Any) -> httpx.Response:
    account = client.get("/api/v1/accounts/lookup", params={"acct": handle}).json()
    return client.get(f"/api/v1/accounts/{account['id']}/statuses", params=query)


def walk(client: httpx.Client, answer: httpx.Response, direction: str) -> Iterator[dict[str, Any]]:
    while answer.json():
        yield from answer.json()
        following = answer.links.get(direction)
        if following is None:
            return
        answer = client.get(following["url"])


def the_post(client: httpx.Client, handle: str, words: str) -> dict[str, Any]:
    (found,) = (status for status in statuses(client, handle).json() if words in status["content"])
    return found


def test_an_account_is_found_by_its_name_with_or_without_the_host(client):
    for acct in (
        "sekar_melur",
        "@sekar_melur",
        "sekar_melur@alunalun.example",
        f"sekar_melur@{client.base_url.netloc.decode()}",
    ):
        assert client.get("/api/v1/accounts/lookup", params={"acct": acct}).json()["username"] == "sekar_melur"


@pytest.mark.parametrize(
    "path",
    [
        "accounts/lookup?acct=siapa",
        "accounts/lookup?acct=sekar_melur@lain.example",
        "accounts/1/statuses",
        "accounts/abc/statuses",
        "statuses/1",
        "statuses/1/history",
        "tidak/ada",
    ],
)
def test_what_is_not_there_is_404_in_json(client, path):
    answer = client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_following_next_gives_every_status_once_newest_first(client, limit):
    ids = [status["id"] for status in walk(client, statuses(client, "ayu_gandari", limit=limit), "next")]
    assert ids == [str(status.id) for status in SQUARE.by(SQUARE.accounts["ayu_gandari"])]


def test_following_prev_from_the_oldest_leads_back_to_the_newest(client):
    everything = [status["id"] for status in statuses(client, "ayu_gandari").json()]
    later = list(walk(client, statuses(client, "ayu_gandari", limit=3, min_id=everything[-1]), "prev"))
    assert sorted(status["id"] for status in later) == sorted(everything[:-1])


def test_since_id_gives_only_what_is_newer(client):
    ids = [status["id"] for status in statuses(client, "bagas_tirta").json()]
    assert [status["id"] for status in statuses(client, "bagas_tirta", since_id=ids[3]).json()] == ids[:3]
    assert [status["id"] for status in statuses(client, "bagas_tirta", since_id=ids[6], limit=2).json()] == ids[:2]
    assert [status["id"] for status in statuses(client, "bagas_tirta", min_id=ids[6], limit=2).json()] == ids[4:6]


@given(limit=st.integers(1, 40))
def test_pages_of_any_size_neither_lose_nor_repeat_a_post(limit):
    found, bound = [], None
    while part := page(EVERYTHING, limit=limit, max_id=bound):
        found += part
        bound = part[-1].id
    assert found == EVERYTHING


def test_reblogs_carry_the_others_post_and_can_be_left_out(client):
    everything = statuses(client, "danu_keling").json()
    (reblog,) = [status for status in everything if status["reblog"]]
    assert reblog["account"]["username"] == "danu_keling"
    assert reblog["reblog"]["account"]["username"] == "logisbersama"
    kept = statuses(client, "danu_keling", exclude_reblogs="true").json()
    assert reblog["id"] not in {status["id"] for status in kept}
    assert kept


def test_an_unchanged_answer_is_304_and_says_how_many_requests_are_left(client):
    first = statuses(client, "mirah_delima")
    again = client.get(first.url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert int(again.headers["x-ratelimit-remaining"]) < int(first.headers["x-ratelimit-remaining"]) < 300
    assert dt.datetime.fromisoformat(first.headers["x-ratelimit-reset"]) > utc_now()


def test_requests_beyond_the_limit_are_refused():
    budget = RateLimit(allowed=2)
    assert [budget.spend()[0] for _ in range(3)] == [True, True, False]
    assert budget.spend()[1]["X-RateLimit-Remaining"] == "0"


def test_an_edited_post_shows_its_history(client):
    post = the_post(client, "harun_balap", "rapatkan barisan")
    versions = client.get(f"/api/v1/statuses/{post['id']}/history").json()
    assert [version["created_at"] for version in versions] == [post["created_at"], post["edited_at"]]
    assert "kumpul di GOR" in versions[0]["content"]
    assert versions[1]["content"] == post["content"]


def test_every_listed_post_has_a_page_with_its_text_except_the_lying_one(client):
    silent = []
    for account in SQUARE.accounts:
        for status in statuses(client, account, exclude_reblogs="true").json():
            answer = client.get(status["url"])
            if answer.status_code == 200 and status["content"] not in answer.text:
                silent.append(account)
    assert set(silent) <= {"lintang_ar", "teguh_samb"}
    assert silent.count("lintang_ar") == 1


def test_authors_have_second_thoughts_once_a_crawler_has_been_there():
    with start_square(port=0) as fresh, httpx.Client(base_url=fresh.url, timeout=20) as client:
        doomed = the_post(client, "danu_keling", "japri saya")
        harsh = the_post(client, "teguh_samb", "bangkit dari kubur")
        assert harsh["edited_at"] is None
        assert doomed["id"] not in {status["id"] for status in statuses(client, "danu_keling").json()}
        assert client.get(f"/api/v1/statuses/{doomed['id']}").status_code == 404
        assert client.get(doomed["url"]).status_code == 404
        softened = client.get(f"/api/v1/statuses/{harsh['id']}").json()
        assert "damai itu indah" in softened["content"]
        assert softened["edited_at"] is not None
        assert "bangkit dari kubur" not in client.get(harsh["url"]).text


def test_hostile_markup_reaches_its_own_page_and_all_other_text_is_escaped(client):
    hostile = the_post(client, "jaka_umbul", "tes markup")
    assert "<script>" in hostile["content"]
    assert "<script>" in client.get(hostile["url"]).text
    assert "<script>" not in client.get("/@jaka_umbul").text
    everything = [status for account in SQUARE.accounts for status in statuses(client, account).json()]
    assert [status["id"] for status in everything if "<script" in status["content"]] == [hostile["id"]]


def test_the_endless_page_never_ends(client):
    assert all("<article" in client.get(f"/lagi/{number}").text for number in (0, 1, 17, 10_000))


@pytest.mark.parametrize("name", ["feed.xml", "atom.xml"])
def test_the_offices_feed_is_whole_and_its_links_lead_to_the_articles(client, name):
    answer = client.get(f"/dinas/{name}")
    feed = feedparser.parse(answer.content)
    articles = load_world().office.articles
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == [article.title for article in articles]
    assert len({entry.id for entry in feed.entries}) == len(articles)
    for entry, article in zip(feed.entries, articles, strict=True):
        assert article.body.split("\n\n")[-1].replace('"', "&#34;") in client.get(entry.link).text
    assert client.get(f"/dinas/{name}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_every_picture_on_the_pages_is_there(client):
    addresses = {found for path in ("/", "/@sekar_melur", "/@danu_keling", "/@lintang_ar", "/dinas")
                 for found in re.findall(r'src="([^"]+)"', client.get(path).text)}  # fmt: skip
    assert len(addresses) > 20
    assert {client.get(address).headers["content-type"] for address in addresses} == {"image/svg+xml"}


def test_robots_may_read_the_square(client):
    assert "Disallow: /\n" not in client.get("/robots.txt").text


def test_a_taken_port_is_one_clear_error(square, capfd):
    port = int(square.url.rpartition(":")[2])
    with pytest.raises(StorageError, match=f"did not start on 127.0.0.1:{port}"):
        start_square(port=port)
    assert capfd.readouterr().err.count("\n") == 1


def test_a_stopped_square_is_gone():
    running = start_square(port=0)
    running.stop()
    running.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)
    assert isinstance(running._process, subprocess.Popen)
    assert running._process.returncode == 0
