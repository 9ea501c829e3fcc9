"""The linear model scores as its definition says, however fast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.network.linear import LinearModel, fit_linear, terms

POSTS = (
    "ayo coblos CALON_1 lanjutkan", "dukung CALON_1 dan PARTAI_1", "jangan pilih CALON_2 pembohong", "CALON_1 menang!!",
    "hujan dari subuh", "jemuran tidak kering kering", "jalan depan pasar rusak", "KPU umumkan jadwal debat",
)  # fmt: skip
WORDS = st.sampled_from(["ayo", "coblos", "CALON_1", "hujan", "kering", "pasar!!", "😂", "a", "é", "x" * 60])
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=60)


@pytest.fixture(scope="module")
def linear() -> LinearModel:
    return fit_linear(POSTS, [True] * 4 + [False] * 4)


def _by_definition(model: LinearModel, text: str) -> float:
    known = {term: count for term, count in terms(text).items() if term in model.index}
    values = {term: (1 + math.log(count)) * float(model.idf[model.index[term]]) for term, count in known.items()}
    norm = math.sqrt(sum(value * value for value in values.values())) or 1.0
    return sum(value * float(model.weights[model.index[term]]) for term, value in values.items()) / norm


@given(st.lists(TEXTS, max_size=5))
def test_scores_are_those_of_the_definition(linear: LinearModel, texts: list[str]) -> None:
    expected = [_by_definition(linear, text) + linear.intercept for text in texts]
    assert linear.logits(texts) == pytest.approx(expected, abs=1e-5)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_a_score_does_not_depend_on_what_was_scored_before(linear: LinearModel, texts: list[str]) -> None:
    fresh = LinearModel(linear.index, linear.idf, linear.weights, linear.intercept)
    assert np.array_equal(fresh.logits(texts[-1:]), linear.logits(texts)[-1:])


def test_words_kept_for_the_next_text_are_bounded(linear: LinearModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.network.linear._KEPT_UNITS", 10)
    fresh = LinearModel(linear.index, linear.idf, linear.weights, linear.intercept)
    texts = [f"kata{number} coblos" for number in range(100)]
    assert np.array_equal(fresh.logits(texts), linear.logits(texts))
    assert len(fresh._of_unit) <= 10
