"""Every parser of foreign bytes under arbitrary and mutated ones: it understands them or says why not, and in time.

The sources and file formats come from the registries, so that a new one is tried without being named here.
"""

import contextlib
import datetime as dt
import functools
import io
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.files.formats import NAMES, form_named
from crawler.files.records import Opened
from crawler.files.roster import Roster
from crawler.registry import SOURCES
from crawler.source import Answer, Blocked, Gone, KnownPost, Parsed
from models.base import storable
from models.errors import BadInput
from models.posts import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS

EXPECTED = (BadInput, Gone, Blocked)
EXAMPLE_SECONDS = 2.0
"""Processor time for one body of some kilobytes; honest ones take milliseconds."""

STEPS = 4
ADDRESSES = (
    "https://alun.seruni.example/@sari",
    "https://bsky.app/profile/sari.seruni.example",
    "https://t.me/warga_rekaan",
    "https://x.com/sarimelur",
    "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv",
    "https://warta.example/feed.xml",
    "https://warga.example/sari",
    "https://catatan.example/author/warga_rekaan/",
)
PAGES = sorted(path for path in (Path(__file__).parent / "pages").rglob("*") if path.is_file())
BODIES = {path.name: path.read_bytes() for path in PAGES}

TOKENS = re.compile(rb"<[^<>]*>|[{}\[\],:]|\"(?:[^\"\\]|\\.)*\"|[^<>{}\[\],:\"]+|.", re.DOTALL)
EVIL = (
    b"", b"NaN", b"true", b"\x1f\x8b", b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"null", b"[]", b"{}",
    b"-1", b"1e999",
    b"99999999999999999999999999", b'""', b'"\\ud83d"', b"<", b">", b"</", b"<![CDATA[", b"]]>", b"<!--", b"&", b"&#0;",
    b"&#xD800;", b"&#1114112;", b"&nbsp;", b"\xe2\x80\xae", b"\xc2\xb2", b"0001-01-01T00:00:00+14:00", b"9" * 5000,
    b'"9999-12-31T23:59:59-14:00"', b'"https://["', b"http://[", b"//", b"javascript:1", b"a" * 3000, b"[" * 2000,
    b"<b>" * 2000, b'"' + b"x" * 600 + b'"', b"0", b'"0"', b"\r\n", b"\n", b"\t", b";", b",", b'"', b"'", b"=",
)  # fmt: skip

EDITS = st.lists(
    st.tuples(
        st.sampled_from(("replace", "insert", "drop", "double", "swap", "cut")),
        st.integers(0, 9_999),
        st.integers(0, 9_999),
        st.sampled_from(EVIL),
    ),
    min_size=1,
    max_size=8,
)
"""Changes of a body, by token: what to do, where (and where else) in ten thousandths, and what to put there."""


def mutated(body, edits):
    """`body` with its tokens (tags, brackets, strings, what lies between) changed."""
    tokens = TOKENS.findall(body)
    for action, here, there, evil in edits:
        if not tokens:
            break
        place, other = here * len(tokens) // 10_000, there * len(tokens) // 10_000
        match action:
            case "replace":
                tokens[place] = evil
            case "insert":
                tokens.insert(place, evil)
            case "drop":
                del tokens[place : place + 1 + there % 3]
            case "double":
                tokens[place:place] = tokens[place : place + 1 + there % 40]
            case "swap":
                tokens[place], tokens[other] = tokens[other], tokens[place]
            case "cut":
                del tokens[max(place, len(tokens) // 2) :]
    return b"".join(tokens)


LOOKUPS = (
    b'{"id": "7001"}',
    b'{"data": {"id": "7001", "username": "sarimelur"}}',
    b'[{"id": 3, "slug": "warga_rekaan"}]',
)
"""What Mastodon, X and WordPress answer when asked for an account's number."""


def bodies_like(pages):
    """Arbitrary bytes now and then, mostly mutants of these pages."""
    mutants = st.builds(mutated, st.sampled_from(pages), EDITS)
    return mutants | mutants | st.sampled_from(pages) | st.binary(max_size=300)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["application/json", "text/html; charset=utf-16", "text/xml; charset=x"]),
        "link": st.sampled_from(['<http://[>; rel="next"', '<?max_id=\x00>; rel="next"', '<x?max_id=5>; rel="next"']),
    },
)  # fmt: skip
FUZZ = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


@contextlib.contextmanager
def in_time():
    """Fail when what is done inside takes too long."""
    started = time.process_time()
    yield
    assert time.process_time() - started < EXAMPLE_SECONDS


def address_of(source):
    """The first address that the source takes for its own."""
    for address in ADDRESSES:
        with contextlib.suppress(BadInput):
            source.begin(address, {})
            return address
    raise AssertionError("add an address of this source to ADDRESSES")


def check_storable(posts):
    """What every database takes: no NUL, no lone surrogate, within the limits of the columns."""
    for post in posts:
        assert 0 < len(post.external_id) <= MAX_ID_CHARACTERS
        assert all(len(each) <= MAX_TEXT_CHARACTERS for each in (post.text, post.author, post.url or "", post.locator))
        assert all(each is None or each.tzinfo is dt.UTC for each in (post.posted_at, post.edited_at))
        for text in (post.external_id, post.text, post.author, post.url or "", post.locator):
            assert storable(text) == text
        check_json(list(post.attachments))


def check_json(value):
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    assert storable(text) == text


def check_page(page):
    check_storable(page.parsed.posts)
    check_json(page.watermark)
    for each in page.parsed.unparsed:
        assert storable(each.reason + each.locator) is not None
    if page.holder is not None:
        check_json([page.holder.platform_id, page.holder.handle])
    for ask in (page.following, *page.histories.values()):
        assert ask is None or (ask.url.startswith(("https://", "http://")) and storable(ask.url) == ask.url)


def settled(source, address):
    """The watermark of a run that knows the account's number, where the source asks for one first."""
    ask = source.begin(address, {})
    for body in LOOKUPS:
        with contextlib.suppress(*EXPECTED):
            page = source.read(address, {}, ask, Answer(ask.url, {}, body))
            if page.following is not None:
                return page.watermark
    return {}


@functools.cache
def understood(name):
    """The saved pages in which the source finds anything; it would refuse the mutants of others at the door."""
    source, found = SOURCES[name], []
    address = address_of(source)
    watermark = settled(source, address)
    ask = source.begin(address, watermark)
    for body in BODIES.values():
        with contextlib.suppress(*EXPECTED):
            if source.read(address, watermark, ask, Answer(ask.url, {}, body)).parsed != Parsed():
                found.append(body)
    return found


def walk(source, address, watermark, bodies, headers, since):
    """Read the bodies one after the other, as answers to whatever the source asks; watermarks are what a run keeps."""
    ask = source.begin(address, watermark, since)
    for body in bodies:
        try:
            page = source.read(address, watermark, ask, Answer(ask.url, headers, body))
        except EXPECTED:
            continue
        check_page(page)
        watermark = json.loads(json.dumps(page.watermark))
        for history in list(page.histories.values())[:1]:
            with contextlib.suppress(*EXPECTED):
                check_page(source.read(address, watermark, history, Answer(history.url, headers, body)))
        ask = page.following or source.begin(address, watermark, since)


@pytest.mark.parametrize("name", SOURCES)
@given(data=st.data(), headers=HEADERS, since=st.sampled_from([None, dt.datetime(2026, 10, 1, tzinfo=dt.UTC)]))
@FUZZ
def test_no_answer_breaks_a_source(name, data, headers, since):
    source, pages = SOURCES[name], understood(name)
    assert pages, "save a page of this source"
    address = address_of(source)
    watermark = data.draw(st.sampled_from([{}, settled(source, address)]))
    bodies = data.draw(st.lists(bodies_like(pages), min_size=1, max_size=STEPS))
    with in_time():
        walk(source, address, watermark, bodies, headers, since)


@pytest.mark.parametrize("name", SOURCES)
@given(
    body=bodies_like(list(BODIES.values())),
    headers=HEADERS,
    status=st.sampled_from([301, 400, 401, 403, 404, 410, 429, 451, 500]),
)
@FUZZ
def test_no_refusal_and_no_second_look_break_a_source(name, body, headers, status):
    source = SOURCES[name]
    address = address_of(source)
    known = KnownPost(f"{address}/1", f"{address}/1", dt.datetime(2026, 10, 5, tzinfo=dt.UTC))
    ask = source.begin(address, {})
    with in_time():
        with contextlib.suppress(*EXPECTED):
            source.refused(address, {}, ask, status, Answer(ask.url, headers, body))
        again = source.recheck(address, {}, known)
        if again is not None:
            with contextlib.suppress(*EXPECTED):
                post = source.reread(address, {}, again, Answer(again.url, headers, body))
                check_storable([] if post is None else [post])


@pytest.mark.parametrize("name", SOURCES)
@given(tail=st.text(max_size=60), base=st.sampled_from(ADDRESSES))
@FUZZ
def test_no_address_breaks_a_source(name, tail, base):
    for address in (tail, base + tail, base[:20] + tail):
        with contextlib.suppress(BadInput), in_time():
            SOURCES[name].begin(address, {})


@pytest.mark.parametrize("name", NAMES)
@given(body=bodies_like(list(BODIES.values())))
@FUZZ
def test_no_file_breaks_its_reader(name, body):
    reader = form_named(name, Roster((), (), dt.UTC))
    with contextlib.suppress(*EXPECTED), in_time():
        reader.head(Opened(io.BytesIO(body)))
        for record in reader.records(Opened(io.BytesIO(body))):
            check_storable([] if record.post is None else [record.post])


NO_CHARACTERS = ("&#xD800;", "&#xdfff;", "&#55296;", "&#0057343;", "&#x00D812", "&#0;", "&#x110000;")
PLACES = ("<title>{}</title>", "<!--<![CDATA[--><title>{}</title>]]>", "<link href='{}'/><title/>")


@pytest.mark.parametrize("reference", NO_CHARACTERS)
@pytest.mark.parametrize("place", PLACES)
def test_references_to_no_character_do_not_break_a_feed(reference, place):
    odd = place.format(reference)
    body = f"<rss><channel><item><guid>1</guid><description>isi</description>{odd}</item></channel></rss>".encode()
    source, address = SOURCES["feed"], "https://warta.example/feed.xml"
    page = source.read(address, {}, source.begin(address, {}), Answer(address, {}, body))
    check_page(page)
    assert "isi" in page.parsed.posts[0].text


@pytest.mark.parametrize("control", ["\x01", "&#1;", "&#x1f;"])
def test_control_characters_around_an_item_inside_another_do_not_break_a_page(control):
    inner = '<div class="h-entry"><div class="e-content">dalam</div><a class="u-url" href="/2"></a></div>'
    outer = f'<div class="e-content">isi {control}{inner}{control} akhir</div><a class="u-url" href="/1"></a>'
    body = f'<!doctype html><html><body><div class="h-entry">{outer}</div></body></html>'.encode()
    source, address = SOURCES["page"], "https://warga.example/sari"
    page = source.read(address, {}, source.begin(address, {}), Answer(address, {}, body))
    check_page(page)
    assert [post.text for post in page.parsed.posts] == ["isi akhir", "dalam"]


@pytest.mark.parametrize("header", [b"id,text\r,author", b'"id', b"id\x00,text"])
def test_a_header_that_is_no_header_is_bad_input(header):
    with pytest.raises(BadInput):
        list(form_named("csv", Roster((), (), dt.UTC)).records(Opened(io.BytesIO(header))))
