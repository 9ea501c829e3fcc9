"""Statuses as Mastodon sends them, and as nobody should."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Answer, Ask
from crawler.sources.mastodon import Mastodon, parse_posts
from models.errors import BadInput

PAGE = (Path(__file__).parent / "pages" / "mastodon_statuses.json").read_bytes()
ADDRESS = "https://alun.seruni.example/@sari"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("id", "uri", "url", "content", "spoiler_text", "account", "reblog", "created_at", "media_attachments", "poll")


def posts():
    return {post.locator: post for post in parse_posts(PAGE, ADDRESS, "7001").posts}


def test_paragraphs_breaks_mentions_hashtags_and_links_read_as_written():
    assert posts()["/0"].text == (
        "Selamat pagi @rakanila,\nsalam dari pasar & dermaga!\n\n"
        "#SeruniBangkit https://warta.seruni.example/panjang/sekali"
    )


def test_a_status_keeps_its_uri_times_author_and_media():
    post = posts()["/0"]
    assert post.external_id == "https://alun.seruni.example/users/sari/statuses/112900000000000005"
    assert (post.author, post.is_repost) == ("sari", False)
    assert post.posted_at.isoformat() == "2026-10-05T07:30:00+00:00"
    assert post.edited_at.isoformat() == "2026-10-05T08:00:00+00:00"
    assert [media["description"] for media in post.attachments] == ["Spanduk di tepi dermaga", ""]


def test_a_content_warning_comes_before_the_text_and_a_poll_is_attached():
    post = posts()["/1"]
    assert post.text == "Soal pemilihan\n\nPilih yang mana?"
    assert post.attachments == ({"kind": "poll", "options": ["Nomor satu", "Nomor dua"]},)


def test_a_reblog_is_a_repost_by_its_first_author():
    post = posts()["/2"]
    assert (post.is_repost, post.author, post.text) == (True, "warta@lain.example", "Jembatan selesai.")


def test_no_server_speaks_for_the_posts_of_another_one():
    post = posts()["/3"]
    assert post.external_id == "https://alun.seruni.example/statuses/112900000000000002"
    assert post.url is None


def test_what_is_not_understood_or_of_another_account_is_counted():
    strange = parse_posts(PAGE, ADDRESS, "7001").unparsed
    assert [(item.locator, item.reason) for item in strange] == [
        ("/4", "status of another account"),
        ("/5", "status without content"),
        ("/6", "status without a usable id"),
    ]


@pytest.mark.parametrize("body", [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b"[1e999999]"[:-1], b'"x"'])
def test_a_body_that_is_no_list_is_bad_input(body):
    with pytest.raises(BadInput):
        parse_posts(body, ADDRESS, "7001")


@pytest.mark.parametrize(
    "address",
    [
        "https://host/",
        "https://host/@",
        "ftp://host/@a",
        "https://u@host/@a",
        "https://host/@a/b",
        "@a@host",
        "https://[/@a",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        Mastodon().begin(address, {})


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values)))
def test_no_json_breaks_the_parser(items):
    body = json.dumps([{"id": "1", "account": {"id": "1"}, "content": "", **item} for item in items]).encode()
    parsed = parse_posts(body, ADDRESS, "1")
    assert len(parsed.posts) + len(parsed.unparsed) == len(items)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body):
    with contextlib.suppress(BadInput):
        parse_posts(body, ADDRESS, "1")


class Server:
    """A timeline with Mastodon's paging, in memory."""

    def __init__(self, count):
        self.ids = [str(n) for n in range(1, count + 1)]

    def answer(self, ask, size):
        query = dict(part.split("=") for part in ask.url.partition("?")[2].split("&"))
        if ask.kind == "lookup":
            return Answer(ask.url, {}, b'{"id": "1"}')
        upper, lower = int(query.get("max_id", 10**9)), int(query.get("since_id", 0))
        ids = [n for n in sorted(map(int, self.ids), reverse=True) if lower < n < upper][:size]
        link = f'<https://elsewhere.example/x?max_id={ids[-1]}>; rel="next"' if len(ids) == size else ""
        statuses = [{"id": str(n), "account": {"id": "1"}, "content": f"<p>{n}</p>", "uri": ""} for n in ids]
        return Answer(ask.url, {"link": link}, json.dumps(statuses).encode())


def walk(server, watermark, size, stop_after=None):
    """Run until the end or the interruption; returns the watermark and the texts that were stored."""
    source, stored = Mastodon(), []
    ask = source.begin(ADDRESS, watermark)
    steps = 0
    while isinstance(ask, Ask) and (stop_after is None or steps < stop_after):
        assert ask.url.startswith("https://alun.seruni.example/api/v1/accounts/")
        page = source.read(ADDRESS, watermark, ask, server.answer(ask, size))
        stored += [post.text for post in page.parsed.posts]
        watermark, ask, steps = page.watermark, page.following, steps + 1
    return watermark, stored


@given(
    size=st.integers(1, 5),
    growth=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), max_size=5),
    first=st.integers(0, 15),
)
def test_runs_cut_off_anywhere_leave_no_gap(size, growth, first):
    server, watermark, seen = Server(first), {}, set()
    for added, steps in growth:
        watermark, stored = walk(server, watermark, size, steps)
        seen.update(stored)
        if "newest" in watermark:
            assert {n for n in server.ids if int(n) <= int(watermark["newest"])} <= seen
        server.ids += [str(len(server.ids) + n) for n in range(1, added + 1)]
    watermark, stored = walk(server, watermark, size)
    seen.update(stored)
    assert seen == set(server.ids)
    assert "pending" not in watermark


def test_a_run_in_the_steady_state_reads_the_newest_page_again_so_edits_are_seen():
    server = Server(9)
    watermark, _ = walk(server, {}, 3)
    assert walk(server, watermark, 3) == (watermark, ["9", "8", "7"])


def test_paging_that_does_not_advance_is_bad_input():
    source = Mastodon()
    watermark = {"account_id": "1", "pending": {"top": "9", "max_id": "5"}}
    ask = source.begin(ADDRESS, watermark)
    body = json.dumps([{"id": "7", "account": {"id": "1"}, "content": ""}]).encode()
    with pytest.raises(BadInput, match="does not advance"):
        source.read(ADDRESS, watermark, ask, Answer(ask.url, {"link": '<https://x/?max_id=7>; rel="next"'}, body))
