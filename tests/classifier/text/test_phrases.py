"""Phrases are found where spaCy's matcher finds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from classifier.text.lexicon import Form, Kind, contest_forms
from classifier.text.phrases import Phrases
from models.contest import ContestSpec

FEW_WORDS = st.sampled_from(["wirya", "nimas", "bu", "raka", "maju", "ampel"])
FORMS = st.lists(st.lists(FEW_WORDS, min_size=1, max_size=4).map(tuple), min_size=1, max_size=12, unique=True)
Spans = set[tuple[int, int]]


def _by_spacy(forms: list[tuple[str, ...]], words: list[str]) -> Spans:
    vocab = Vocab()
    matcher = PhraseMatcher(vocab, attr="ORTH")
    matcher.add("form", [Doc(vocab, words=list(form)) for form in forms])
    return {(start, end) for _label, start, end in matcher(Doc(vocab, words=words))}


def _by_us(forms: list[tuple[str, ...]], words: list[str]) -> list[tuple[int, int]]:
    found = Phrases(Form(form, Kind.CANDIDATE, 1) for form in forms).find(words)
    assert all(tuple(words[start:end]) == form.words for start, end, form in found)
    return [(start, end) for start, end, _form in found]


@given(FORMS, st.lists(FEW_WORDS, min_size=1, max_size=15))
def test_the_same_phrases_are_found_as_by_spacy(forms: list[tuple[str, ...]], words: list[str]) -> None:
    found = _by_us(forms, words)
    assert set(found) == _by_spacy(forms, words)
    assert len(found) == len(set(found))


@given(st.data())
def test_the_forms_of_a_contest_are_found_as_by_spacy(contest: ContestSpec, data: st.DataObject) -> None:
    forms = [form.words for form in contest_forms(contest)]
    known = st.sampled_from(forms).map(list) | st.sampled_from(["hujan", "dan", "□"]).map(lambda word: [word])
    words = [word for part in data.draw(st.lists(known, min_size=1, max_size=6)) for word in part]
    assert set(_by_us(forms, words)) == _by_spacy(forms, words)


@pytest.mark.parametrize("words", [[], ["hujan"]])
def test_no_phrase_is_found_where_none_stands(words: list[str]) -> None:
    assert _by_us([("wirya", "sanjata")], words) == []


def test_the_longest_come_first_then_the_first() -> None:
    forms = [("wirya",), ("wirya", "sanjata"), ("nimas",)]
    assert _by_us(forms, ["nimas", "wirya", "sanjata", "wirya"]) == [(1, 3), (0, 1), (1, 2), (3, 4)]
