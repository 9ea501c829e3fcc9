"""Statuses as Mastodon sends them, and as nobody should."""

import contextlib
import datetime as dt
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Answer, Ask, Blocked, Gone, KnownPost
from crawler.sources.mastodon import Mastodon, parse_posts
from models.errors import BadInput
from tests.crawler.walking import walk

PAGE = (Path(__file__).parent / "pages" / "mastodon_statuses.json").read_bytes()
HISTORY = (Path(__file__).parent / "pages" / "mastodon_history.json").read_bytes()
ADDRESS = "https://alun.seruni.example/@sari"
API = "https://alun.seruni.example/api/v1"
DAY = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)

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
    """A timeline with Mastodon's paging, in memory; `links` is whether it sends the Link header."""

    def __init__(self, count, *, links=True):
        self.ids = [str(n) for n in range(1, count + 1)]
        self.links = links

    def answer(self, size):
        def page(ask):
            assert ask.url.startswith("https://alun.seruni.example/api/v1/accounts/")
            if ask.kind == "lookup":
                return Answer(ask.url, {}, b'{"id": "1", "acct": "sari"}')
            query = dict(parse_qsl(urlsplit(ask.url).query))
            upper, lower = int(query.get("max_id", 10**9)), int(query.get("since_id", 0))
            ids = [n for n in sorted(map(int, self.ids), reverse=True) if lower < n < upper][:size]
            link = f'<https://elsewhere.example/x?max_id={ids[-1]}>; rel="next"' if len(ids) == size else ""
            statuses = [_status(n) for n in ids]
            return Answer(ask.url, {"link": link} if self.links else {}, json.dumps(statuses).encode())

        return page


def _status(number):
    moment = (DAY + dt.timedelta(hours=number)).isoformat()
    return {"id": str(number), "account": {"id": "1"}, "content": f"<p>{number}</p>", "uri": "", "created_at": moment}


def run(server, watermark, size, stop_after=None, since=None):
    """Run until the end or the interruption; returns the watermark and the texts that were stored."""
    known, stored, _ = walk(Mastodon(), ADDRESS, watermark, server.answer(size), since=since, stop_after=stop_after)
    return known, [post.text for post in stored]


@given(
    size=st.integers(1, 5),
    growth=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.booleans()), max_size=5),
    first=st.integers(0, 15),
    links=st.booleans(),
)
def test_runs_cut_off_anywhere_leave_no_gap(size, growth, first, links):
    server, watermark, seen = Server(first, links=links), {}, set()
    for added, steps, looks_back in growth:
        watermark, stored = run(server, watermark, size, steps, DAY + dt.timedelta(hours=9) if looks_back else None)
        seen.update(stored)
        if "newest" in watermark:
            assert {n for n in server.ids if int(n) <= int(watermark["newest"])} <= seen
        server.ids += [str(len(server.ids) + n) for n in range(1, added + 1)]
    watermark, stored = run(server, watermark, size)
    seen.update(stored)
    assert seen == set(server.ids)
    assert "pending" not in watermark


def test_a_run_in_the_steady_state_reads_the_newest_page_again_so_edits_are_seen():
    server = Server(9)
    watermark, _ = run(server, {}, 3)
    assert run(server, watermark, 3) == (watermark, ["9", "8", "7"])


def test_paging_that_does_not_advance_is_bad_input():
    source = Mastodon()
    watermark = {"account_id": "1", "pending": {"top": "9", "max_id": "5"}}
    ask = source.begin(ADDRESS, watermark)
    body = json.dumps([{"id": "7", "account": {"id": "1"}, "content": ""}]).encode()
    with pytest.raises(BadInput, match="does not advance"):
        source.read(ADDRESS, watermark, ask, Answer(ask.url, {"link": '<https://x/?max_id=7>; rel="next"'}, body))


def test_a_look_back_walks_known_pages_to_the_first_older_status_and_moves_nothing_wrongly():
    server = Server(20)
    watermark, _ = run(server, {}, 3)
    after, stored = run(server, watermark, 3, since=DAY + dt.timedelta(hours=11))
    assert stored == [str(n) for n in range(20, 8, -1)]
    assert after == watermark
    server.ids.append("21")
    assert run(server, watermark, 3, since=DAY + dt.timedelta(hours=20))[0]["newest"] == "21"


def test_a_look_back_leaves_an_interrupted_walk_as_it_is():
    server = Server(20)
    watermark, _ = run(server, {}, 3, stop_after=3)
    after, stored = run(server, watermark, 3, since=DAY + dt.timedelta(hours=19))
    assert (stored, after) == (["20", "19", "18"], watermark)
    assert set(run(server, after, 3)[1]) >= {str(n) for n in range(1, 15)}


def test_a_server_whose_max_id_includes_the_status_itself_comes_to_an_end():
    source, watermark = Mastodon(), {"account_id": "1", "pending": {"top": "3", "max_id": "1"}}
    ask = source.begin(ADDRESS, watermark)
    page = source.read(ADDRESS, watermark, ask, Answer(ask.url, {}, json.dumps([_status(1)]).encode()))
    assert page.watermark == {"account_id": "1", "newest": "3"}


@pytest.mark.parametrize(
    ("identifiers", "account"),
    [
        ([109, 108], 7),
        (["AxgYTpIsx3VIYPfd", "AxgYTpIsx3VIYPfc"], "9nXjD1PRqvUl3yBj5E"),
        (["01JB0Q4M6J8D8Q5R9E4T2C7V1B", "01JB0Q4M6J8D8Q5R9E4T2C7V1A"], "01F8MH1H7YV1Z7D2C8K2730QBF"),
        (["0192a1b2-0000-7000-8000-000000000002", "0192a1b2-0000-7000-8000-000000000001"], "0192a1b2-0000-7000"),
    ],
)
def test_other_servers_ids_without_a_link_header_are_walked(identifiers, account):
    source = Mastodon()
    lookup = Answer("", {}, json.dumps({"id": account, "acct": "sari"}).encode())
    page = source.read(ADDRESS, {}, source.begin(ADDRESS, {}), lookup)
    statuses = [{"id": each, "account": {"id": account, "acct": "sari"}, "content": "x"} for each in identifiers]
    page = source.read(ADDRESS, page.watermark, page.following, Answer("", {}, json.dumps(statuses).encode()))
    assert len(page.parsed.posts) == 2
    assert f"max_id={identifiers[1]}" in page.following.url
    page = source.read(ADDRESS, page.watermark, page.following, Answer("", {}, b"[]"))
    assert (page.watermark, page.following) == ({"account_id": str(account), "newest": str(identifiers[0])}, None)


def test_a_picture_without_words_is_a_post_without_text():
    picture = {"id": 1, "account": {"id": 7001}, "content": None, "media_attachments": [{"type": "image"}]}
    (post,) = parse_posts(json.dumps([picture]).encode(), ADDRESS, "7001").posts
    assert (post.text, post.attachments[0]["kind"]) == ("", "image")


def test_a_page_of_which_nothing_is_understood_moves_nothing():
    ask = Mastodon().begin(ADDRESS, {"account_id": "1"})
    with pytest.raises(BadInput, match="none of 1 statuses"):
        Mastodon().read(ADDRESS, {"account_id": "1"}, ask, Answer(ask.url, {}, b'[{"nomor": 1}]'))


def looked_up(account, watermark):
    ask = Mastodon().begin(ADDRESS, watermark, DAY)
    assert ask.url == f"{API}/accounts/lookup?acct=sari"
    return Mastodon().read(ADDRESS, watermark, ask, Answer(ask.url, {}, json.dumps(account).encode()))


def test_a_look_back_looks_the_account_up_and_notices_another_one_under_its_name():
    watermark = {"account_id": "7001", "newest": "5"}
    same = looked_up({"id": "7001", "acct": "sari_baru"}, watermark)
    assert (same.holder.platform_id, same.holder.handle) == ("alun.seruni.example/7001", "sari_baru")
    assert (same.following.kind, same.following.conditional, same.following.since) == ("newest", False, DAY)
    other = looked_up({"id": "9999", "acct": "sari"}, watermark)
    assert (other.holder.platform_id, other.following, other.watermark) == ("alun.seruni.example/9999", None, watermark)


def test_a_suspended_account_is_gone_and_one_that_moved_is_noted():
    with pytest.raises(Gone, match="suspended"):
        looked_up({"id": "7001", "acct": "sari", "suspended": True}, {})
    moved = looked_up({"id": "7001", "acct": "sari", "moved": {"url": "https://lain.example/@sari"}}, {})
    assert moved.watermark == {"account_id": "7001", "moved_to": "https://lain.example/@sari"}
    with pytest.raises(Gone, match=r"lain\.example"):
        Mastodon().refused(ADDRESS, moved.watermark, moved.following, 410, Answer("", {}, b""))


def test_a_name_that_is_not_found_is_tried_by_id_or_as_other_servers_take_it():
    def other(watermark):
        ask = Mastodon().begin(ADDRESS, watermark, DAY)
        return Mastodon().refused(ADDRESS, watermark, ask, 404, Answer(ask.url, {}, b"{}"))

    assert other({}) == Ask(f"{API}/accounts/sari", kind="account", since=DAY)
    assert other({"account_id": "7001"}) == Ask(f"{API}/accounts/7001", kind="account", since=DAY)
    assert Mastodon().refused(ADDRESS, {}, other({}), 404, Answer("", {}, b"{}")) is None


@pytest.mark.parametrize(("status", "body"), [(401, b"{}"), (422, b"This method requires an authenticated user")])
def test_servers_that_show_nothing_to_visitors_block_us(status, body):
    ask = Mastodon().begin(ADDRESS, {"account_id": "1"})
    with pytest.raises(Blocked, match="pengguna yang masuk"):
        Mastodon().refused(ADDRESS, {"account_id": "1"}, ask, status, Answer(ask.url, {}, body))


def test_the_texts_of_an_edited_status_are_read_oldest_first():
    source, watermark = Mastodon(), {"account_id": "7001"}
    page = source.read(ADDRESS, watermark, source.begin(ADDRESS, watermark), Answer("", {}, PAGE))
    uri = "https://alun.seruni.example/users/sari/statuses/112900000000000005"
    assert {external_id: ask.url for external_id, ask in page.histories.items()} == {
        uri: f"{API}/statuses/112900000000000005/history"
    }
    history = source.read(ADDRESS, page.watermark, page.histories[uri], Answer("", {}, HISTORY))
    assert (history.watermark, history.following) == (page.watermark, None)
    assert [post.text for post in history.parsed.posts] == [
        "Rapat warga jam 8",
        "Soal pemilihan\n\nAyo pilih Bang Raka!",
        "Rapat warga jam 9",
    ]
    assert {(post.external_id, post.url) for post in history.parsed.posts} == {
        (uri, "https://alun.seruni.example/@sari/112900000000000005")
    }
    assert [post.edited_at and post.edited_at.minute for post in history.parsed.posts] == [None, 45, 0]
    assert [medium["kind"] for medium in history.parsed.posts[1].attachments] == ["image", "poll"]


@pytest.mark.parametrize(
    ("external_id", "url", "asked"),
    [
        ("https://alun.seruni.example/users/sari/statuses/5", None, "/api/v1/statuses/5"),
        ("https://alun.seruni.example/ap/users/77/statuses/5/activity", None, "/api/v1/statuses/5"),
        ("https://alun.seruni.example/statuses/5", None, "/api/v1/statuses/5"),
        (
            "https://alun.seruni.example/objects/0192a1b2-0000-7000",
            "https://alun.seruni.example/notice/AxgYTpIsx3VI",
            "/api/v1/statuses/AxgYTpIsx3VI",
        ),
        ("https://alun.seruni.example/p/sari/5", None, "/api/v1/statuses/5"),
        ("https://alun.seruni.example/objects/0192a1b2", None, "/objects/0192a1b2"),
    ],
)
def test_one_status_is_asked_for_by_the_id_its_addresses_carry(external_id, url, asked):
    ask = Mastodon().recheck(ADDRESS, {}, KnownPost(external_id, url, None))
    assert ask.url == f"https://alun.seruni.example{asked}"


def test_no_other_server_is_asked_for_a_status():
    known = KnownPost("https://lain.example/statuses/5", "https://lain.example/@sari/5", None)
    assert Mastodon().recheck(ADDRESS, {}, known) is None


def test_a_status_asked_for_by_itself_gives_its_text_as_it_is_now():
    source, watermark = Mastodon(), {"account_id": "7001"}
    known = KnownPost("https://alun.seruni.example/users/sari/statuses/112900000000000005", None, None)
    ask = source.recheck(ADDRESS, watermark, known)
    status = json.loads(PAGE)[0] | {"content": "<p>Ralat</p>"}
    post = source.reread(ADDRESS, watermark, ask, Answer(ask.url, {}, json.dumps(status).encode()))
    assert (post.external_id, post.text) == (known.external_id, "Ralat")
    page = source.recheck(ADDRESS, watermark, KnownPost("https://alun.seruni.example/objects/1", None, None))
    assert source.reread(ADDRESS, watermark, page, Answer(page.url, {}, b"<html>")) is None


@given(json_values)
def test_no_json_breaks_the_other_readings(value):
    source, watermark = Mastodon(), {"account_id": "7001"}
    answer = Answer("", {}, json.dumps(value).encode())
    history = source.read(ADDRESS, watermark, source.begin(ADDRESS, watermark), Answer("", {}, PAGE)).histories
    for ask in (*history.values(), source.begin(ADDRESS, {})):
        with contextlib.suppress(BadInput, Gone):
            source.read(ADDRESS, watermark, ask, answer)
    with contextlib.suppress(BadInput):
        source.reread(ADDRESS, watermark, Ask(f"{API}/statuses/1", kind="recheck"), answer)
