"""Walks over a simulated AppView and PDS: every post once, however runs are cut off."""

import datetime as dt
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.source import Answer, Ask
from crawler.sources.bluesky import Bluesky
from models.errors import BadInput

DID = "did:plc:warga2rekaan3dermaga4xy"
ADDRESS = "https://bsky.app/profile/sari.seruni.example"
START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
DIGITS = "234567abcdefghijklmnopqrstuvwxyz"


def tid(moment, clock):
    number = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) << 10 | clock
    return "".join(DIGITS[number >> shift & 31] for shift in range(60, -1, -5))


class Server:
    """One account's posts, an hour apart (or at one moment), served as AppView and as PDS, `size` to a page."""

    def __init__(self, count=0, size=3, apart=3600):
        self.size, self.apart, self.texts = size, apart, {}
        self.handle = "sari.seruni.example"
        self.down = False
        self.asked = []
        self.say(count)

    def say(self, count):
        for _ in range(count):
            n = len(self.texts)
            moment = START + dt.timedelta(seconds=n * self.apart)
            self.texts[tid(moment, n)] = (moment, f"Kabar {n}")

    def edit(self, n, text):
        key = sorted(self.texts)[n]
        self.texts[key] = (self.texts[key][0], text)

    def answer(self, ask):
        parts = urlsplit(ask.url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append((parts.path.rpartition("/")[2], query.get("actor", query.get("repo"))))
        if parts.netloc == "plc.directory":
            service = {"id": "#atproto_pds", "serviceEndpoint": "https://pds.example"}
            return 200, {"id": DID, "service": [service]}
        if parts.netloc == "public.api.bsky.app" and self.down:
            return 503, {"error": "UpstreamFailure"}
        keys = [key for key in sorted(self.texts, reverse=True) if key < query.get("cursor", "~")][: self.size]
        more = {"cursor": keys[-1]} if keys else {}
        if parts.netloc == "pds.example":
            return 200, {"records": [self._record(key) for key in keys], **more}
        return 200, {"feed": [{"post": self._view(key)} for key in keys], **more}

    def _record(self, key):
        moment, text = self.texts[key]
        return {"uri": f"at://{DID}/app.bsky.feed.post/{key}", "value": {"text": text, "createdAt": moment.isoformat()}}

    def _view(self, key):
        record = self._record(key)
        author = {"did": DID, "handle": self.handle}
        seen = (self.texts[key][0] + dt.timedelta(milliseconds=300)).isoformat()
        return {"uri": record["uri"], "author": author, "record": record["value"], "indexedAt": seen}

    def all(self):
        return {text for _, text in self.texts.values()}


def walk(server, watermark, stop_after=None, since=None):
    """Run until the end or the interruption; returns the watermark and the texts that were stored, page by page."""
    source, stored = Bluesky(), []
    ask = source.begin(ADDRESS, watermark, since)
    steps = 0
    while isinstance(ask, Ask) and (stop_after is None or steps < stop_after):
        status, body = server.answer(ask)
        answer = Answer(ask.url, {}, json.dumps(body).encode())
        steps += 1
        if status == 200:
            page = source.read(ADDRESS, watermark, ask, answer)
            stored += [post.text for post in page.parsed.posts]
            watermark, ask = json.loads(json.dumps(page.watermark)), page.following
        else:
            ask = source.refused(ADDRESS, watermark, ask, status, answer)
        assert steps < 200
    return watermark, stored


growths = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.booleans()), max_size=6)


@settings(max_examples=150)
@given(
    size=st.integers(1, 5),
    growth=growths,
    first=st.integers(0, 15),
    apart=st.sampled_from([0, 3600]),
    at_home=st.booleans(),
)
def test_runs_cut_off_anywhere_leave_no_gap(size, growth, first, apart, at_home):
    server, watermark, seen = Server(first, size, apart), {}, set()
    for added, steps, down in growth:
        server.down = down
        watermark, stored = walk(server, watermark, steps)
        seen.update(stored)
        server.say(added)
    server.down = at_home and "did" in watermark
    watermark, stored = walk(server, watermark)
    seen.update(stored)
    assert seen == server.all()
    assert "pending" not in watermark.get("records" if server.down else "feed", {})


def test_a_run_in_the_steady_state_reads_the_newest_page_again_so_edits_are_seen():
    server = Server(9)
    watermark, stored = walk(server, {})
    assert len(stored) == len(set(stored)) == 9
    server.edit(8, "Ralat")
    assert walk(server, watermark) == (watermark, ["Ralat", "Kabar 7", "Kabar 6"])


def test_a_look_back_goes_to_the_first_post_that_is_older_and_leaves_the_watermark():
    server = Server(20)
    watermark, _ = walk(server, {})
    server.edit(9, "Ralat")
    after, stored = walk(server, watermark, since=START + dt.timedelta(hours=10))
    assert stored[-4:] == ["Kabar 11", "Kabar 10", "Ralat", "Kabar 8"]
    assert after == watermark


def test_only_the_newest_page_is_asked_for_conditionally_and_never_to_look_back():
    server = Server(9)
    watermark, _ = walk(server, {}, stop_after=2)
    assert Bluesky().begin(ADDRESS, {}).conditional
    assert not Bluesky().begin(ADDRESS, watermark).conditional
    assert not Bluesky().begin(ADDRESS, {}, START).conditional


def test_a_look_back_works_on_the_accounts_server_too():
    server = Server(20)
    watermark, _ = walk(server, {})
    server.down = True
    _, stored = walk(server, watermark, since=START + dt.timedelta(hours=10))
    assert "Kabar 10" in stored
    assert "Kabar 7" not in stored


def test_while_the_appview_is_down_new_posts_come_from_the_accounts_server_and_only_they():
    server = Server(100, size=10)
    watermark, _ = walk(server, {})
    server.down = True
    server.say(5)
    watermark, stored = walk(server, watermark)
    assert {f"Kabar {n}" for n in range(100, 105)} <= set(stored)
    assert len(stored) <= 50
    assert watermark["pds"] == "https://pds.example"
    asked = len(server.asked)
    walk(server, watermark)
    assert "plc.directory" not in str(server.asked[asked:])
    assert len(server.asked) == asked + 2


def test_the_account_is_known_by_its_did_so_a_new_handle_is_seen():
    server = Server(2)
    watermark, _ = walk(server, {})
    server.handle = "sari.baru.example"
    source = Bluesky()
    ask = source.begin(ADDRESS, watermark)
    _, body = server.answer(ask)
    page = source.read(ADDRESS, watermark, ask, Answer(ask.url, {}, json.dumps(body).encode()))
    assert server.asked[-1] == ("app.bsky.feed.getAuthorFeed", DID)
    assert (page.holder.platform_id, page.holder.handle) == (DID, "sari.baru.example")


def test_a_cursor_that_is_not_taken_any_more_starts_the_walk_again():
    server = Server(9)
    watermark, _ = walk(server, {}, stop_after=1)
    source = Bluesky()
    ask = source.begin(ADDRESS, watermark)
    assert "cursor" in ask.url
    refusal = Answer(ask.url, {}, b'{"error": "InvalidRequest", "message": "Malformed cursor"}')
    again = source.refused(ADDRESS, watermark, ask, 400, refusal)
    assert "cursor" not in again.url
    page = source.read(ADDRESS, watermark, again, Answer("", {}, json.dumps(server.answer(again)[1]).encode()))
    _, stored = walk(server, page.watermark)
    assert set(stored) | {post.text for post in page.parsed.posts} == server.all()


def test_paging_that_does_not_advance_is_bad_input():
    server = Server(9)
    watermark, _ = walk(server, {}, stop_after=2)
    ask = Bluesky().begin(ADDRESS, watermark)
    newest = server.answer(Ask("https://public.api.bsky.app/x"))[1]
    for body in (newest, {**newest, "cursor": watermark["feed"]["pending"]["cursor"]}):
        with pytest.raises(BadInput, match="does not advance"):
            Bluesky().read(ADDRESS, watermark, ask, Answer(ask.url, {}, json.dumps(body).encode()))


def test_an_empty_account_is_no_error():
    assert walk(Server(0), {}) == ({"feed": {}}, [])
