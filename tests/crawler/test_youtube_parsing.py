"""A channel's videos as YouTube lists them, and as nobody should."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Answer, Blocked, Gone, KnownPost
from crawler.sources.youtube import YouTube, parse_posts
from models.errors import BadInput

PAGE = (Path(__file__).parent / "pages" / "youtube_videos.xml").read_bytes()
CHANNEL = "UCrekaanSeruniDermaga000"
ADDRESS = f"https://www.youtube.com/channel/{CHANNEL}"
FEED = f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"
VIDEO = KnownPost("abc_DEF-123", None, None)


def test_title_and_description_are_two_paragraphs_of_plain_text():
    first, second = parse_posts(PAGE, ADDRESS).posts
    assert first.text == (
        "Tanda <3 untuk warga & nelayan\n\nBaris satu\n\nBaris tiga #SeruniBangkit\nhttps://warta.seruni.example/kabar"
    )
    assert second.text == "Siaran langsung besok"


def test_a_video_keeps_its_id_address_times_and_author():
    first, second = parse_posts(PAGE, ADDRESS).posts
    assert (first.external_id, first.url) == ("abc_DEF-123", "https://www.youtube.com/watch?v=abc_DEF-123")
    assert (first.author, first.locator) == ("Kabar Seruni", "//entry[1]")
    assert first.posted_at.isoformat() == "2026-10-05T07:00:00+00:00"
    assert first.edited_at.isoformat() == "2026-10-05T09:30:00+00:00"
    assert (second.external_id, second.edited_at) == ("xyz-0000001", None)


def test_what_is_not_understood_or_of_another_channel_is_counted():
    assert [(item.locator, item.reason) for item in parse_posts(PAGE, ADDRESS).unparsed] == [
        ("//entry[3]", "video of another channel"),
        ("//entry[4]", "entry without a usable video id"),
        ("//entry[5]", "video without title and description"),
    ]


def test_the_feed_says_whose_it_is():
    source = YouTube()
    page = source.read(ADDRESS, {}, source.begin(ADDRESS, {}), Answer(FEED, {}, PAGE))
    assert (page.holder.platform_id, page.holder.handle) == (CHANNEL, "Kabar Seruni")
    assert page.following is None


def test_the_feed_of_another_channel_is_bad_input():
    with pytest.raises(BadInput, match="another channel"):
        parse_posts(PAGE, "https://www.youtube.com/channel/UCorangLain000000000000a")


@pytest.mark.parametrize(
    "address",
    [ADDRESS, FEED, f"https://youtube.com/channel/{CHANNEL}/videos", f"https://m.youtube.com/channel/{CHANNEL}"],
)
def test_channels_are_asked_for_their_feed(address):
    ask = YouTube().begin(address, {})
    assert (ask.url, ask.conditional) == (FEED, True)


def test_another_host_is_asked_itself():
    ask = YouTube().begin(f"https://alun.seruni.example:8443/channel/{CHANNEL}", {})
    assert ask.url == f"https://alun.seruni.example:8443/feeds/videos.xml?channel_id={CHANNEL}"


@pytest.mark.parametrize(
    "address",
    [
        "https://www.youtube.com/@kabarseruni",
        "https://www.youtube.com/watch?v=abc_DEF-123",
        "https://www.youtube.com/feeds/videos.xml?user=seruni",
        "https://www.youtube.com/channel/",
        f"ftp://www.youtube.com/channel/{CHANNEL}",
        f"https://u@www.youtube.com/channel/{CHANNEL}",
        f"https://[/channel/{CHANNEL}",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        YouTube().begin(address, {})


def test_a_missing_feed_is_believed_only_when_the_channel_is_missing_too():
    source = YouTube()
    ask = source.refused(ADDRESS, {}, source.begin(ADDRESS, {}), 404, Answer(FEED, {}, b""))
    assert ask.url == ADDRESS
    assert source.refused(ADDRESS, {}, ask, 404, Answer(ADDRESS, {}, b"")) is None
    with pytest.raises(BadInput):
        source.read(ADDRESS, {}, ask, Answer(ADDRESS, {}, b"<html>"))
    closed = b'{"alerts":[{"alertRenderer":{"type":"ERROR","text":{"simpleText":"This channel does not exist."}}}]}'
    with pytest.raises(Gone):
        source.read(ADDRESS, {}, ask, Answer(ADDRESS, {}, closed))


def test_a_video_the_feed_has_forgotten_is_asked_of_oembed():
    source = YouTube()
    ask = source.recheck(ADDRESS, {}, VIDEO)
    watch = "https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3Dabc_DEF-123"
    assert ask.url == f"https://www.youtube.com/oembed?url={watch}&format=json"
    there = Answer(ask.url, {}, b'{"title": "Tanda", "type": "video"}')
    assert source.reread(ADDRESS, {}, ask, there) is None
    with pytest.raises(Blocked):
        source.reread(ADDRESS, {}, ask, Answer(ask.url, {}, b"Forbidden"))
    with pytest.raises(BadInput):
        source.reread(ADDRESS, {}, ask, Answer(ask.url, {}, b"{}"))


def test_what_oembed_leaves_open_the_videos_own_page_decides():
    source = YouTube()
    ask = source.recheck(ADDRESS, {}, VIDEO)
    for status in (400, 401):
        page = source.refused(ADDRESS, {}, ask, status, Answer(ask.url, {}, b"Unauthorized"))
        assert page.url == "https://www.youtube.com/watch?v=abc_DEF-123"
    for status in (403, 404):
        assert source.refused(ADDRESS, {}, ask, status, Answer(ask.url, {}, b"")) is None

    def reread(status):
        body = f'var x = {{"playabilityStatus":{{"status":"{status}","reason":"…"}}}};'.encode()
        return source.reread(ADDRESS, {}, page, Answer(page.url, {}, body))

    assert reread("OK") is None
    with pytest.raises(Gone):
        reread("ERROR")
    for status in ("LOGIN_REQUIRED", "UNPLAYABLE"):
        with pytest.raises(Blocked):
            reread(status)
    with pytest.raises(BadInput):
        source.reread(ADDRESS, {}, page, Answer(page.url, {}, b"<html>Sebelum Anda melanjutkan"))


@given(st.data())
def test_no_damage_breaks_the_parser(data):
    body = bytearray(PAGE)
    for _ in range(data.draw(st.integers(1, 5))):
        place, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 30))
        body[place : place + length] = data.draw(st.binary(max_size=10) | st.sampled_from([b"<o:p>", b"]]>", b"&#0;"]))
    with contextlib.suppress(BadInput):
        parse_posts(bytes(body), ADDRESS)


@given(st.binary(max_size=300) | st.text(max_size=50).map(lambda text: json.dumps({"title": text}).encode()))
def test_no_bytes_break_the_connector(body):
    source = YouTube()
    for ask in (source.begin(ADDRESS, {}), source.recheck(ADDRESS, {}, VIDEO)):
        with contextlib.suppress(BadInput, Blocked, Gone):
            source.read(ADDRESS, {}, ask, Answer(ask.url, {}, body))
        with contextlib.suppress(BadInput, Blocked, Gone):
            source.reread(ADDRESS, {}, ask, Answer(ask.url, {}, body))
