"""What a new model must show: not worse anywhere that matters, and the same to every side."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from classifier.evaluation.compare import (
    LabelledRows,
    answers_of,
    compare,
    read_comparable,
)
from classifier.evaluation.paired import Answers
from classifier.evaluation.sides import LEAST_ROWS, false_positives_by_side
from models.canonical import canonical_json
from models.errors import BadInput

PILBUP, PILKADES = "Pilbup Karang Ampel 2031", "Pilkades Sumber Rejo 2031"


@dataclasses.dataclass
class World:
    """Labelled rows, and the scores of the model in use: right in nine of ten rows, of every source and side alike."""

    rows: LabelledRows
    champion: Answers


def build(sources=("grup", "komentar", "berita"), *, each=200, side_rows=60):
    """`each` rows a source, half of them partisan; of the innocent ones `side_rows` name the one side or the other."""
    partisan = np.tile(np.arange(each) % 2 == 0, len(sources))
    names = [source for source in sources for _ in range(each)]
    innocent = np.flatnonzero(~partisan)[: 2 * side_rows]
    sides = [None] * len(partisan)
    for count, at in enumerate(innocent):
        sides[at] = (PILBUP, 1 + count % 2)
    right = np.ones(len(partisan), bool)
    for members in (np.flatnonzero(partisan), innocent[0::2], innocent[1::2]):
        right[members[::10]] = False
    flags = right == partisan
    spread = np.random.default_rng(1).uniform(0.0, 0.4, len(partisan))
    return World(LabelledRows(partisan, names, sides), Answers(np.where(flags, 0.55 + spread, 0.05 + spread), 0.5))


def spoil(world, where, count):
    """The champion's answers with `count` more wrong ones among the rows of `where`."""
    wrong = np.flatnonzero(where & (world.champion.flags == world.rows.partisan))[:count]
    scores = world.champion.scores.copy()
    scores[wrong] = 1 - scores[wrong]
    return Answers(scores, 0.5)


def test_a_model_passes_against_itself():
    world = build()
    result = compare(world.rows, world.champion, world.champion)
    assert result.passed, result.reasons
    assert [found.source for found in result.sources] == ["grup", "komentar", "berita", None]
    assert all(found.mcnemar.p == found.p_holm == 1.0 for found in result.sources)


def test_a_better_model_passes():
    world = build()
    better = Answers(np.where(world.rows.partisan, 0.9, 0.1), 0.5)
    assert compare(world.rows, better, world.champion).passed
    assert not compare(world.rows, world.champion, better).passed


def test_a_plainly_worse_model_fails_for_its_auc_and_its_flags():
    world = build()
    worse = spoil(world, np.ones(600, bool), 250)
    result = compare(world.rows, worse, world.champion)
    assert any("AUC turun" in reason for reason in result.reasons)
    assert any("McNemar" in reason for reason in result.reasons)


def test_a_model_worse_on_one_source_only_fails_and_the_source_is_named():
    world = build()
    here = world.rows.of("komentar")
    result = compare(world.rows, spoil(world, here, 40), world.champion)
    named = {reason.split(":")[0] for reason in result.reasons}
    assert "komentar" in named
    assert named.isdisjoint({"grup", "berita"})


def test_a_shifted_threshold_that_flags_wrongly_fails_though_the_ranking_is_the_same():
    world = build()
    strict = Answers(world.champion.scores, 0.99)
    result = compare(world.rows, strict, world.champion)
    assert all("McNemar" in reason for reason in result.reasons)
    assert not result.passed


def test_a_difference_that_chance_explains_does_not_fail():
    world = build()
    partisan = world.rows.partisan
    result = compare(world.rows, spoil(world, partisan & world.rows.of("berita"), 2), world.champion)
    assert result.passed, result.reasons


def test_a_model_that_flags_innocent_posts_about_one_candidate_more_often_fails():
    world = build()
    second = np.array([side == (PILBUP, 2) for side in world.rows.sides])
    result = compare(world.rows, spoil(world, second, 3), world.champion)
    (reason,) = result.reasons
    assert reason.startswith(f"{PILBUP}: ")
    assert "5,0 poin" in reason


def test_two_points_between_the_sides_pass_and_more_do_not():
    world = build(each=400, side_rows=100)
    second = np.array([side == (PILBUP, 2) for side in world.rows.sides])
    assert compare(world.rows, spoil(world, second, 2), world.champion).passed
    assert not compare(world.rows, spoil(world, second, 3), world.champion).passed


def test_a_biased_model_in_use_does_not_hold_up_an_even_one():
    world = build()
    second = np.array([side == (PILBUP, 2) for side in world.rows.sides])
    biased = spoil(world, second, 3)
    result = compare(world.rows, world.champion, biased)
    assert result.passed, result.reasons
    assert result.champion_sides[0].gap == pytest.approx(0.05)


@pytest.mark.parametrize("side_rows", [0, LEAST_ROWS - 1])
def test_fairness_that_could_not_be_measured_is_not_passed_over(side_rows):
    world = build(side_rows=side_rows)
    result = compare(world.rows, world.champion, world.champion)
    (reason,) = result.reasons
    assert "tidak terukur" in reason


def test_too_few_rows_to_judge_are_said_so():
    world = build(sources=("grup",), each=58, side_rows=10)
    result = compare(world.rows, world.champion, world.champion)
    assert any("Baris terlalu sedikit" in reason for reason in result.reasons)
    assert [found.source for found in result.sources] == ["grup"]


def test_a_source_without_partisan_rows_is_still_tested_on_its_flags():
    world = build()
    partisan = world.rows.partisan & ~world.rows.of("berita")
    rows = LabelledRows(partisan, world.rows.sources, world.rows.sides)
    careful = Answers(np.where(partisan, 0.9, 0.1), 0.5)
    loud = Answers(np.where(world.rows.of("berita"), 0.9, careful.scores), 0.5)
    result = compare(rows, loud, careful)
    news = next(found for found in result.sources if found.source == "berita")
    assert not news.judged
    assert any(reason.startswith("berita: ") and "McNemar" in reason for reason in result.reasons)


def test_the_same_rows_give_the_same_bytes_and_undefined_figures_are_null():
    world = build()
    partisan = world.rows.partisan & ~world.rows.of("berita")
    rows = LabelledRows(partisan, world.rows.sources, world.rows.sides)
    first, second = (compare(rows, world.champion, world.champion).as_json() for _ in range(2))
    assert canonical_json(first) == canonical_json(second)
    news = next(found for found in first["sources"] if found["source"] == "berita")
    assert news["measures"]["auc"] == {"challenger": None, "champion": None, "low": None, "high": None}


def test_sides_are_counted_by_contest_and_small_ones_shown_but_not_judged():
    partisan = np.zeros(160, bool)
    flags = np.arange(160) % 10 == 0
    sides = [(PILBUP, 1)] * 60 + [(PILBUP, 2)] * 60 + [(PILBUP, 3)] * 10 + [(PILKADES, 1)] * 10 + [None] * 20
    pilbup, pilkades = false_positives_by_side(flags, partisan, sides)
    assert [(side.number, side.rows, side.flagged, side.measured) for side in pilbup.sides] == [
        (1, 60, 6, True),
        (2, 60, 6, True),
        (3, 10, 1, False),
    ]
    assert pilbup.gap == 0.0
    assert 0 <= pilbup.low <= pilbup.high < 0.2
    assert pilkades.gap is None


def test_partisan_rows_say_nothing_of_false_positives():
    partisan = np.arange(120) % 2 == 0
    sides = [(PILBUP, 1 + at // 2 % 2) for at in range(120)]
    (found,) = false_positives_by_side(partisan, partisan, sides)
    assert all(side.flagged == 0 for side in found.sides)


@pytest.fixture
def labelled(tmp_path):
    """A labelled file of two sources."""

    def write(*lines):
        path = tmp_path / "berlabel.csv"
        path.write_text("\n".join(["id,text,label,source", *lines]) + "\n", encoding="utf-8")
        return path

    return write


def test_a_row_counts_for_a_side_only_if_it_names_no_other(labelled, contest):
    path = labelled(
        "1,Bang Wirya meresmikan pasar,none,grup",
        "2,Debat Bang Wirya lawan Mas Lokan,none,grup",
        "3,Hujan lagi,none,grup",
        "4,Golkar menggelar rapat,none,grup",
    )
    _, rows = read_comparable(path, {"grup": contest})
    assert rows.sides == [(contest.name, 1), None, None, None]


def test_a_source_without_a_contest_and_an_empty_file_are_refused(labelled, contest):
    with pytest.raises(BadInput, match="komentar"):
        read_comparable(labelled("1,halo,none,komentar"), {"grup": contest})
    with pytest.raises(BadInput, match="no rows"):
        read_comparable(labelled(), {"grup": contest})


def test_scores_come_back_in_the_order_of_the_rows(labelled, contest, model):
    path = labelled("1,Hujan lagi,none,a", "2,Ayo pilih Bang Wirya!,support,b", "3,Hujan lagi,none,a")
    texts, _ = read_comparable(path, {"a": contest, "b": contest})
    told = []
    answers = answers_of(model, texts, {"a": contest, "b": contest}, told.append)
    expected = [score.score for score in model.assess([row.text for row in texts], contest, explain=False)]
    assert answers.scores.tolist() == expected
    assert expected[1] > expected[0] == expected[2]
    assert sum(told) == 3
