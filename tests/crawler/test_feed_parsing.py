"""Feeds in every dialect and state of repair."""

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.sources.feed import Feed, parse_posts
from models.errors import BadInput

PAGES = Path(__file__).parent / "pages"
ADDRESS = "https://warta.example/feed.xml"


def parse(name, **options):
    return parse_posts((PAGES / name).read_bytes(), address=ADDRESS, **options)[0]


def parse_text(text):
    return parse_posts(text.encode(), address=ADDRESS)[0]


def test_atom_with_a_blank_line_before_its_declaration():
    first, second = parse("atom.xml").posts
    assert first.text == "Upacara & lomba\n\nUpacara selesai.\n\nLomba besok."
    assert first.url == "https://warta.example/2026/10/upacara"
    assert (first.author, first.posted_at.isoformat()) == ("Sari", "2026-10-05T00:00:00+00:00")
    assert first.edited_at.isoformat() == "2026-10-05T02:00:00+00:00"
    assert second.text == "Kosong\N{NO-BREAK SPACE}saja"


def test_latin_1_with_a_doctype_and_html_entities():
    (post,) = parse("rss_latin1.xml").posts
    assert post.text == "Kafé di dermaga\n\nBuka tiap hari — gratis"


def test_a_charset_that_lies_falls_back_to_what_the_bytes_are():
    body = '<?xml version="1.0" encoding="utf-8"?><rss><channel><item><title>Kafé</title></item></channel></rss>'
    (post,) = parse_posts(body.encode("cp1252"), address=ADDRESS, content_type="text/xml; charset=utf-8")[0].posts
    assert post.text == "Kafé"


def test_utf_16_is_read_by_its_mark():
    body = "<rss><channel><item><title>Dermaga</title></item></channel></rss>".encode("utf-16")
    assert parse_posts(body, address=ADDRESS)[0].posts[0].text == "Dermaga"


def test_broken_xml_loses_no_item_and_indonesian_dates_are_read():
    posts = parse("rss_broken.xml").posts
    assert [post.text for post in posts] == ["Satu & dua\n\nIsi satu", "Tiga", "Empat"]
    assert posts[0].posted_at.isoformat() == "2026-10-05T07:30:00+00:00"


def test_rss_1_0_items_stand_outside_the_channel():
    (post,) = parse("rdf.xml").posts
    assert (post.text, post.author, post.url) == ("Pengumuman", "Humas", "https://lama.example/1")


@pytest.mark.parametrize(
    ("name", "text", "url"),
    [
        ("rss_090.xml", "Kabar tertua", "https://lama.seruni.example/tertua"),
        ("rss_091.xml", "Kabar lama\n\nTeks tanpa tanda", "https://lama.seruni.example/kabar"),
    ],
)
def test_the_oldest_dialects_are_read(name, text, url):
    (post,) = parse(name).posts
    assert (post.text, post.url) == (text, url)


def test_words_of_media_and_podcast_extensions_are_not_the_items_own():
    post = parse("rss_media.xml").posts[0]
    assert post.text == "Kapal tiba\npagi ini"
    assert post.author == "Humas Seruni"
    assert post.attachments == (
        {"kind": "audio", "url": "https://warta.example/suara.mp3"},
        {
            "kind": "image",
            "description": "Spanduk di tepi dermaga",
            "url": "https://warta.seruni.example/1.jpg",
        },
    )


def test_links_are_those_people_read():
    posts = parse("rss_media.xml").posts
    assert [post.url for post in posts] == [
        "https://warta.seruni.example/kapal-tiba",
        "https://warta.seruni.example/dari-guid",
        None,
        None,
    ]
    assert parse("atom_types.xml").posts[0].url == "https://warta.seruni.example/tanda"
    assert parse("atom_03.xml").posts[0].url == "https://lama.seruni.example/blog/2026/pasar"


def test_times_are_read_as_indonesian_sites_write_them():
    moments = [post.posted_at and post.posted_at.isoformat() for post in parse("rss_media.xml").posts]
    assert moments == ["2026-10-09T07:30:00+00:00", "2026-10-05T07:30:00+00:00", "2026-10-05T07:30:00+00:00", None]


def test_prefixes_that_nobody_declared_keep_their_usual_meaning():
    (post,) = parse("rss_undeclared.xml").posts
    assert (post.text, post.author) == ("Awalan tak dikenal\n\nIsi penuh", "Rakanila")


def test_atom_0_3_with_modes_a_base_address_and_one_author_for_all():
    first, second = parse("atom_03.xml").posts
    assert (first.text, first.author) == ("Pasar & dermaga\n\nSatu\n\nDua", "Sari")
    assert (first.posted_at.isoformat(), first.edited_at.isoformat()) == (
        "2026-10-05T00:00:00+00:00",
        "2026-10-05T01:00:00+00:00",
    )
    assert second.text == "Terbungkus\n\nSelamat pagi"


def test_atom_text_is_what_its_type_says():
    first, second = parse("atom_types.xml").posts
    assert first.text == "Jika a < b dan tanda <b>\n\nBaris satu\nBaris dua"
    assert first.attachments == ({"kind": "image", "url": "https://warta.seruni.example/p.png"},)
    assert second.text == "Judul miring\n\nRingkas"


def test_json_feeds_of_both_versions_are_read_whatever_they_are_served_as():
    parsed = parse("feed.json", content_type="text/xml")
    first, second = parsed.posts
    assert first.text == "Pasar & dermaga\n\nSatu\n\nDua"
    assert (first.url, first.author, first.locator) == ("https://kabar.seruni.example/1", "Sari", "/items/0")
    assert [each.get("description") for each in first.attachments] == [None, "Wawancara"]
    assert (second.text, second.author) == ("Baris satu\nBaris dua", "Rakanila")
    assert second.url == "https://lain.seruni.example/2"
    assert [item.locator for item in parsed.unparsed] == ["/items/2", "/items/3"]


def test_one_broken_byte_does_not_turn_utf_8_into_another_charset():
    body = "<rss><channel><item><title>Kafé “dermaga” — #</title></item></channel></rss>".encode()
    (post,) = parse_posts(body.replace(b"#", b"\xff"), address=ADDRESS, content_type="text/xml; charset=latin-1")[
        0
    ].posts
    assert post.text == "Kafé “dermaga” — \N{REPLACEMENT CHARACTER}"


def test_a_feed_edited_in_place_keeps_its_ids_in_json_too():
    before, memory = parse_posts((PAGES / "feed.json").read_bytes(), address=ADDRESS)
    edited = (PAGES / "feed.json").read_bytes().replace(b"<p>Dua</p>", b"<p>Ralat</p>")
    after, _ = parse_posts(edited, address=ADDRESS, memory=memory)
    assert [post.external_id for post in after.posts] == [post.external_id for post in before.posts]
    assert after.posts[0].text.endswith("Ralat")


def test_a_run_that_looks_back_reads_the_feed_even_if_it_did_not_change():
    assert Feed().begin(ADDRESS, {}).conditional
    assert not Feed().begin(ADDRESS, {}, parse("atom.xml").posts[0].posted_at).conditional


def test_items_without_any_text_are_counted():
    parsed = parse_text("<rss><channel><item><link>https://x.example/a</link></item></channel></rss>")
    assert (len(parsed.posts), len(parsed.unparsed)) == (0, 1)


@pytest.mark.parametrize(
    "text", ["", "\n", "<html><body>Galat</body></html>", "{}", "<", "<rss", "\ufeff", "<?xml version='1.0'?>"]
)
def test_what_is_no_feed_is_bad_input_unless_it_is_an_empty_one(text):
    try:
        assert parse_text(text).posts == ()
    except BadInput:
        return
    assert text == "<rss"


def test_external_entities_are_refused(tmp_path):
    canary = tmp_path / "secret"
    canary.write_text("rahasia")
    with pytest.raises(BadInput, match="entities"):
        parse_text(
            f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file://{canary}">]>'
            "<rss><channel><item><title>&x;</title></item></channel></rss>"
        )


def test_a_billion_laughs_are_refused_in_any_encoding():
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20))
    bomb = f'<!DOCTYPE r [<!ENTITY a0 "ha">{lines}]><rss><channel><item><title>&a19;</title></item></channel></rss>'
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        with pytest.raises(BadInput, match="entities"):
            parse_posts(bomb.encode(encoding), address=ADDRESS)


def test_deep_nesting_and_a_million_tiny_items_are_bounded():
    deep = "<rss><channel>" + "<item><title>a</title>" + "<b>" * 50_000
    with contextlib.suppress(BadInput):
        assert len(parse_text(deep).posts) <= 1
    many = parse_text("<rss><channel>" + "".join(f"<item><title>a {n}</title></item>" for n in range(20_000)))
    assert len(many.posts) + len(many.unparsed) == 20_000
    assert len(many.posts) == 5_000


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE" * 300_000,
        "<rss><channel><item><title>" + "<![CDATA[" * 300_000,
        "<rss><channel><item><title>" + "&amp" * 300_000,
        "<rss><channel><item><description><![CDATA[" + "<b> </b>" * 60_000,
        "<rss><channel>" + "<item><title>sama</title><pubDate>2026-10-05T00:00:00Z</pubDate></item>" * 5_000,
        "<rss><channel>" + "".join(f"<item><title>a {n}</title><guid>g</guid></item>" for n in range(5_000)),
    ],
    ids=["doctypes", "sections", "ampersands", "blanks", "copies", "one guid"],
)
def test_a_feed_made_to_cost_time_costs_little(body):
    started = time.process_time()
    memory = []
    for _ in range(2):
        with contextlib.suppress(BadInput):
            memory = parse_posts(body.encode(), address=ADDRESS, memory=memory)[1]
    assert time.process_time() - started < 10
    assert len(memory) <= 2_000


@given(st.binary(max_size=400))
def test_no_bytes_break_the_parser(body):
    with contextlib.suppress(BadInput):
        parse_posts(body, address=ADDRESS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("id", "url", "title", "content_html", "content_text", "date_published", "authors", "author", "attachments")


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values) | json_values, max_size=6))
def test_no_json_breaks_the_parser(items):
    parsed = parse_posts(json.dumps({"items": items}).encode(), address=ADDRESS)[0]
    assert len(parsed.posts) + len(parsed.unparsed) <= len(items)


FRAGMENTS = st.sampled_from(
    ["<item>", "</item>", "<title>", "</title>", "<link>", "<guid>", "&", "&nbsp;", "&#0;", "<![CDATA[", "]]>", "<!--",
     "<?x", "<!DOCTYPE a>", "\x00", "\ud800", "é", "<content type='xhtml'>", "<link href='http://[' />", "1", "<x:y>",
     "<o:p>a</o:p>",
     "<pubDate>", "Mon, 99 Foo 99999 99:99:99 +9999", "0001-01-01T00:00:00+14:00", "<entry>", "<id>", "<![", "<!["]
)  # fmt: skip


@given(st.data(), st.sampled_from(sorted(path.name for path in PAGES.glob("*.xml"))))
def test_no_damage_to_a_feed_breaks_the_parser(data, name):
    body = bytearray((PAGES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place, length = data.draw(st.integers(0, len(body))), data.draw(st.integers(0, 30))
        body[place : place + length] = data.draw(
            st.binary(max_size=10) | FRAGMENTS.map(lambda part: part.encode("utf-8", "replace"))
        )
    with contextlib.suppress(BadInput):
        parse_posts(bytes(body), address=ADDRESS)


@given(st.lists(FRAGMENTS, max_size=30), st.sampled_from(["utf-8", "latin-1", "utf-16"]))
def test_no_markup_breaks_the_parser(parts, encoding):
    text = "<rss><channel>" + "".join(parts)
    with contextlib.suppress(BadInput):
        parse_posts(text.encode(encoding, "replace"), address=ADDRESS)


@pytest.mark.parametrize("address", ["ftp://x.example/f", "https:///f", "feed.xml", "https://["])
def test_other_addresses_are_bad_input(address):
    with pytest.raises(BadInput):
        Feed().begin(address, {})
