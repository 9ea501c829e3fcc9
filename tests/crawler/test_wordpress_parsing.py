"""An author's posts as WordPress lists them, walks over them, and how sites say no."""

import datetime as dt
import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.source import Answer, Gone, KnownPost
from crawler.sources.wordpress import PAGE_SIZE, WordPress, parse_posts
from models.errors import BadInput
from tests.crawler.walking import walk

PAGES = Path(__file__).parent / "pages"
POSTS, USERS = ((PAGES / f"wordpress_{name}.json").read_bytes() for name in ("posts", "users"))
BLOG = "https://catatan.example"
ADDRESS = f"{BLOG}/author/warga_rekaan/"
NUMBERED = f"{BLOG}/?author=3"
FIELDS = "_fields=id%2Cdate%2Cdate_gmt%2Cmodified_gmt%2Clink%2Ctitle%2Ccontent%2Cauthor"
DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
WIB = dt.timezone(dt.timedelta(hours=7))
SOURCE = WordPress()


def no(code):
    return json.dumps({"code": code, "message": "Maaf.", "data": {"status": 0}}).encode()


def refuse(address, ask, status, body=b"", watermark=None):
    return SOURCE.refused(address, watermark or {}, ask, status, Answer(ask.url, {}, body))


def test_title_and_text_are_read_as_a_person_would():
    first, second, third = parse_posts(POSTS, ADDRESS, 3).posts
    assert first.text == (
        "Pasar & dermaga “Seruni”\n\nPagi ini pasar ramai.\nDermaga sepi.\n\nikan\ngaram\n\n#SeruniBangkit\n\n"
        "Lapak di tepi dermaga"
    )
    assert second.text == "Ditulis siang, terbit malam."
    assert third.text == "Terproteksi: Untuk keluarga"


def test_a_post_keeps_its_number_address_and_times():
    first, second, _ = parse_posts(POSTS, ADDRESS, 3).posts
    assert (first.external_id, first.locator) == ("catatan.example/?p=41", "/0")
    assert first.url == f"{BLOG}/2026/10/pasar-dan-dermaga/"
    assert (first.posted_at.isoformat(), first.edited_at.isoformat()) == (
        "2026-10-05T07:30:00+00:00",
        "2026-10-05T09:00:00+00:00",
    )
    assert second.edited_at is None, "written before it was published is not edited"


def test_what_is_not_understood_or_of_another_author_is_counted():
    assert [(item.locator, item.reason) for item in parse_posts(POSTS, ADDRESS, 3).unparsed] == [
        ("/3", "post of another author"),
        ("/4", "post without title and text"),
        ("/5", "no usable id"),
    ]


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"null", b"<html>", b"[" * 100_000])
def test_a_body_that_is_no_list_is_bad_input(body):
    with pytest.raises(BadInput):
        parse_posts(body, ADDRESS, 3)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        (ADDRESS, "/wp-json/wp/v2/users?slug=warga_rekaan&_fields=id%2Cslug"),
        (f"{BLOG}/author/Warga_Rekaan", "/wp-json/wp/v2/users?slug=warga_rekaan&_fields=id%2Cslug"),
        (f"{BLOG}/kantor/blog/author/sari/", "/kantor/blog/wp-json/wp/v2/users?slug=sari&_fields=id%2Cslug"),
        (NUMBERED, f"/wp-json/wp/v2/posts?author=3&per_page=100&{FIELDS}"),
        (f"{BLOG}/blog/?author=3", f"/blog/wp-json/wp/v2/posts?author=3&per_page=100&{FIELDS}"),
        (BLOG, "/wp-json/wp/v2/posts?per_page=100&_fields=author"),
    ],
)
def test_authors_and_blogs_are_asked_for_where_their_site_has_its_api(address, asked):
    assert SOURCE.begin(address, {}).url == BLOG + asked


def test_blogs_on_wordpress_com_are_asked_of_its_common_api():
    ask = SOURCE.begin("https://catatanrekaan.wordpress.com/", {})
    assert ask.url.startswith("https://public-api.wordpress.com/wp/v2/sites/catatanrekaan.wordpress.com/posts?")
    assert refuse("https://catatanrekaan.wordpress.com/", ask, 404, b"{}") is None


@pytest.mark.parametrize(
    "address",
    [
        f"{BLOG}/@sari",
        f"{BLOG}/2026/10/pasar-dan-dermaga/",
        f"{BLOG}/author/",
        f"{BLOG}/author/sari/feed/",
        f"{BLOG}/author/sari/?page=2",
        f"{BLOG}/?author=0",
        f"{BLOG}/?author=3&x=1",
        f"{BLOG}/?author=²",
        f"{BLOG}/#sari",
        f"{BLOG}/../author/%2e%2e/",
        "ftp://catatan.example/author/sari/",
        "https://u@catatan.example/author/sari/",
        "https://[/author/sari/",
        "/author/sari/",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        SOURCE.begin(address, {})


class Blog:
    """A site in WIB with its posts as (published, author), `size` to a page; `pages`: whether it counts them."""

    def __init__(self, hours, size, *, pages=True):
        self.posts, self.size, self.pages = [], size, pages
        self.publish(*hours)

    def publish(self, *hours, author=3):
        for hour in hours:
            self.posts.append((DAY + dt.timedelta(hours=hour), author, f"Tulisan {len(self.posts)}"))

    def answer(self, ask):
        parts = urlsplit(ask.url)
        query = dict(parse_qsl(parts.query))
        if "/users" in parts.path:
            return Answer(ask.url, {}, USERS if "slug" in query else b'{"id": 3, "slug": "warga_rekaan"}')
        listed = [
            {
                "id": number,
                "author": author,
                "date": moment.astimezone(WIB).strftime("%Y-%m-%dT%H:%M:%S"),
                "date_gmt": moment.strftime("%Y-%m-%dT%H:%M:%S"),
                "content": {"rendered": text},
            }
            for number, (moment, author, text) in enumerate(self.posts, 1)
            if str(author) == query.get("author", str(author))
        ]
        listed = [post for post in listed if post["date"] < query.get("before", "9")]
        listed.sort(key=lambda post: post["date"], reverse=True)
        headers = {"x-wp-totalpages": str(-(-len(listed) // self.size))} if self.pages else {}
        return Answer(ask.url, headers, json.dumps(listed[: self.size]).encode())

    def texts(self):
        return {text for _, author, text in self.posts if author == 3}


def run(blog, watermark, *, stop_after=None, since=None):
    known, stored, asked = walk(SOURCE, ADDRESS, watermark, blog.answer, since=since, stop_after=stop_after)
    return known, [post.text for post in stored], [ask for ask, _ in asked]


@given(
    size=st.integers(3, 5),
    first=st.integers(0, 15),
    growth=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4), st.booleans()), max_size=5),
    together=st.booleans(),
)
@settings(deadline=None)
def test_runs_cut_off_anywhere_leave_no_gap_even_between_posts_of_one_second(size, first, growth, together):
    def publish(moment, count):
        blog.publish(*(20 * moment + (n // 2 if together else n) for n in range(count)))

    blog, watermark, seen = Blog([], size), {}, set()
    publish(0, first)
    for moment, (added, steps, looks_back) in enumerate(growth, 1):
        since = DAY + dt.timedelta(hours=4) if looks_back else None
        watermark, stored, _ = run(blog, watermark, stop_after=steps, since=since)
        seen.update(stored)
        publish(moment, added)
    watermark, stored, _ = run(blog, watermark)
    assert seen | set(stored) == blog.texts()
    assert "pending" not in watermark


def test_a_draft_with_an_old_number_is_met_when_it_is_published():
    blog = Blog([1, 2, 3], 2)
    watermark, _, _ = run(blog, {})
    blog.posts.insert(0, (DAY + dt.timedelta(hours=9), 3, "Konsep lama"))
    assert "Konsep lama" in run(blog, watermark)[1]


def test_a_run_in_the_steady_state_reads_the_newest_page_again_so_edits_are_seen():
    blog = Blog(range(9), 3)
    watermark, _, _ = run(blog, {})
    known, stored, asked = run(blog, watermark)
    assert (known, stored, len(asked)) == (watermark, ["Tulisan 8", "Tulisan 7", "Tulisan 6"], 1)
    assert asked[0].conditional


def test_sites_that_do_not_count_pages_are_walked_while_pages_are_full():
    blog = Blog(range(PAGE_SIZE + 5), PAGE_SIZE, pages=False)
    assert set(run(blog, {})[1]) == blog.texts()


def test_a_look_back_walks_to_the_first_older_post_and_moves_nothing():
    blog = Blog(range(9), 2)
    watermark, _, _ = run(blog, {})
    known, stored, asked = run(blog, watermark, since=DAY + dt.timedelta(hours=4))
    assert (known, asked[0].kind) == (watermark, "user")
    assert {"Tulisan 8", "Tulisan 4"} <= set(stored)
    assert "Tulisan 1" not in stored
    assert not any(ask.conditional for ask in asked)


def test_more_posts_in_one_second_than_fit_on_a_page_are_bad_input_and_no_gap():
    with pytest.raises(BadInput, match="advance"):
        run(Blog([1] * 5, 2), {})


@pytest.mark.parametrize(
    "body", [b'[{"id": 1, "author": 3, "date": null}]', b"[1, 2]", b'[{"date": "2026-13-01T00:00:00"}]']
)
def test_a_page_of_which_nothing_is_dated_moves_nothing(body):
    with pytest.raises(BadInput, match="date"):
        SOURCE.read(NUMBERED, {}, SOURCE.begin(NUMBERED, {}), Answer(NUMBERED, {}, body))


def test_an_author_without_posts_is_neither_gone_nor_an_error():
    watermark, stored, _ = run(Blog([], 3), {})
    assert (watermark, stored) == ({"author": 3}, [])


def test_the_list_of_users_says_whose_page_it_is():
    ask = SOURCE.begin(ADDRESS, {})
    page = SOURCE.read(ADDRESS, {}, ask, Answer(ask.url, {}, USERS))
    assert (page.holder.platform_id, page.holder.handle) == ("catatan.example/3", "warga_rekaan")
    with pytest.raises(Gone):
        SOURCE.read(ADDRESS, {}, ask, Answer(ask.url, {}, b"[]"))
    with pytest.raises(BadInput):
        SOURCE.read(ADDRESS, {"author": 4}, ask, Answer(ask.url, {}, USERS))


def test_a_blog_is_read_as_one_persons_only_while_one_person_writes_it():
    blog = Blog([1, 2], 3)
    known, stored, _ = walk(SOURCE, BLOG, {}, blog.answer)
    assert (known["author"], len(stored)) == (3, 2)
    blog.publish(3, author=5)
    assert len(walk(SOURCE, BLOG, known, blog.answer)[1]) == 2
    with pytest.raises(BadInput, match="ada nomor 3, 5"):
        walk(SOURCE, BLOG, {}, blog.answer)
    assert walk(SOURCE, BLOG, {}, Blog([], 3).answer)[0] == {}


def test_a_site_without_permalinks_is_asked_in_the_plain_form_and_remembered():
    ask = refuse(NUMBERED, SOURCE.begin(NUMBERED, {}), 404, b"<html>")
    assert ask.url == f"{BLOG}/?rest_route=%2Fwp%2Fv2%2Fposts&author=3&per_page=100&{FIELDS}"
    page = SOURCE.read(NUMBERED, {}, ask, Answer(ask.url, {}, POSTS))
    assert SOURCE.begin(NUMBERED, page.watermark).url == ask.url


def test_a_site_whose_front_page_is_missing_too_is_gone_and_a_closed_api_is_not():
    plain = refuse(ADDRESS, SOURCE.begin(ADDRESS, {}), 404)
    assert refuse(ADDRESS, plain, 404, b"<html>") is None
    posts = refuse(NUMBERED, SOURCE.begin(NUMBERED, {}), 404)
    with pytest.raises(BadInput, match="feed"):
        refuse(NUMBERED, posts, 404, no("rest_no_route"))
    assert refuse(NUMBERED, posts, 401, no("rest_not_logged_in")) is None


@pytest.mark.parametrize(("status", "code"), [(401, "rest_user_cannot_view"), (403, ""), (404, "rest_no_route")])
def test_a_closed_list_of_users_tells_the_operator_to_give_the_number(status, code):
    ask = SOURCE.begin(ADDRESS, {"plain": True})
    with pytest.raises(BadInput, match=r"catatan\.example/\?author=NOMOR"):
        refuse(ADDRESS, ask, status, no(code))


def test_a_look_back_goes_on_where_users_are_closed_and_ends_where_the_author_is_deleted():
    ask = SOURCE.begin(ADDRESS, {"author": 3}, DAY)
    assert ask.url == f"{BLOG}/wp-json/wp/v2/users/3?_fields=id%2Cslug"
    posts = refuse(ADDRESS, ask, 401, no("rest_user_cannot_view"), {"author": 3})
    assert (posts.kind, posts.since, posts.url.partition("&")[0]) == (
        "newest",
        DAY,
        f"{BLOG}/wp-json/wp/v2/posts?author=3",
    )
    with pytest.raises(Gone):
        refuse(ADDRESS, ask, 404, no("rest_user_invalid_id"), {"author": 3})


def test_one_post_is_asked_for_by_its_number_and_read_as_it_is_now():
    known = {"author": 3}
    ask = SOURCE.recheck(ADDRESS, known, KnownPost("catatan.example/?p=41", None, None))
    assert ask.url == f"{BLOG}/wp-json/wp/v2/posts/41?{FIELDS}"
    first, guest = json.dumps(json.loads(POSTS)[0]).encode(), json.dumps(json.loads(POSTS)[3]).encode()
    assert SOURCE.reread(ADDRESS, known, ask, Answer(ask.url, {}, first)).external_id == "catatan.example/?p=41"
    with pytest.raises(BadInput):
        SOURCE.reread(ADDRESS, known, ask, Answer(ask.url, {}, guest))
    assert refuse(ADDRESS, ask, 404, no("rest_post_invalid_id")) is None, "deleted, by the rules for all"
    assert refuse(ADDRESS, ask, 401, no("rest_forbidden")) is None, "hidden, by the rules for all"


@pytest.mark.parametrize("external_id", ["lain.example/?p=41", "catatan.example/?p=4x", "catatan.example/blog/?p=4"])
def test_no_other_sites_post_is_asked_for(external_id):
    assert SOURCE.recheck(ADDRESS, {}, KnownPost(external_id, f"{BLOG}/x/", None)) is None
