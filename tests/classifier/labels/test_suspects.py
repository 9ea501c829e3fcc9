"""Labels that the texts contradict are found; the next texts to label are uncertain and unlike each other."""

from __future__ import annotations

import random

import numpy as np
import pytest

from classifier.labels.exported import LabelRow
from classifier.labels.suggest import choose
from classifier.labels.suspects import find_suspects, off_diagonal
from models.errors import BadInput

SIDED = ("pilih CALON_1", "menangkan CALON_1", "coblos CALON_2", "dukung penuh CALON_1", "hidup CALON_2")
PLAIN = ("jadwal debat besok", "harga cabai naik", "hujan deras di pasar", "lomba kelurahan", "rapat guru")
WORDS = ("pagi", "siang", "kawan", "semua", "hari ini", "ya", "lagi", "di kota", "warga", "kita")


VAGUE = ("terima kasih CALON_1", "salam dari CALON_2", "bertemu CALON_1")


def rows(count=200, wrong=()):
    """Every second row takes a side; one in four is vague, as life is, so that nobody is sure of everything."""
    chance = random.Random(3)  # noqa: S311 - test material
    made = []
    for n in range(count):
        sided = n % 2 == 0
        core = chance.choice(VAGUE if n % 8 in (5, 6) else SIDED if sided else PLAIN)
        text = f"{chance.choice(WORDS)} {core} {chance.choice(WORDS)} {n}"
        act = "partisan" if sided != (n in wrong) else "none"
        made.append(LabelRow(id=f"r{n}", masked=text, act=act, voice="own", source="verdict", readers=2))
    return made


def test_most_of_the_first_suspects_are_wrong_indeed():
    wrong = set(range(0, 200, 16)) | {31, 47, 95, 111}  # none of them vague
    found = find_suspects(rows(wrong=wrong))
    first = [one for one in found[: len(wrong)] if int(one.row.id[1:]) in wrong]
    assert len(first) >= 0.7 * len(wrong)
    assert {(one.row.act, one.likely) for one in first} == {("none", "partisan"), ("partisan", "none")}
    assert [one.given_probability for one in found] == sorted(one.given_probability for one in found)


def test_the_order_of_the_file_changes_nothing():
    forward, backward = find_suspects(rows(wrong={4, 31})), find_suspects(rows(wrong={4, 31})[::-1])
    assert [one.row.id for one in forward] == [one.row.id for one in backward]


def test_the_rule_is_that_of_the_paper():
    """Thresholds are the mean self-confidences: .5 for the side (.9, .4, .2), .725 for none (.9, .8, .7, .5)."""
    scores = np.array([0.9, 0.4, 0.2, 0.1, 0.2, 0.3, 0.5])
    sided = np.array([True, True, True, False, False, False, False])
    assert off_diagonal(scores, sided).tolist() == [False, False, True, False, False, False, True]


@pytest.mark.parametrize("made", [[], rows(18), [row for row in rows(80) if row.partisan]])
def test_too_few_rows_are_refused(made):
    with pytest.raises(BadInput, match="at least 10"):
        find_suspects(made)


def test_copies_of_few_texts_are_refused():
    copies = [row.model_copy(update={"masked": "a CALON_1" if row.partisan else "b"}) for row in rows(40)]
    with pytest.raises(BadInput, match="too few texts"):
        find_suspects(copies)


def test_copies_are_chosen_once_and_the_uncertain_before_the_certain():
    texts = ["pilih CALON_1 ya", "pilih CALON_1 ya", "jadwal debat malam", "harga beras naik"]
    assert choose(texts, np.array([0.9, 0.9, 0.5, 0.8]), 4) == [0, 3, 2]


def test_what_is_like_the_chosen_comes_later():
    texts = ["pilih CALON_1 di kota", "pilih CALON_1 di desa", "hujan deras"]
    assert choose(texts, np.array([1.0, 0.99, 0.7]), 2) == [0, 2]


def test_texts_without_words_and_no_texts_at_all_are_no_trouble():
    assert choose([], np.array([]), 3) == []
    assert sorted(choose(["!!!", "🔥"], np.array([0.5, 0.4]), 3)) == [0, 1]


def test_certainty_everywhere_leaves_nothing_to_ask():
    assert choose(["a b", "c d"], np.array([0.0, 0.0]), 2) == []
