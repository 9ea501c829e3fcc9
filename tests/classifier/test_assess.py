"""The shipped model: what it says, and what may not change what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifier.assess import Model, load_model
from classifier.network.checkpoint import FILES, checkpoint_sha256
from classifier.shipped import SHIPPED
from models.contest import ContestSpec
from models.errors import BadInput

PARTISAN = [
    "Ayo coblos nomor 2, Tegar Lokananta pasti menang! #LokanantaMenang",
    "Wirya Sanjata orangnya jujur dan merakyat, saya pilih beliau lagi 🙏",
    "Jangan pilih Basuni, tukang bohong, lima tahun nggak kerja apa-apa",
    "Dukung penuh Wirya-Nimas, salam satu jari!",
]
NEUTRAL = [
    "Hujan dari subuh, jemuran nggak kering-kering",
    "KPU mengimbau warga memeriksa daftar pemilih tetap sebelum hari pemungutan suara",
    "ASN wajib netral, dilarang mendukung salah satu pasangan calon",
    "Jadwal debat Wirya Sanjata dan Tegar Lokananta diumumkan Jumat",
    "Jalan di depan pasar rusak parah, kapan diperbaiki pemda?",
]
SENTENCES = (
    "Ayo dukung {0}, lebih baik dari {1}!",
    "{0} bohong terus, mending {1}",
    "Survei: {0} 41 persen, {1} 39 persen",
    "saya ketemu {0} di pasar, {1} tidak datang",
)
NAMES = ("Wirya Sanjata", "Tegar Lokananta", "Basuni Harkala")


def test_clear_cases_fall_on_their_side_of_the_threshold(model: Model, contest: ContestSpec) -> None:
    flagged = [score.flag for score in model.assess([*PARTISAN, *NEUTRAL], contest, explain=False)]
    assert flagged == [True] * len(PARTISAN) + [False] * len(NEUTRAL)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SENTENCES), st.permutations(NAMES), st.permutations(NAMES))
def test_exchanging_candidates_changes_no_score(
    model: Model, contest: ContestSpec, sentence: str, first: list[str], second: list[str]
) -> None:
    (one,), (other,) = (model.assess([sentence.format(*names)], contest, explain=False) for names in (first, second))
    assert (one.score, one.act, one.voice, one.masked) == (other.score, other.act, other.voice, other.masked)
    assert [target.stance for target in one.targets] == [target.stance for target in other.targets]


def test_a_score_does_not_depend_on_the_posts_beside_it(contest: ContestSpec) -> None:
    texts = [*PARTISAN, *NEUTRAL]
    together = load_model().assess(texts, contest, explain=False)
    fresh = load_model()  # another, or the cache would answer
    alone = [fresh.assess([text], contest, explain=False)[0] for text in reversed(texts)]
    assert together == alone[::-1]


def test_order_is_kept_and_copies_score_alike(model: Model, contest: ContestSpec) -> None:
    texts = [NEUTRAL[0], PARTISAN[0], NEUTRAL[0], PARTISAN[1], PARTISAN[0]]
    scores = model.assess(texts, contest, explain=False)
    alone = [model.assess([text], contest, explain=False)[0] for text in texts]
    assert scores == alone
    assert scores[0] == scores[2]
    assert scores[1] == scores[4]


def test_targets_are_resolved_to_names_with_a_stance(model: Model, contest: ContestSpec) -> None:
    (score,) = model.assess([PARTISAN[0]], contest)
    assert [target.name for target in score.targets] == ["Tegar Lokananta – Ratmi Suhandari"]
    assert score.targets[0].stance == "favor"
    (score,) = model.assess([PARTISAN[2]], contest)
    assert score.targets[0].stance == "against"
    assert score.act == "attack"


def test_spans_point_at_words_of_the_original(model: Model, contest: ContestSpec) -> None:
    text = "Hujan deras sore ini. Ayo c0blos n0mor 2️⃣ Tegar Lokananta!! 🙏🙏"
    (score,) = model.assess([text], contest)
    assert score.flag
    assert score.spans
    for start, end, weight in score.spans:
        assert 0 <= start < end <= len(text)
        assert weight > 0


@pytest.mark.parametrize(
    "text",
    ["", " \n ", "\u202e\u200b", "#pagi #senin #hujan", "a" * 10_000, "hujan deras " * 900, "😂" * 5_000, "\x00\ud800"],
)
def test_odd_texts_are_scored_and_not_flagged(model: Model, contest: ContestSpec, text: str) -> None:
    (score,) = model.assess([text], contest)
    assert 0 <= score.score <= 1
    assert not score.flag


def test_nothing_asked_gives_nothing(model: Model, contest: ContestSpec) -> None:
    assert model.assess([], contest) == []


def test_disguised_words_score_as_the_plain_ones(model: Model, contest: ContestSpec) -> None:
    plain, disguised = model.assess(
        ["Ayo coblos paslon 2 Tegar Lokananta", "Ayo c0blos p4sl0n 2 Tеgаr Lo\u200bkananta"], contest, explain=False
    )
    assert plain == disguised


def test_the_first_look_reads_what_it_would_read_alone_and_flags_nothing(contest: ContestSpec) -> None:
    everyday = [
        f"{text} {number}" for number in range(300) for text in (NEUTRAL[0], "Selamat pagi semua, semoga sehat")
    ]
    model = load_model()
    scores = model.assess([*everyday, *PARTISAN], contest, explain=False)
    assert model.audit.passed > len(everyday) / 2
    assert model.audit.audited > 0
    assert not any(score.flag for score in scores[: len(everyday)])
    assert all(score.flag for score in scores[len(everyday) :])
    fresh = load_model()
    assert [fresh.assess([text], contest, explain=False)[0] for text in everyday[:40]] == scores[:40]


def test_many_posts_are_explained_as_each_alone(contest: ContestSpec) -> None:
    together = load_model().assess(PARTISAN, contest)
    fresh = load_model()
    assert [fresh.assess([text], contest)[0] for text in PARTISAN] == together


def test_only_the_expected_weights_are_loaded() -> None:
    assert load_model(SHIPPED, checkpoint_sha256(SHIPPED)).threshold > 0
    with pytest.raises(BadInput, match="SHA-256"):
        load_model(SHIPPED, "0" * 64)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_model_is_refused(tmp_path: Path, name: str) -> None:
    directory = tmp_path / "netra-id-small"
    directory.mkdir()
    for other in FILES:
        (directory / other).symlink_to(SHIPPED / other)
    (directory / name).unlink()
    (directory / name).write_bytes(b"{")
    with pytest.raises(BadInput):
        load_model(directory)
    (directory / name).unlink()
    with pytest.raises(BadInput, match=name):
        load_model(directory)


def test_the_shipped_weights_stay_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 80_000_000
