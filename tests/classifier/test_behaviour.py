"""The behaviour suite blocks a release: what passes must go on passing, and what is known to fail must still fail.

After a training, `python -m classifier.evaluation.behaviour --write-known` brings the list of known failures up to
date; read what it changes before you commit it.
"""

from __future__ import annotations

import collections

import pytest

from classifier.evaluation.behaviour import (
    CONTESTS,
    Outcome,
    behave,
    pass_rates,
    read_cases,
    read_known,
    write_known,
)
from classifier.labels.corpus import read_posts, text_key
from models.contest import load_contest
from models.errors import BadInput

CAPABILITIES = [
    "support", "attack", "mobilise", "denial", "quote", "headline", "satire", "question", "official", "turnout",
    "policy", "pair-word-in", "pair-word-out", "number-emoji", "alay", "regional", "hidden", "empty", "long",
    "hashtags",
]  # fmt: skip

BESIDE = 0.01


@pytest.fixture(scope="module")
def outcomes(model) -> list[Outcome]:
    return behave(model, read_cases())


def test_the_suite_has_cases_enough_of_every_capability():
    counts = collections.Counter(case.capability for case in read_cases())
    assert list(counts) == CAPABILITIES
    assert min(counts.values()) >= 8


def test_every_invariance_holds(outcomes):
    assert [outcome for outcome in outcomes if outcome.case.test == "INV" and not outcome.passed] == []


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_exactly_the_known_cases_fail(outcomes, capability, model):
    (rate,) = [rate for rate in pass_rates(outcomes) if rate.capability == capability]
    failed = {outcome.case.id for outcome in rate.failed if outcome.case.test != "INV"}
    mine = {outcome.case.id for outcome in outcomes if outcome.case.capability == capability}
    # Processors round a little differently: a score beside the threshold may fall on either side of it.
    sure = {outcome.case.id for outcome in outcomes if abs(outcome.score - model.threshold) > BESIDE}
    assert failed & sure == read_known().keys() & mine & sure


def test_every_known_failure_names_a_case_that_may_fail_and_a_reason():
    may_fail = {case.id for case in read_cases() if case.test != "INV"}
    assert read_known().keys() <= may_fail
    assert all(read_known().values())


def test_what_is_flagged_has_an_act_and_what_is_not_is_neutral_to_all(model):
    cases = [case for case in read_cases() if case.contest == "lereng-manik"]
    contest = load_contest(CONTESTS / "lereng-manik.yaml")
    for score in model.assess([case.full_text for case in cases], contest, explain=False):
        assert score.flag == (score.act != "none")
        assert score.flag or {target.stance for target in score.targets} <= {"neutral"}


def test_the_corpus_holds_none_of_the_cases():
    learnt = {text_key(post.text) for post in read_posts()}
    everyday = {text_key("")}  # what has no words has nothing to learn by heart
    assert [case.id for case in read_cases() if text_key(case.full_text) in learnt - everyday] == []


def test_the_list_of_known_failures_leaves_invariances_out(outcomes, tmp_path):
    failed = [Outcome(outcome.case, passed=False, score=0.5, like=0.4) for outcome in outcomes]
    write_known(failed, tmp_path / "known.tsv")
    written = read_known(tmp_path / "known.tsv")
    assert written.keys() == {case.id for case in read_cases() if case.test != "INV"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id":"a"}', "1: Field required"),
        ('{"id":"a","capability":"x","contest":"y","text":"","expect":"any","test":"INV"}', "only they"),
        ('{"id":"a","capability":"x","contest":"y","text":"","expect":"any","test":"INV","like":"b"}', "no case b"),
        ('{"id":"a","capability":"x","contest":"y","text":"","expect":"any","test":"DIR","like":"a"}', "expects flag"),
    ],
)
def test_a_malformed_case_is_refused(tmp_path, line, words):
    path = tmp_path / "cases.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(BadInput, match=words):
        read_cases(path)
