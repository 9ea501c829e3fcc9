"""What a post's act and its slots say of the sides it names."""

from __future__ import annotations

import pytest

from classifier.labels.corpus import STANCES
from classifier.network.model import PARTISAN_ACTS
from classifier.network.stance import resolve_stances
from classifier.training.examples import NO_ACT, Example
from classifier.training.opposed import opposed_pairs

NEUTRAL, FAVOR, AGAINST = (tuple(float(place == stance) for place in range(3)) for stance in range(3))


def test_who_takes_no_side_is_neutral_to_all() -> None:
    assert resolve_stances("none", {"a": [FAVOR], "b": [AGAINST]}) == {"a": "neutral", "b": "neutral"}


@pytest.mark.parametrize(("act", "stance"), [("support", "favor"), ("mobilise", "favor"), ("attack", "against")])
def test_the_act_says_how_an_author_stands_to_the_one_side_named(act: str, stance: str) -> None:
    assert resolve_stances(act, {"a": [NEUTRAL]}) == {"a": stance}


def test_several_sides_are_told_apart_by_their_slots() -> None:
    sides = {"a": [FAVOR, NEUTRAL, FAVOR], "b": [AGAINST], "c": []}
    assert resolve_stances("support", sides) == {"a": "favor", "b": "against", "c": "neutral"}


def _post(text: str, act: str, slots: dict[str, str], group: str = "x") -> Example:
    stances = {slot: STANCES.index(stance) for slot, stance in slots.items()}
    return Example(text, True, PARTISAN_ACTS.index(act) if act else NO_ACT, 0, stances, group)  # noqa: FBT003


PRAISE = _post("CALON_1 jujur, NOMOR_1", "support", {"CALON_1": "favor", "NOMOR_1": "favor"})
BLAME = _post("CALON_1 bohong", "attack", {"CALON_1": "against"})


def test_praise_and_blame_of_one_writer_become_a_pair_with_two_sides() -> None:
    (pair,) = opposed_pairs([PRAISE, BLAME], 9, seed=1)
    names = {FAVOR_FIRST, BLAME_FIRST}
    assert pair.text in names
    assert set(pair.stances.values()) == {STANCES.index("favor"), STANCES.index("against")}
    assert all(slot in pair.text for slot in pair.stances)
    assert not pair.measured


FAVOR_FIRST = "CALON_1 jujur, NOMOR_1 CALON_2 bohong"
BLAME_FIRST = "CALON_1 bohong CALON_2 jujur, NOMOR_2"


@pytest.mark.parametrize(
    "other",
    [
        _post("CALON_1 bohong", "attack", {"CALON_1": "against"}, group="y"),
        _post("CALON_2 bohong, CALON_1 tidak", "attack", {"CALON_1": "favor", "CALON_2": "against"}),
        _post("CALON_1 jujur", "support", {"CALON_1": "favor"}),
        _post("CALON_1 " + "bohong " * 40, "attack", {"CALON_1": "against"}),
    ],
)
def test_other_posts_are_not_joined(other: Example) -> None:
    assert list(opposed_pairs([PRAISE, other], 9, seed=1)) == []
