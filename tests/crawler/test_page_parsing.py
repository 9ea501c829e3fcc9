"""Public pages: what selectors find, what pages say about themselves, and what hostile ones cost."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.pages.css import MAX_STEPS, Budget, compile_css, select
from crawler.pages.document import MAX_PAGE_BYTES, read_document
from crawler.pages.items import MAX_ITEMS
from crawler.pages.moments import read_moment
from crawler.pages.readers import READERS, read_with
from crawler.pages.selectors import parse_selectors, split_address
from crawler.registry import asked_host
from crawler.source import Answer, Ask, Blocked, Gone, KnownPost
from crawler.sources.page import PublicPage, parse_posts
from models.errors import BadInput

PAGES = Path(__file__).parent / "pages"
LISTING = (
    "https://kabar.example/warga_rekaan#netra:item=article.unggahan;text=h2, .isi;time=time, .tanggal;"
    "link=a.tautan@href;author=.penulis;id=@id;skip=.komentar;zone=WITA"
)


def parse(name, address="https://kabar.example/warga_rekaan", **options):
    return parse_body((PAGES / name).read_bytes(), address, **options)


def parse_body(body, address="https://kabar.example/warga_rekaan", memory=None, **options):
    url, selectors = split_address(address)
    return parse_posts(body, url=url, selectors=selectors, memory=memory, **options)


def shown(posts):
    return [(post.text, post.url, post.posted_at and post.posted_at.isoformat(), post.author) for post in posts]


def test_selectors_find_each_post_once_with_its_own_text_time_link_and_author():
    parsed, _ = parse("page_listing.html", LISTING)
    assert shown(parsed.posts) == [
        (
            "Pagi di pasar\n\nHarga cabai naik lagi.\n\nSemoga lekas turun & stabil.",
            "https://kabar.example/warga_rekaan/103?utm_source=bagikan",
            "2026-10-06T22:30:00+00:00",
            "Warga Rekaan",
        ),
        (
            "Upacara\n\nUpacara bendera berjalan lancar.",
            "https://kabar.example/warga_rekaan/102",
            "2026-10-04T23:15:00+00:00",
            "Warga Rekaan",
        ),
        ("Pengumuman jadwal upacara.", "https://kabar.example/sekolah_rekaan/55", None, "Sekolah Rekaan"),
    ]
    assert [strange.reason for strange in parsed.unparsed] == ["unggahan tanpa teks"]
    assert [post.locator for post in parsed.posts] == [f"article.unggahan [{n}]" for n in (1, 2, 3)]


def test_without_a_text_selector_all_of_the_item_is_its_text_but_for_what_is_skipped():
    address = "https://kabar.example/x#netra:item=#u-103;skip=.komentar, .tautan, time, .penulis"
    (post,) = parse("page_listing.html", address)[0].posts
    assert post.text == "Pagi di pasar\n\nHarga cabai naik lagi.\n\nSemoga lekas turun & stabil."
    assert post.url == "https://kabar.example/x"


def test_json_ld_is_read_through_cdata_stray_commas_line_breaks_and_entities():
    parsed, _ = parse("page_jsonld.html", "https://catatan.example/")
    assert shown(parsed.posts) == [
        (
            "Hujan & banjir\n\nAir naik sampai lutut.\n\nWarga saling bantu.",
            "https://catatan.example/a",
            "2026-10-05T00:30:00+00:00",
            "Penulis Rekaan",
        ),
        (
            "Lomba desa\n\nJuara satu:\nRT 05",
            "https://catatan.example/",
            "2026-10-05T13:00:00+00:00",
            "Penulis Rekaan, Kawan Rekaan",
        ),
        ("Kata orang lain", "https://catatan.example/c", None, ""),
    ]
    assert [post.is_repost for post in parsed.posts] == [False, False, True]
    assert parsed.posts[0].edited_at.isoformat() == "2026-10-05T02:00:00+00:00"
    assert parsed.posts[1].locator == "script[type='application/ld+json'][1]/@graph/1/blogPost/1"


def test_an_article_page_is_one_post_whatever_else_it_links_to():
    (post,) = parse("page_article.html", "https://warta.example/berita/jalan-baru")[0].posts
    assert post.text == "Jalan baru dibuka\n\nJalan lingkar dibuka untuk umum."
    assert post.author == "Redaksi Rekaan"


def test_opengraph_gives_the_article_when_nothing_better_is_there():
    body = (PAGES / "page_article.html").read_bytes().replace(b"ld+json", b"json")
    (post,) = parse_body(body, "https://warta.example/berita/jalan-baru?ref=x")[0].posts
    assert post.text == 'Jalan baru dibuka\n\nRingkasan "jalan" baru.'
    assert (post.posted_at.isoformat(), post.edited_at.isoformat()) == (
        "2026-10-01T01:00:00+00:00",
        "2026-10-02T01:00:00+00:00",
    )
    assert post.url == "https://warta.example/berita/jalan-baru"


def test_comments_by_others_are_never_taken_for_the_authors_words():
    for name in ("page_hentry.html", "page_microdata.html", "page_jsonld.html"):
        texts = " ".join(post.text for post in parse(name)[0].posts)
        assert texts
        assert "nomor" not in texts


def test_h_entries_and_microdata_are_read_without_selectors():
    entry, titled = parse("page_hentry.html", "https://catat.example/")[0].posts
    assert (entry.text, entry.url) == ("Kerja bakti besok pukul tujuh.", "https://catat.example/2026/kerja-bakti")
    assert (entry.author, entry.posted_at.isoformat()) == ("Catat Rekaan", "2026-10-04T02:00:00+00:00")
    assert titled.text == "Resep\n\nRebus air.\n\nTunggu."
    (topic,) = parse("page_microdata.html", "https://forum.example/t/9")[0].posts
    assert topic.text == "Lampu jalan padam\n\nSudah tiga malam gelap."
    assert (topic.author, topic.posted_at.isoformat()) == ("Warga Rekaan", "2026-10-03T12:00:00+00:00")


def test_a_page_that_lists_others_or_says_nothing_gives_an_error_and_no_post():
    for body in (
        b"<p>Beranda</p>",
        b'<meta property="og:type" content="website"><meta property="og:title" content="X">',
    ):
        with pytest.raises(BadInput, match="berikan selektor"):
            parse_body(body)
    with pytest.raises(BadInput, match=r"'\.lama' tidak menemukan apa pun"):
        parse("page_listing.html", "https://kabar.example/#netra:item=.lama")


def test_an_edit_in_place_keeps_its_id_and_another_selector_keeps_all():
    before, memory = parse("page_listing.html", LISTING)
    body = (PAGES / "page_listing.html").read_bytes().replace(b"naik lagi", b"turun lagi")
    mended = LISTING.replace("text=h2, .isi", "text=h2, div.isi")
    after, _ = parse_body(body, mended, memory=memory)
    assert [post.external_id for post in after.posts] == [post.external_id for post in before.posts]
    assert "turun lagi" in after.posts[0].text


def test_a_post_without_link_and_id_is_known_by_its_time_and_words():
    address = "https://kabar.example/#netra:item=li;text=p;time=time"
    first = "<ul><li><p>Jalan rusak di dekat pasar</p><time datetime='2026-10-05T07:00:00Z'></time></ul>"
    new = "<ul><li><p>Kabar lain</p><time datetime='2026-10-06T07:00:00Z'></time>"
    before, memory = parse_body(first.encode(), address)
    after, _ = parse_body(first.replace("<ul>", new).replace("rusak", "rusak parah").encode(), address, memory=memory)
    assert [post.text for post in after.posts] == ["Kabar lain", "Jalan rusak parah di dekat pasar"]
    assert after.posts[1].external_id == before.posts[0].external_id
    assert after.posts[0].external_id != before.posts[0].external_id


def test_no_page_writes_into_the_posts_of_another():
    mine = parse("page_jsonld.html", "https://catatan.example/")[0]
    stolen = parse("page_jsonld.html", "https://jahat.example/")[0]
    assert not {post.external_id for post in mine.posts} & {post.external_id for post in stolen.posts}


@pytest.mark.parametrize(
    ("header", "declared", "encoded"),
    [
        ("text/html; charset=iso-8859-1", "", "cp1252"),
        ("text/html", "<meta charset=latin1>", "cp1252"),
        ("text/html", "", "cp1252"),
        ("text/html; charset=punycode", "", "cp1252"),
        ("text/html; charset=windows-1252", "<meta charset=utf-8>", "utf-8"),
        ("text/html", "<meta charset=utf-8>", "utf-16"),
    ],
)
def test_the_bytes_are_read_as_what_they_are(header, declared, encoded):
    body = f"{declared}<article><p>“Kafé” dermaga</p></article>".encode(encoded)
    (post,) = parse_body(body, "https://a.example/#netra:item=article", content_type=header)[0].posts
    assert post.text == "“Kafé” dermaga"


def test_the_form_of_an_address_is_read_back_as_written():
    url, selectors = split_address(LISTING)
    assert url == "https://kabar.example/warga_rekaan"
    assert f"{url}#{selectors}" == LISTING
    quoted = "netra:item=a[href=\"x;y]\"] > b, [title='p;q'];id=@data-id"
    assert str(parse_selectors(quoted)) == quoted
    assert str(parse_selectors("netra:item=.a%20.b;text=[title='50%25']")) == "netra:item=.a .b;text=[title='50%25']"
    assert str(split_address("https://a.example/x#netra:zone=wib")[1]) == "netra:zone=WIB"
    asked_host("page", LISTING)


@pytest.mark.parametrize(
    ("fragment", "problem"),
    [
        ("#komentar-3", "yang dikenal hanya"),
        ("#netra:item=", "item kosong"),
        ("#netra:item=a;item=b", "item ditulis dua kali"),
        ("#netra:text=p", "item belum diisi"),
        ("#netra:item=a;teks=b", "'teks' tidak dikenal"),
        ("#netra:item=a;", "'' tidak dikenal"),
        ("#netra:item=a[href", "tidak ditutup"),
        ("#netra:item=a >", "selektor item: .*bukan selektor CSS"),
        ("#netra:item=a;text=p::text", "selektor text: .*@nama"),
        ("#netra:item=a;text=p:has(b)", "selektor text: .*tidak dikenal"),
        ("#netra:item=a;text=p:hover", "':hover' tidak dikenal"),
        ("#netra:item=a:nth-child(x)", "nth-child"),
        ("#netra:item=a:nth-of-type(2)", "':nth-of-type\\(\\)' tidak dikenal"),
        ("#netra:item=a;text=p@title", "tidak memakai @title"),
        ("#netra:item=a;zone=UTC", "zone: 'UTC' bukan"),
        ("#netra:item=" + ",".join("abcdefghi"), "paling banyak 8"),
        ("#netra:item=" + "a " * 200, "paling panjang 300"),
        ("#netra:item=" + "a" * 1_500, "paling panjang 1500"),
        ("#netra:item=//article", "bukan selektor CSS"),
    ],
)
def test_a_wrong_selector_is_refused_with_the_name_of_its_part(fragment, problem):
    with pytest.raises(BadInput, match=problem):
        split_address(f"https://kabar.example/{fragment}")


def test_only_web_addresses_are_pages():
    with pytest.raises(BadInput, match="paling panjang 2000"):
        split_address("https://kabar.example/" + "x" * 2_000)
    for address in ("", "kabar.example", "file:///etc/passwd", "https://", "http://[::1#netra:item=a"):
        with pytest.raises(BadInput, match="bukan alamat"):
            split_address(address)


@pytest.mark.parametrize(
    ("css", "ids"),
    [
        ("p", "abcd"),
        ("div > p", "abc"),
        ("div p.x", "bd"),
        ("p + p", "bc"),
        ("p.x ~ p", "c"),
        ("p:first-child", "ad"),
        ("p:last-child", "d"),
        ("p:nth-child(2n+1)", "acd"),
        ("p:nth-child(-n+2)", "abd"),
        ("p:not(.x)", "ac"),
        (":is(#a, #d)", "ad"),
        ("[title]", "ab"),
        ("[title=satu]", "a"),
        ("[title!=satu]", "bcd"),
        ("[title~=dua]", "b"),
        ("[title^=sa]", "a"),
        ("[title$=TIGA i]", "b"),
        ("[title*=ua]", "b"),
        ("[lang|=id]", "c"),
        ("[title*='']", ""),
    ],
)
def test_selectors_mean_what_they_mean_in_a_browser(css, ids):
    page = (
        "<div><p id=a title=satu></p><p id=b class='x y' title='dua tiga'></p><p id=c lang=id-ID></p>"
        "<span><p id=d class=x></p></span></div>"
    )
    root = read_document(page.encode(), url="https://a.example/").root
    found = [element.get("id") for element in select(root, compile_css(css), Budget()) if element.tag == "p"]
    assert "".join(found) == ids


def test_a_costly_selector_ends_with_a_reason_in_a_few_seconds():
    wide = b"<div>" + b"<p></p>" * 100_000
    deep = (b"<div>" * 200 + b"<p></p>" * 50 + b"</div>" * 200) * 200
    costly = ".x " + "div " * 40 + "> p"
    for body, css in ((wide, "p:nth-child(7)"), (wide, "b ~ p"), (wide, "b ~ p ~ p ~ p"), (deep, costly)):
        began = time.process_time()
        with pytest.raises(BadInput, match="terlalu mahal"):
            parse_body(body, f"https://a.example/#netra:item={css}")
        assert time.process_time() - began < 20
    assert MAX_STEPS < 10_000_000


def test_a_page_is_read_within_bounds():
    with pytest.raises(BadInput, match="terlalu besar"):
        parse_body(b"x" * (MAX_PAGE_BYTES + 1))
    with pytest.raises(BadInput, match="terlalu dalam"):
        parse_body(b"<div>" * 300 + b"<article>a")
    for empty in (b"", b"  ", b"<!-- -->"):
        with pytest.raises(BadInput, match="kosong"):
            parse_body(empty)
    many, _ = parse_body(b"<p>a</p>" * (MAX_ITEMS + 50), "https://a.example/#netra:item=p;id=@x")
    assert len(many.posts) + len(many.unparsed) <= MAX_ITEMS
    nested = b"<article>" * 200 + b"kata " * 1_000
    assert sum(len(post.text) for post in parse_body(nested, "https://a.example/#netra:item=article")[0].posts) < 6_000


def test_json_ld_cannot_cost_more_than_its_page():
    began = time.process_time()
    for block in (b"[" * 500_000, b'{"@graph":' * 100_000, b'"' + b'\\"' * 1_000_000, b"," * 1_000_000, b"9" * 100_000):
        with pytest.raises(BadInput):
            parse_body(b"<script type='application/ld+json'>" + block + b"</script>")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("Senin, 5 Oktober 2026 | 14.30 WIB", "", "2026-10-05T07:30:00+00:00"),
        ("Diterbitkan 09 Agt 2026 pukul 07:05 WITA", "", "2026-08-08T23:05:00+00:00"),
        ("5 Desember 2026, 14:30:11", "WIT", "2026-12-05T05:30:00+00:00"),
        ("05/10/2026 14:30", "WIB", "2026-10-05T07:30:00+00:00"),
        ("2026-10-05 14:30", "WIB", "2026-10-05T07:30:00+00:00"),
        ("2026-10-05T14:30:00+07:00", "WIT", "2026-10-05T07:30:00+00:00"),
        ("1791180000", "", "2026-10-05T06:00:00+00:00"),
        ("1791180000000", "", "2026-10-05T06:00:00+00:00"),
        ("2026-10-05 14:30", "", None),
        ("5 Oktober 2026", "", None),
        ("99/99/2026 99:99", "WIB", None),
        ("tadi pagi", "WIB", None),
    ],
)
def test_times_are_read_as_indonesian_pages_write_them(text, zone, moment):
    found = read_moment(text, zone)
    assert (found and found.isoformat()) == moment


def answer(url, body=b"<article>a</article>"):
    return Answer(url, {}, body)


def test_the_first_time_and_link_that_are_some_count():
    times = "<time>0:33</time><time datetime='2026-10-05T07:30:00Z'>x</time>"
    page = f"<p>{times}<a href='javascript:0'></a><a href='/1'>a</a>"
    (post,) = parse_body(page.encode(), "https://a.example/#netra:item=p;time=time;link=a")[0].posts
    assert (post.posted_at.isoformat(), post.url) == ("2026-10-05T07:30:00+00:00", "https://a.example/1")


def test_a_post_asked_for_by_itself_is_gone_when_it_leads_to_the_front_page():
    source, ask = PublicPage(), Ask("https://kabar.example/warga_rekaan/103", kind="recheck")
    assert source.reread(LISTING, {}, ask, answer(ask.url)) is None
    with pytest.raises(Gone):
        source.reread(LISTING, {}, ask, answer("https://kabar.example/"))


def test_where_a_redirect_leads_decides():
    source, address = PublicPage(), "https://www.kabar.example/warga_rekaan#netra:item=article"
    ask = source.begin(address, {})
    assert (ask.url, ask.conditional) == ("https://www.kabar.example/warga_rekaan", True)
    for url, error in (
        ("https://kabar.example/", Gone),
        ("https://kabar.example/login?next=x", Blocked),
        ("https://kabar.example/accounts/login/", Blocked),
        ("https://parkir.example/warga_rekaan", BadInput),
    ):
        with pytest.raises(error):
            source.read(address, {}, ask, answer(url))
    for url in (ask.url, "http://m.kabar.example/warga_rekaan/"):
        assert len(source.read(address, {}, ask, answer(url)).parsed.posts) == 1


def test_a_watermark_recognises_the_posts_of_the_run_before():
    source, url = PublicPage(), LISTING.partition("#")[0]
    body = (PAGES / "page_listing.html").read_bytes()
    first = source.read(LISTING, {}, Ask(url), answer(url, body))
    second = source.read(LISTING, first.watermark, Ask(url), answer(url, body))
    assert second == first


def test_a_post_is_asked_for_by_itself_only_where_it_has_an_address():
    source = PublicPage()
    own = KnownPost("x", "https://kabar.example/warga_rekaan/103", None)
    assert source.recheck(LISTING, {}, own).url == own.url
    assert source.recheck(LISTING, {}, KnownPost("x", "https://kabar.example/warga_rekaan/", None)) is None
    assert source.recheck(LISTING, {}, KnownPost("x", None, None)) is None


SAVED = [path.read_bytes() for path in sorted(PAGES.glob("page_*.html"))]
PIECES = st.sampled_from(
    [
        *(
            b"<article class=unggahan>",
            b"</article>",
            b"<script type=application/ld+json>",
            b"</script>",
            b"<template>",
        ),
        *(
            b'{"@type":"Article",',
            b'"text":',
            b'"@graph":[',
            b"]}",
            b"&#xD800;",
            b"&#0;",
            b"\x00",
            b"\xff\xfe",
            b"<!--",
        ),
        *(b"<base href='http://[::1'>", b"<a class=tautan href='//['>", b"<time datetime=9999-99-99>"),
        b"<meta property=og:type content=article>",
    ]
)


@settings(deadline=None)
@given(
    st.sampled_from(SAVED),
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(0, 30), PIECES), max_size=8),
    st.data(),
)
def test_a_mutated_page_raises_nothing_but_the_parsers_own(page, cuts, data):
    for place, length, piece in cuts:
        page = page[:place] + piece + page[place + length :]
    address = data.draw(st.sampled_from([LISTING, LISTING.partition("#")[0]]))
    try:
        found = PublicPage().read(address, {}, Ask("https://kabar.example/"), answer(LISTING.partition("#")[0], page))
    except (BadInput, Gone, Blocked):
        return
    assert all(post.text and post.url.startswith("http") for post in found.parsed.posts)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_fragment_is_read_or_refused(fragment):
    for text in (fragment, f"netra:item={fragment}", f"netra:item=a;text={fragment}"):
        try:
            selectors = parse_selectors(text)
        except BadInput:
            continue
        assert str(parse_selectors(str(selectors))) == str(selectors)


@pytest.mark.parametrize("reader", READERS)
@settings(deadline=None)
@given(page=st.sampled_from(SAVED), cut=st.integers(0, 3_000))
def test_every_reader_survives_a_page_cut_short(reader, page, cut):
    _, selectors = split_address(LISTING)
    try:
        items = read_with(reader, read_document(page[:cut], url="https://a.example/"), selectors)
    except BadInput:
        return
    assert len(items) <= MAX_ITEMS
