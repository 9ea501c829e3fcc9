"""Posts and problems as X's API sends them, and as nobody should."""

import contextlib
import datetime as dt
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Answer, Ask, Blocked, Gone, KnownPost
from crawler.sources.x_v2 import XV2, parse_posts
from models.errors import BadInput
from tests.crawler.walking import walk

PAGE = (Path(__file__).parent / "pages" / "x_tweets.json").read_bytes()
ADDRESS = "https://x.com/warga_rekaan"
FIRST = "1845000000000000800"
KNOWN = {"user_id": "4200"}
TIMELINE = Ask("https://api.x.com/2/users/4200/tweets?max_results=100", kind="newest")
DAY = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
PROBLEMS = "https://api.twitter.com/2/problems/"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = (
    *("id", "text", "author_id", "created_at", "edit_history_tweet_ids", "note_tweet", "referenced_tweets"),
    "attachments",
)


def body(value):
    return json.dumps(value).encode()


def query(ask):
    return dict(parse_qsl(urlsplit(ask.url).query))


def posts():
    return {post.locator: post for post in parse_posts(PAGE, ADDRESS, "4200").posts}


def read(value, ask=TIMELINE, watermark=None):
    return XV2().read(ADDRESS, KNOWN if watermark is None else watermark, ask, Answer(ask.url, {}, body(value)))


def problem(kind, title="", detail="", **more):
    return {"errors": [{"type": PROBLEMS + kind, "title": title, "detail": detail, **more}]}


def test_an_edited_post_keeps_its_first_id_and_time_and_shows_its_newest_text():
    post = posts()["/data/0"]
    assert (post.external_id, post.text) == (FIRST, "Ralat: rapat warga jam 9 & dermaga tutup <besok>")
    assert post.url == "https://x.com/warga_rekaan/status/1845000000000000900"
    assert post.edited_at.isoformat() == "2026-10-05T08:10:00+00:00"
    assert post.posted_at.date().isoformat() == "2024-10-12"  # what the first id says of itself
    assert "/data/1" not in posts()


def test_a_repost_is_by_its_first_author_with_the_whole_text_where_it_came_along():
    post = posts()["/data/2"]
    assert (post.is_repost, post.author, post.text) == (True, "warta_seruni", "Jembatan selesai, warga senang semua.")
    alone = {**json.loads(PAGE), "includes": {}}
    post = parse_posts(body(alone), ADDRESS, "4200").posts[1]
    assert (post.author, post.text) == ("warta_seruni", "RT @warta_seruni: Jembatan selesai, warga sen…")


def test_a_quote_is_the_authors_own_text_with_what_is_attached():
    post = posts()["/data/3"]
    assert (post.is_repost, post.author) == (False, "warga_rekaan")
    assert post.attachments == (
        {
            "kind": "image",
            "description": "Spanduk di tepi dermaga",
            "url": "https://gambar.seruni.example/11.jpg",
        },
        {"kind": "quote", "url": "https://x.com/i/status/1844000000000000002"},
    )


def test_long_posts_are_read_whole_and_polls_with_their_options():
    assert posts()["/data/4"].text == "Catatan panjang yang tidak dipotong: ayo pilih Bang Raka!"
    assert posts()["/data/5"].attachments == ({"kind": "poll", "options": ["Nomor satu", "Nomor dua"]},)


def test_what_is_not_understood_or_of_another_account_is_counted():
    assert [(item.locator, item.reason) for item in parse_posts(PAGE, ADDRESS, "4200").unparsed] == [
        ("/data/6", "post of another account"),
        ("/data/7", "post without text"),
        ("/data/8", "post without a usable id"),
    ]


def test_the_page_names_the_next_one_and_the_earlier_versions_of_edited_posts():
    page = read(json.loads(PAGE))
    assert page.watermark["pending"] == {"top": "1845000000000000900", "max_id": "1845000000000000200"}
    assert query(page.following) == {"max_results": "100", "pagination_token": "7140dibdnow9c7btw"}
    (external_id,) = page.histories
    ask = page.histories[external_id]
    assert (external_id, query(ask)["ids"], ask.kind) == (FIRST, FIRST, "history")
    earlier = {"data": [json.loads(PAGE)["data"][1]]}
    assert [(post.external_id, post.text) for post in read(earlier, ask).parsed.posts] == [(FIRST, "Rapat warga jam 8")]


def test_asking_for_one_post_gives_its_newest_version():
    source = XV2()
    ask = source.recheck(ADDRESS, KNOWN, KnownPost(FIRST, None, None))
    assert urlsplit(ask.url).path == "/2/tweets"
    assert "edit_history_tweet_ids" in query(ask)["expansions"]
    newer, first = json.loads(PAGE)["data"][:2]
    answer = body({"data": [first], "includes": {"tweets": [first, newer]}})
    assert source.reread(ADDRESS, KNOWN, ask, Answer(ask.url, {}, answer)).text.startswith("Ralat")
    assert source.recheck(ADDRESS, KNOWN, KnownPost("https://x.com/a", None, None)) is None


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (problem("resource-not-found", "Not Found Error", "Could not find tweet with ids: [1]."), Gone),
        (problem("resource-not-found", "Forbidden", "User has been suspended: [warga_rekaan]."), Gone),
        (problem("not-authorized-for-resource", "Authorization Error", "Sorry, you are not authorized."), Blocked),
        (problem("resource-unavailable"), Blocked),
        ({"meta": {}}, BadInput),
        ([], BadInput),
    ],
)
def test_problems_in_a_good_response_say_gone_or_blocked(said, kind):
    with pytest.raises(kind):
        read(said)
    with pytest.raises(kind):
        XV2().reread(ADDRESS, KNOWN, Ask("https://api.x.com/2/tweets"), Answer("", {}, body(said)))
    with pytest.raises(kind):
        read(said, Ask("https://api.x.com/2/users/by/username/warga_rekaan", kind="lookup"), {})


def refused(status, said, ask=TIMELINE):
    return XV2().refused(ADDRESS, KNOWN, ask, status, Answer(ask.url, {}, body(said)))


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, {"title": "Unauthorized", "type": "about:blank"}, "token operator"),
        (402, {"title": "CreditsDepleted"}, "kredit atau kuota"),
        (429, {"title": "UsageCapExceeded", "type": PROBLEMS + "usage-capped"}, "kredit atau kuota"),
        (403, {"reason": "client-not-enrolled", "type": PROBLEMS + "client-forbidden"}, "paket API"),
    ],
)
def test_what_is_wrong_with_our_token_or_credit_is_a_failure_that_says_so(status, said, words):
    with pytest.raises(BadInput, match=words):
        refused(status, said)


def test_rate_limits_and_what_is_withheld_are_left_to_the_rules_for_all():
    assert refused(429, {"title": "Too Many Requests", "type": "about:blank"}) is None
    assert refused(403, problem("not-authorized-for-resource")) is None
    assert refused(404, {}) is None
    assert XV2().refused(ADDRESS, KNOWN, TIMELINE, 503, Answer("", {}, b"<html>")) is None


def test_a_lower_bound_that_is_too_old_is_left_out():
    told = {"errors": [{"message": "'since_id' must be a tweet id created after 2026-10-01T00:00Z."}]}
    ask = XV2().begin(ADDRESS, {**KNOWN, "newest": "5"})
    assert query(ask)["since_id"] == "5"
    assert int(query(ask)["max_results"]) < 100
    again = refused(400, told, ask)
    assert query(again).keys() == query(ask).keys() - {"since_id"}
    assert refused(400, told, again) is None


def test_another_account_under_the_same_handle_shows_and_is_not_read():
    ask = XV2().begin(ADDRESS, {**KNOWN, "newest": "5"}, DAY)
    page = read({"data": {"id": "77", "username": "warga_rekaan"}}, ask)
    assert (page.holder.platform_id, page.following, page.watermark) == ("77", None, KNOWN)


def test_a_known_account_with_a_new_handle_is_found_by_its_id():
    missing = problem("resource-not-found", "Not Found Error", "Could not find user.")
    page = read(missing, XV2().begin(ADDRESS, KNOWN, DAY))
    assert page.following.url == "https://api.x.com/2/users/4200"
    renamed = read({"data": {"id": "4200", "username": "warga_baru"}}, page.following)
    assert (renamed.holder.platform_id, renamed.holder.handle) == ("4200", "warga_baru")
    assert query(renamed.following)["start_time"] == "2026-10-05T00:00:00Z"
    with pytest.raises(Gone):
        read(missing, page.following)


@pytest.mark.parametrize("address", ["https://twitter.com/warga_rekaan", "https://www.x.com/@warga_rekaan/"])
def test_addresses_of_x_lead_to_its_api(address):
    assert XV2().begin(address, {}).url == "https://api.x.com/2/users/by/username/warga_rekaan"


def test_a_trial_server_is_asked_over_plain_http_only():
    assert XV2().begin("http://127.0.0.1:8000/warga", {}).url == "http://127.0.0.1:8000/2/users/by/username/warga"


@pytest.mark.parametrize(
    "address",
    [
        "https://lain.example/warga",
        "https://x.com/",
        "https://x.com/terlalu_panjang_namanya",
        "https://x.com/warga/status/1",
        "ftp://x.com/warga",
        "https://u@x.com/warga",
        "https://[/warga",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        XV2().begin(address, {})


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values), max_size=5), json_values, json_values)
def test_no_json_breaks_the_parser(items, includes, errors):
    known = [{"id": "1", "author_id": "1", "text": "", **item} for item in items]
    value = {"data": known, "includes": includes, "errors": errors}
    parsed = parse_posts(body(value), ADDRESS, "1")
    assert len(parsed.posts) + len(parsed.unparsed) <= len(items)
    with contextlib.suppress(BadInput, Gone, Blocked):
        XV2().reread(ADDRESS, KNOWN, TIMELINE, Answer("", {}, body(value)))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data):
    for ask in (TIMELINE, Ask("https://api.x.com/2/users/1", kind="lookup"), Ask("https://api.x.com/", kind="history")):
        with contextlib.suppress(BadInput, Gone, Blocked):
            XV2().read(ADDRESS, KNOWN, ask, Answer("", {}, data))
        assert XV2().refused(ADDRESS, KNOWN, ask, 404, Answer("", {}, data)) is None


class Timeline:
    """An account's posts with X's paging, in memory: {id: (text, chain)}; an edit takes a new id."""

    def __init__(self, count):
        self.posts = {}
        self.add(count)

    def add(self, count):
        for _ in range(count):
            number = self._next()
            self.posts[number] = (f"kabar {number}", [str(number)])

    def edit(self, number, text):
        (_, chain), newer = self.posts.pop(number), self._next()
        self.posts[newer] = (text, [*chain, str(newer)])

    def _next(self):
        return max((int(each) for _, chain in self.posts.values() for each in chain), default=100) + 1

    def answer(self, size):
        def page(ask):
            if ask.kind == "lookup":
                return Answer(ask.url, {}, body({"data": {"id": "4200", "username": "warga_rekaan"}}))
            asked = query(ask)
            upper = min(int(asked.get("until_id", 10**9)), int(asked.get("pagination_token", 10**9)))
            lower = int(asked.get("since_id", 0))
            start = dt.datetime.fromisoformat(asked.get("start_time", "2000-01-01T00:00:00Z"))
            ids = [n for n in sorted(self.posts, reverse=True) if lower < n < upper and _moment(n) >= start]
            meta = {"result_count": len(ids[:size])} | ({"next_token": str(ids[size - 1])} if len(ids) > size else {})
            data = {"data": [self._post(n) for n in ids[:size]]} if ids else {}
            return Answer(ask.url, {}, body({**data, "meta": meta}))

        return page

    def _post(self, number):
        text, chain = self.posts[number]
        return {
            "id": str(number),
            "author_id": "4200",
            "text": text,
            "created_at": _moment(number).isoformat(),
            "edit_history_tweet_ids": chain,
        }


def _moment(number):
    return DAY + dt.timedelta(hours=number)


@given(
    size=st.integers(1, 5),
    growth=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.booleans()), max_size=5),
    first=st.integers(0, 15),
)
def test_runs_cut_off_anywhere_leave_no_gap(size, growth, first):
    timeline, watermark, seen = Timeline(first), {}, {}
    for added, steps, looks_back in growth:
        since = _moment(105) if looks_back else None
        watermark, stored, _ = walk(XV2(), ADDRESS, watermark, timeline.answer(size), since=since, stop_after=steps)
        seen |= {post.external_id: post.text for post in stored}
        timeline.add(added)
    watermark, stored, _ = walk(XV2(), ADDRESS, watermark, timeline.answer(size))
    seen |= {post.external_id: post.text for post in stored}
    assert seen == {chain[0]: text for text, chain in timeline.posts.values()}
    assert "pending" not in watermark


def test_an_edit_becomes_another_text_of_the_same_post_at_the_next_run():
    timeline = Timeline(9)
    watermark, _, _ = walk(XV2(), ADDRESS, {}, timeline.answer(3))
    timeline.edit(108, "ralat")
    _, stored, asked = walk(XV2(), ADDRESS, watermark, timeline.answer(3))
    assert [(post.external_id, post.text) for post in stored] == [("108", "ralat")]
    assert len(asked) == 1


def test_a_look_back_reads_from_its_moment_on_and_moves_nothing_wrongly():
    timeline = Timeline(20)
    watermark, _, _ = walk(XV2(), ADDRESS, {}, timeline.answer(3))
    after, stored, _ = walk(XV2(), ADDRESS, watermark, timeline.answer(3), since=_moment(112))
    assert [int(post.external_id) for post in stored] == list(range(120, 111, -1))
    assert after == watermark


def test_a_look_back_before_the_first_walk_leaves_the_older_posts_to_it():
    timeline = Timeline(20)
    watermark, stored, _ = walk(XV2(), ADDRESS, {}, timeline.answer(3), since=_moment(112))
    assert (len(stored), watermark["pending"]) == (9, {"top": "120", "max_id": "112"})
    watermark, stored, _ = walk(XV2(), ADDRESS, watermark, timeline.answer(3))
    assert (len(stored), watermark) == (11, {"user_id": "4200", "newest": "120"})


def test_a_token_that_leads_nowhere_is_bad_input():
    ask = Ask(TIMELINE.url + "&pagination_token=7140dibdnow9c7btw", kind="older")
    with pytest.raises(BadInput, match="does not advance"):
        read(json.loads(PAGE), ask)
