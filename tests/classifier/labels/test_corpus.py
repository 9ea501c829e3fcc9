"""The corpus keeps to its guideline and away from what it is measured on."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from classifier.labels.corpus import (
    CORPUS,
    LabelledPost,
    excluded_keys,
    is_excluded,
    own_contest,
    read_posts,
    shingle_keys,
    text_key,
)
from classifier.training.examples import example_of
from models.errors import BadInput


@pytest.fixture(scope="module")
def posts() -> list[LabelledPost]:
    return list(read_posts())


def test_it_is_large_enough_and_half_of_it_is_neutral(posts: list[LabelledPost]) -> None:
    assert len(posts) >= 8_000
    assert sum(not post.partisan for post in posts) >= 0.45 * len(posts)
    assert len({post.genre for post in posts}) >= 14
    assert len({post.contest for post in posts} - {""}) >= 40


def test_every_post_was_read_twice(posts: list[LabelledPost]) -> None:
    assert [post.id for post in posts if post.second is None] == []
    assert [post.id for post in posts if post.second and post.partisan != (post.second.act != "none")] == []


def test_names_do_not_tell_the_label(posts: list[LabelledPost]) -> None:
    neutral = [post for post in posts if not post.partisan]
    assert sum(bool(post.mentions) for post in neutral) >= 0.4 * len(neutral)


def test_no_evaluation_text_is_in_it(posts: list[LabelledPost]) -> None:
    assert len(excluded_keys()) > 1_000
    assert [post.id for post in posts if is_excluded(post.text)] == []


def test_a_nearly_equal_copy_of_an_evaluation_text_is_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = "kemarin sore saya antre bensin sampai hujan turun deras sekali di depan pasar"
    monkeypatch.setattr("classifier.labels.corpus._excluded_shingles", lambda: shingle_keys(kept))
    assert is_excluded(kept.replace("saya", "kami").upper() + "!!")
    assert not is_excluded("kemarin sore saya antre bensin lalu pulang karena ban bocor di jalan desa")


def test_no_post_is_there_twice(posts: list[LabelledPost]) -> None:
    assert len({post.id for post in posts}) == len(posts)
    assert len({text_key(post.text) for post in posts}) == len(posts)


def test_a_copy_in_other_dress_has_the_same_key() -> None:
    assert text_key("Ayo COBLOS nomor 2!!") == text_key("ayo  cоblos\u200b nomor 2")
    assert text_key("ayo coblos nomor 2") != text_key("ayo coblos nomor 3")


def test_stances_agree_with_acts(posts: list[LabelledPost]) -> None:
    for post in posts:
        if not post.partisan:
            assert {mention.stance for mention in post.mentions} <= {"neutral"}, post.id


def test_masking_by_own_mentions_hides_nearly_all_names(posts: list[LabelledPost]) -> None:
    counts: collections.Counter[bool] = collections.Counter()
    for post in posts[::7]:
        masked = example_of(post).text.lower()
        counts.update(mention.text.lower() in masked for mention in post.mentions if mention.kind == "candidate")
    assert counts[True] <= 0.02 * counts.total()


def test_the_contest_of_a_post_takes_three_numbers(posts: list[LabelledPost]) -> None:
    assert all(len(own_contest(post).candidates) >= 3 for post in posts[::50])


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text(
        (CORPUS / "posts.jsonl").read_text(encoding="utf-8").splitlines()[0] + '\n{"id": 1}\n', encoding="utf-8"
    )
    with pytest.raises(BadInput) as caught:
        list(read_posts(path))
    assert caught.value.line == 2
