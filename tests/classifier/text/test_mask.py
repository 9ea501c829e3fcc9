"""Whoever is named, the masked text is the same."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.text.mask import MASK_TOKENS, Masker
from models.contest import ContestSpec

FORMS = {
    "full name": ("Wirya Sanjata", "Tegar Lokananta", "Basuni Harkala"),
    "pair": ("Wirya-Nimas", "Tegar Lokananta & Ratmi Suhandari", "Basuni Harkala – Yeni Marlupi"),
    "alias": ("bang wirya", "mas lokan", "Basuni"),
    "possessive": ("Wiryanya", "Lokanantanya", "Basuninya"),
    "handle": ("@wiryanimas", "@lokaratmi", "@basuniyeni"),
    "hashtag": ("#WiryaMenang", "#LokanantaMenang", "#BasuniMenang"),
    "listed hashtag": ("#WiryaNimasJuara", "#LokanantaRatmiJuara", "#BasuniYeniJuara"),
    "number": ("no urut 1", "no urut 2", "no urut 3"),
    "number word": ("nomer siji", "nomer loro", "nomer telu"),
    "padded number": ("paslon 01", "paslon 02", "paslon 03"),
    "keycap": ("1️⃣", "2️⃣", "3️⃣"),
    "fingers": ("satu jari", "dua jari", "tiga jari"),
    "alay": ("w1rya", "l0kananta", "b4suni"),
    "shouted": ("WIRYA SANJATA", "TEGAR LOKANANTA", "BASUNI HARKALA"),
}
WORDS = st.lists(
    st.sampled_from(["dukung", "hujan", "ayo", "debat", "lebih baik dari", "pulang,", "menang!", "😂", "tidak"]),
    max_size=4,
)
PIECES = st.lists(st.tuples(WORDS, st.sampled_from(sorted(FORMS)), st.integers(0, 2)), min_size=1, max_size=4)


def _write(pieces: list[tuple[list[str], str, int]], sides: tuple[int, ...]) -> str:
    return " ".join(word for words, form, side in pieces for word in (*words, "dan", FORMS[form][sides[side]]))


@pytest.fixture(scope="module")
def masker(contest: ContestSpec) -> Masker:
    return Masker(contest)


@settings(deadline=None)
@given(PIECES)
def test_exchanging_sides_leaves_the_masked_text_as_it_is(
    masker: Masker, pieces: list[tuple[list[str], str, int]]
) -> None:
    texts = {masker.mask(_write(pieces, sides)).text for sides in itertools.permutations(range(3))}
    assert len(texts) == 1


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_of_every_side_is_masked(masker: Masker, form: str) -> None:
    for side, written in enumerate(FORMS[form]):
        masked = masker.mask(f"besok {written} datang ke pasar")
        assert [target.key for target in masked.targets] == [side + 1], masked.text
        assert any(token in masked.text for token in MASK_TOKENS)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Wirya lebih baik dari Lokananta", "CALON_1 lebih baik dari CALON_2"),
        ("Lokananta lebih baik dari Wirya", "CALON_1 lebih baik dari CALON_2"),
        ("Bang Wirya dan Mbak Nimas Ayundari", "CALON_1"),
        ("#LokanantaRatmiMenang2 gas", "#CALON_1 Menang NOMOR_1 gas"),
        ("ampel gemilang! Maju Tuntas", "SLOGAN_1! SLOGAN_2"),
        ("Golkar dan PDI-P dukung Lokananta", "PARTAI_1 dan PARTAI_2 dukung CALON_1"),
        ("#GantiBupati2031", "#Ganti Bupati 2031"),
        ("@temanku lihat https://example.invalid/x", "@USER lihat URL"),
        ("nomor urut 7", "nomor urut NOMOR"),
        ("CALON_1 palsu", "calon_1 palsu"),
    ],
)
def test_slots_stand_for_names_by_first_mention(masker: Masker, text: str, masked: str) -> None:
    assert masker.mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "lingkungan bersih itu sehat",
        "TPS 02 buka jam 02:30",
        "pilih 2 orang jadi wakil",
        "jalan2 ke rumah no 12a",
        "beli 3 kilo beras, tanggal 03/11",
        "pan penggorengan baru",
    ],
)
def test_ordinary_words_and_numbers_stay(masker: Masker, text: str) -> None:
    assert masker.mask(text).text == text


@pytest.mark.parametrize("text", ["coblos BERSIH ya", "paslon bersih menang", "kami tim Bersih"])
def test_a_pair_called_by_an_ordinary_word_is_known_by_its_company_or_capitals(masker: Masker, text: str) -> None:
    assert "CALON_1" in masker.mask(text).text


@settings(deadline=None)
@given(st.text(max_size=100))
def test_offsets_of_masked_text_lie_in_the_original(masker: Masker, text: str) -> None:
    aligned = masker.mask(text).aligned
    assert len(aligned.origin) == len(aligned.text) + 1
    assert list(aligned.origin) == sorted(aligned.origin)
    assert all(0 <= place <= len(text) for place in aligned.origin)


def test_a_slot_maps_back_to_the_words_it_hides(masker: Masker) -> None:
    text = "Ayo pilih Tegar Lokananta & Ratmi Suhandari besok"
    aligned = masker.mask(text).aligned
    start = aligned.text.index("CALON_1")
    low, high = aligned.span(start, start + len("CALON_1"))
    assert text[low:high] == "Tegar Lokananta & Ratmi Suhandari"
