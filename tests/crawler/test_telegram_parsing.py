"""Telegram's pages as it sends them, and as nobody should."""

import contextlib
import datetime as dt
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.source import Answer, Ask, Blocked, Gone, KnownPost
from crawler.sources.telegram import Telegram, parse_posts
from models.errors import BadInput
from tests.crawler.walking import walk

PAGE = (Path(__file__).parent / "pages" / "telegram_channel.html").read_bytes()
ADDRESS = "https://t.me/Kabar_Seruni"
NEWEST = Ask("https://t.me/s/Kabar_Seruni", kind="newest")
EMPTY = (
    b'<html><body><section class="tgme_channel_history"><div class="tgme_widget_message_wrap">'
    b'<div class="tme_no_messages_found">No posts found</div></div></section></body></html>'
)
LANDING = '<html><body><div class="tgme_page"><div class="tgme_page_extra">{extra}</div></div></body></html>'
WIDGET_ERROR = (
    '<html><body><div class="tgme_widget_message err_message"><div class="tgme_widget_message_error">'
    "{error}</div></div></body></html>"
)
DAY = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)


def read(body, url="https://t.me/s/Kabar_Seruni", watermark=None, ask=NEWEST):
    return Telegram().read(ADDRESS, watermark or {}, ask, Answer(url, {}, body))


def posts():
    return {int(post.external_id.partition("/")[2]): post for post in parse_posts(PAGE, ADDRESS).posts}


def test_breaks_links_emoji_and_spoilers_read_as_written():
    post = posts()[101]
    assert post.text == (
        "Selamat pagi ☀️ warga & nelayan!\nAyo ke warta.seruni.example/dermaga\n\nRahasia: nomor 1 #SeruniBangkit"
    )
    assert (post.url, post.author, post.is_repost) == ("https://t.me/Kabar_Seruni/101", "Kabar_Seruni", False)
    assert post.posted_at.isoformat() == "2026-10-05T00:30:00+00:00"


def test_the_preview_of_a_linked_page_is_noted_and_its_words_are_not_the_authors():
    assert posts()[101].attachments == ({"kind": "link", "url": "https://warta.seruni.example/dermaga"},)


def test_an_album_is_one_post_that_names_the_numbers_of_its_media():
    post = posts()[103]
    assert post.text == "Rapat di balai desa"
    assert [(medium["kind"], medium["id"], medium["url"]) for medium in post.attachments] == [
        ("image", "103", "https://cdn.seruni.example/p103.jpg"),
        ("video", "104", "https://cdn.seruni.example/v104.mp4?token=x"),
        ("video", "105", "https://t.me/Kabar_Seruni/105?single"),
    ]
    assert post.posted_at.isoformat() == "2026-10-05T01:00:00+00:00"
    assert not {104, 105} & posts().keys()


def test_forwarded_messages_are_reposts_of_a_channel_or_of_a_name_without_a_link():
    assert [(posts()[n].is_repost, posts()[n].author) for n in (106, 107)] == [(True, "warta_lain"), (True, "Bu Sari")]


def test_what_a_message_replies_to_is_not_its_own_text_and_its_buttons_are_attached():
    post = posts()[108]
    assert (post.text, post.author) == ("Terima kasih semua", "Kabar_Seruni")
    assert post.attachments == (
        {"kind": "buttons", "texts": ["Dukung nomor 1"]},
        {"kind": "reply", "url": "https://t.me/Kabar_Seruni/101"},
    )


def test_a_poll_is_its_question_with_the_options_attached():
    assert posts()[109].text == "Pilih siapa?"
    assert posts()[109].attachments == ({"kind": "poll", "options": ["Nomor satu", "Nomor dua"]},)


def test_documents_stickers_and_what_only_the_app_shows_are_posts_without_text():
    assert [posts()[n].text for n in (110, 111, 112)] == ["", "", ""]
    assert [posts()[n].attachments[0]["kind"] for n in (110, 111, 112)] == ["document", "sticker", "unsupported"]
    assert posts()[110].attachments[0]["description"] == "daftar-relawan.pdf"
    assert posts()[111].attachments[0]["url"] == "https://cdn.seruni.example/s111.webp"


def test_service_messages_are_passed_over_and_only_what_is_not_understood_is_counted():
    parsed = parse_posts(PAGE, ADDRESS)
    assert 102 not in posts()
    assert [(item.locator, item.reason) for item in parsed.unparsed] == [
        ('//*[@data-post="rusak"]', "message without a usable data-post"),
        ('//*[@data-post="Lain/113"]', "message of another channel"),
    ]


def test_the_page_says_whose_channel_it_is_and_how_far_it_is_known():
    page = read(PAGE)
    assert (page.holder.platform_id, page.holder.handle) == ("1200123456", "Kabar_Seruni")
    assert page.watermark["pending"] == {"top": "112", "max_id": "101", "announced": True}
    assert page.following == Ask("https://t.me/s/Kabar_Seruni?before=101", kind="older")


def test_another_channel_under_the_same_name_shows_and_is_not_read():
    page = read(PAGE, watermark={"peer": "7", "newest": "90"})
    assert (page.holder.platform_id, page.parsed.posts, page.following) == ("1200123456", (), None)
    assert page.watermark == {"peer": "7", "newest": "90"}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body>If you have Telegram, you can contact @Kabar_Seruni</body></html>", Gone),
        (LANDING.format(extra="@Kabar_Seruni2").encode(), Gone),
        (LANDING.format(extra="1 203 subscribers").encode(), Blocked),
        (LANDING.format(extra="2 620 members, 18 online").encode(), Blocked),
    ],
)
def test_a_name_that_leads_to_no_channel_page_is_gone_or_not_shown(body, kind):
    with pytest.raises(kind):
        read(body, url="https://t.me/Kabar_Seruni")


def test_an_empty_channel_is_not_gone():
    page = read(EMPTY)
    assert (page.parsed.posts, page.parsed.unparsed, page.following, page.watermark) == ((), (), None, {})


def test_a_page_of_which_nothing_is_understood_moves_nothing():
    with pytest.raises(BadInput, match="none of 12 messages"):
        read(PAGE.replace(b"data-post=", b"data-nomor="))
    with pytest.raises(BadInput, match="none of 12 messages"):
        read(PAGE.replace(b"Kabar_Seruni", b"Lain_Lagi").replace(b"header_username", b"name"))
    with pytest.raises(BadInput):
        read(b"<html><body>Just a moment</body></html>")


def widget(body):
    source, known = Telegram(), KnownPost("kabar_seruni/101", "https://t.me/Kabar_Seruni/101", None)
    ask = source.recheck(ADDRESS, {}, known)
    assert ask.url == "https://t.me/kabar_seruni/101?embed=1&mode=tme"
    return source.reread(ADDRESS, {}, ask, Answer(ask.url, {}, body))


def test_a_widget_gives_the_text_as_it_is_now():
    assert widget(PAGE.replace(b"Selamat pagi", b"Selamat sore")).text.startswith("Selamat sore")
    assert widget(PAGE.replace(b"Kabar_Seruni/101", b"Kabar_Seruni/100")) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Post not found", Gone),
        ("Channel with username <b>@kabar_seruni</b> not found", Gone),
        ("This channel is private", Blocked),
    ],
)
def test_a_widget_without_the_message_says_why(error, kind):
    with pytest.raises(kind):
        widget(WIDGET_ERROR.format(error=error).encode())


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://t.me/Kabar_Seruni", "https://t.me/s/Kabar_Seruni"),
        ("https://t.me/s/Kabar_Seruni/", "https://t.me/s/Kabar_Seruni"),
        ("http://telegram.me/Kabar_Seruni", "https://t.me/s/Kabar_Seruni"),
        ("http://127.0.0.1:8000/Kabar_Seruni", "http://127.0.0.1:8000/s/Kabar_Seruni"),
    ],
)
def test_addresses_lead_to_the_public_page(address, url):
    assert Telegram().begin(address, {}).url == url


@pytest.mark.parametrize(
    "address",
    [
        "https://t.me/",
        "https://t.me/+abcdef",
        "https://t.me/c/12/3",
        "https://t.me/joinchat/abc",
        "ftp://t.me/Kabar_Seruni",
        "https://u@t.me/Kabar_Seruni",
        "https://[/Kabar_Seruni",
    ],
)
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        Telegram().begin(address, {})


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(body):
    with contextlib.suppress(BadInput, Gone, Blocked):
        read(body)


@given(st.integers(0, len(PAGE)), st.integers(0, 400), st.binary(max_size=20))
def test_no_change_to_a_page_breaks_the_parser(start, length, put):
    changed = PAGE[:start] + put + PAGE[start + length :]
    with contextlib.suppress(BadInput, Gone, Blocked):
        read(changed)
    with contextlib.suppress(BadInput, Gone, Blocked):
        widget(changed)


def test_the_widgets_notice_of_a_service_message_is_no_post():
    label, link = (
        b"Please open Telegram to view this post</div></div></div>\n    <a",
        b"Service message</div></div></div><a",
    )
    left = {int(post.external_id[13:]) for post in parse_posts(PAGE.replace(label, link), ADDRESS).posts}
    assert posts().keys() - left == {112}


def test_messages_within_messages_are_read_once():
    nested = b'<div class="tgme_widget_message" data-post="Kabar_Seruni/5">' * 200
    assert len(parse_posts(b"<html><body>" + nested, ADDRESS).posts) == 1


class Channel:
    """A channel with Telegram's paging, in memory: the newest message last on each page."""

    def __init__(self, count):
        self.texts = {n: f"pesan {n}" for n in range(1, count + 1)}

    def add(self, count):
        top = max(self.texts, default=0)
        self.texts |= {n: f"pesan {n}" for n in range(top + 1, top + count + 1)}

    def answer(self, size):
        def page(ask):
            before = int(parse_qs(urlsplit(ask.url).query).get("before", ["1000000"])[0])
            ids = sorted(n for n in self.texts if n < before)[-size:]
            if not ids:
                return Answer(ask.url, {}, EMPTY)
            older = any(n < ids[0] for n in self.texts)
            head = f'<link rel="prev" href="/s/Kabar_Seruni?before={ids[0]}">' if older else ""
            body = "".join(self._message(n) for n in ids)
            section = f'<section class="tgme_channel_history">{body}</section>'
            return Answer(ask.url, {}, f"<html><head>{head}</head><body>{section}</body></html>".encode())

        return page

    def _message(self, number):
        moment = (DAY + dt.timedelta(hours=number)).isoformat()
        return (
            f'<div class="tgme_widget_message" data-post="Kabar_Seruni/{number}"><div class="js-message_text">'
            f'{self.texts[number]}</div><a class="tgme_widget_message_date"><time datetime="{moment}"></time></a></div>'
        )


@given(
    size=st.integers(1, 5),
    growth=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), max_size=5),
    first=st.integers(0, 15),
    deleted=st.sets(st.integers(1, 15), max_size=6),
)
def test_runs_cut_off_anywhere_leave_no_gap(size, growth, first, deleted):
    channel, watermark, seen = Channel(first), {}, set()
    for number in deleted & channel.texts.keys():
        del channel.texts[number]
    for added, steps in growth:
        watermark, stored, _ = walk(Telegram(), ADDRESS, watermark, channel.answer(size), stop_after=steps)
        seen |= {post.text for post in stored}
        if "newest" in watermark:
            assert {text for n, text in channel.texts.items() if n <= int(watermark["newest"])} <= seen
        channel.add(added)
    watermark, stored, _ = walk(Telegram(), ADDRESS, watermark, channel.answer(size))
    assert seen | {post.text for post in stored} == set(channel.texts.values())
    assert "pending" not in watermark


def test_an_edit_on_the_newest_page_is_seen_at_the_next_run():
    channel = Channel(9)
    watermark, _, _ = walk(Telegram(), ADDRESS, {}, channel.answer(3))
    channel.texts[8] = "ralat"
    after, stored, asked = walk(Telegram(), ADDRESS, watermark, channel.answer(3))
    assert [post.text for post in stored] == ["pesan 7", "ralat", "pesan 9"]
    assert (after, len(asked), asked[0][0].conditional) == (watermark, 1, True)


def test_a_look_back_walks_known_pages_to_the_first_older_message_and_moves_nothing_wrongly():
    channel = Channel(20)
    watermark, _, _ = walk(Telegram(), ADDRESS, {}, channel.answer(3))
    channel.texts[12] = "ralat"
    since = DAY + dt.timedelta(hours=11)
    after, stored, asked = walk(Telegram(), ADDRESS, watermark, channel.answer(3), since=since)
    assert "ralat" in {post.text for post in stored}
    assert min(int(post.external_id.partition("/")[2]) for post in stored) == 9
    assert not any(ask.conditional for ask, _ in asked)
    assert after == watermark


def test_an_announced_page_that_comes_empty_is_believed_at_the_second_run():
    channel = Channel(9)
    watermark, _, _ = walk(Telegram(), ADDRESS, {}, channel.answer(3), stop_after=1)
    refusing = Channel(0)
    doubted, _, _ = walk(Telegram(), ADDRESS, watermark, refusing.answer(3))
    assert doubted["pending"]["max_id"] == "7"
    watermark, stored, _ = walk(Telegram(), ADDRESS, doubted, channel.answer(3))
    assert {post.text for post in stored} == set(channel.texts.values())
    assert watermark == {"newest": "9"}
