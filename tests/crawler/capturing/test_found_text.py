"""Finding a post's text on a page: what must not matter, and what must."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.capturing.found_text import FOUND_RATIO, text_ratio, words

POST = "Ayo dukung Bang Raka, nomor 1! 🔥 Info: https://example.id/kampanye/jadwal-lengkap-pekan-ini #RakaNilaMenang"


@pytest.mark.parametrize(
    "page",
    [
        POST,
        "Beranda\n" + POST + "\n3 suka",
        "AYO DUKUNG BANG RAKA, NOMOR 1!  Info: example.id/kampanye/jad… #RakaNilaMenang",
        "Ayo\ndukung\u200b Bang\u00a0Raka , nomor 1 ! Info:\nhttps://www.example.id/kampanye…\n#\u2060RakaNilaMenang",
        unicodedata.normalize("NFD", "Ａｙｏ dukung Bang Raka, nomor 1! Info: #RakaNilaMenang"),
    ],
)
def test_layout_links_case_and_emoji_do_not_matter(page: str) -> None:
    assert text_ratio(POST, page) == 1


@pytest.mark.parametrize(
    "page",
    [
        "",
        "Halaman tidak ditemukan",
        "Ayo dukung kegiatan posyandu, nomor antrean 1",
        "1 nomor Raka Bang dukung Ayo Info RakaNilaMenang",
        "Ayo jangan dukung si Raka nomor satu",
    ],
)
def test_another_text_is_not_found(page: str) -> None:
    assert text_ratio(POST, page) < FOUND_RATIO


def test_a_text_cut_in_the_feed_is_found_in_the_whole_article() -> None:
    assert (
        text_ratio("Bupati meninjau pasar lama dan berjan…", "Bupati meninjau pasar lama dan berjanji membangun") == 1
    )


def test_a_mention_is_found_without_its_server() -> None:
    assert text_ratio("Terima kasih @sari@warga.example.id atas bantuannya", "Terima kasih @sari atas bantuannya") == 1


def test_emoji_alone_are_looked_for_as_they_are() -> None:
    assert text_ratio("✌️ 1️⃣", "Sari Melur\n✌️1️⃣\n") == 1
    assert text_ratio("✌️", "Sari Melur") == 0


def test_a_text_of_links_alone_is_never_found() -> None:
    assert text_ratio("https://example.id/a", "https://example.id/a") == 0


@given(st.text(max_size=200), st.text(max_size=50), st.text(max_size=50))
def test_a_text_with_words_is_found_wherever_it_stands(text: str, before: str, after: str) -> None:
    if words(text) and not text.rstrip().endswith(("…", "...")):
        assert text_ratio(text, f"{before}\n\n{text}\n\n{after}") == 1


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_ratio_is_a_share(text: str, page: str) -> None:
    assert 0 <= text_ratio(text, page) <= 1


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["a.", "a-", ":a", "@a", "a…", "a" * 64 + "."])
def test_a_hostile_page_is_read_in_linear_time(piece: str) -> None:
    assert text_ratio("Ayo dukung Raka", piece * 500_000) == 0
    assert text_ratio(piece * 50_000, "Ayo dukung Raka") == 0
