"""Plain text keeps its words, and every character knows where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.text.normalise import normalise

TEXTS = st.text(max_size=80) | st.lists(
    st.sampled_from(
        [
            "p4sl0n",
            "2️⃣",
            "menaaang",
            "\u202e",
            "\u200b",
            "о",
            "K",
            "#Coblos2",
            " ",
            "\n",
            "é",
            "e\u0301",
            "👨‍👩‍👧",
            "①",
            "ﬃ",
        ]
    )
).map("".join)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("p4sl0n 2", "paslon 2"),
        ("cob1os p1lih", "coblos pilih"),
        ("menaaaaang!!!!!!", "menang!!!"),
        ("jalan2 ke tps 02 covid19", "jalan2 ke tps 02 covid19"),
        ("#Nomor1Juara", "#Nomor1Juara"),
        ("2️⃣ ② ❷", "2⃣ 2⃣ 2⃣"),
        ("Wіrуа", "Wirya"),
        ("Привет", "Привет"),
        ("𝗖𝗼𝗯𝗹𝗼𝘀 Ｄｕａ", "Coblos Dua"),
        ("co\u200bb\u202elos\u202c", "coblos"),
        ("c o b l o s dia", "coblos dia"),
        ("👨‍👩‍👧 ✌️", "👨‍👩‍👧 ✌"),
        ("a\t b\r\n\n c ", "a b\nc"),
        ("", ""),
        ("\u202e \u200b", ""),
    ],
)
def test_disguises_are_undone_and_signals_stay(written: str, plain: str) -> None:
    assert normalise(written).text == plain


@given(TEXTS)
def test_every_character_maps_to_an_ascending_place_in_the_original(text: str) -> None:
    aligned = normalise(text)
    assert len(aligned.origin) == len(aligned.text) + 1
    assert list(aligned.origin) == sorted(aligned.origin)
    assert all(0 <= place <= len(text) for place in aligned.origin)


@given(st.text(st.sampled_from("abcdefghij "), min_size=1, max_size=60))
def test_a_span_of_untouched_text_maps_to_the_same_words(text: str) -> None:
    aligned = normalise(text)
    if len(set(text.split())) == len(text.split()) and "  " not in text:
        for word in aligned.text.split():
            start = aligned.text.index(word)
            low, high = aligned.span(start, start + len(word))
            assert word[0] in text[low:high]


@given(TEXTS)
def test_what_is_plain_stays_plain(text: str) -> None:
    once = normalise(text).text
    assert len(normalise(once).text) <= len(once)
