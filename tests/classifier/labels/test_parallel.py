"""Posts in several languages belong to the corpus, say the same names, and are never trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.labels.corpus import LabelledPost, read_posts
from classifier.labels.parallel import LANGUAGES, read_translations
from classifier.training.examples import example_of
from classifier.training.train import Sources
from models.errors import BadInput


@pytest.fixture(scope="module")
def originals() -> dict[str, LabelledPost]:
    translations = read_translations()
    return {post.id: post for post in read_posts() if post.id in translations}


def test_there_are_enough_and_half_of_them_take_a_side(originals: dict[str, LabelledPost]) -> None:
    assert originals.keys() == read_translations().keys()
    assert len(originals) >= 150
    assert sum(post.partisan for post in originals.values()) == len(originals) / 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_names_whom_the_post_names(originals: dict[str, LabelledPost], language: str) -> None:
    for id_, translations in read_translations().items():
        translated = translations.of(originals[id_], language)
        assert all(mention.text in translated.text for mention in translated.mentions), id_
        assert translated.text != originals[id_].text


def test_none_of_them_is_trained_on(originals: dict[str, LabelledPost], tmp_path: Path) -> None:
    some = list(originals.values())[:5]
    path = tmp_path / "posts.jsonl"
    path.write_text("".join(post.model_dump_json(by_alias=True) + "\n" for post in some), encoding="utf-8")
    assert example_of(some[0]).text
    assert Sources(corpus=path).examples(seed=1) == []


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "parallel.jsonl"
    path.write_text('{"id": "x", "jv": "a", "su": "b"}\n', encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_translations(path)
    assert caught.value.line == 1
