"""Labels of real tweets: read strictly, used where two readers agree, never for what is kept for evaluation."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from classifier.labels.pool import LABELS, UNDECIDABLE, read_readings
from classifier.training.tweets import pool_examples
from models.contest import ContestSpec
from models.errors import BadInput

HEAD = "id\tact\tvoice\tsecond_act\tsecond_voice\n"
TEXTS = {
    "t1": "Dukung Wirya Sanjata!",
    "t2": "dukung  Wirya Sanjata!",
    "t3": "Wirya Sanjata ke pasar",
    "t4": "Entah ya",
    "t5": "Lokananta bohong terus",
}
LINES = (
    "t1\tsupport\town\tsupport\town\n"
    "t2\tsupport\town\tmobilise\town\n"
    "t3\tnone\tnews\tnone\tnews\n"
    f"t4\t{UNDECIDABLE}\town\tnone\town\n"
    "t5\tattack\town\tnone\town\n"
)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("id", "text"), *TEXTS.items()])
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.tsv"
    path.write_text(HEAD + LINES, encoding="utf-8")
    return path


def test_the_list_holds_ids_and_labels_and_no_text() -> None:
    readings = list(read_readings())
    assert len(readings) == len({each.id for each in readings}) >= 3_000
    assert all(re.fullmatch(r"pg2023-\d+", each.id) for each in readings)
    assert sum(each.agreed for each in readings) > 2_400
    assert set(LABELS.read_text(encoding="utf-8").splitlines()[0].split("\t")) == set(HEAD.strip().split("\t"))


def test_only_what_both_readers_agree_on_is_learnt(texts: Path, labels: Path, contest: ContestSpec) -> None:
    found = pool_examples(texts, contest, labels)
    assert {example.text: example.partisan for example in found} == {
        "Dukung CALON_1!": True,
        "dukung CALON_1!": True,
        "CALON_1 ke pasar": False,
    }
    assert [example.act for example in found] == [0, -1, -1]


def test_both_classes_weigh_alike(texts: Path, labels: Path, contest: ContestSpec) -> None:
    weights = {True: 0.0, False: 0.0}
    for example in pool_examples(texts, contest, labels):
        weights[example.partisan] += example.weight
    assert weights[True] == pytest.approx(weights[False])


@pytest.mark.parametrize(
    ("line", "reason"), [("t9\tsupport\town\n", "columns"), ("t9\tlove\town\tnone\town\n", "label")]
)
def test_a_malformed_line_is_named(labels: Path, line: str, reason: str) -> None:
    labels.write_text(HEAD + line, encoding="utf-8")
    with pytest.raises(BadInput, match=reason) as caught:
        list(read_readings(labels))
    assert caught.value.line == 2


def test_a_label_without_text_is_refused(texts: Path, labels: Path, contest: ContestSpec) -> None:
    labels.write_text(HEAD + "t9\tnone\town\tnone\town\n", encoding="utf-8")
    with pytest.raises(BadInput, match="t9"):
        pool_examples(texts, contest, labels)


def test_a_text_kept_for_evaluation_is_refused(
    texts: Path, labels: Path, contest: ContestSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.training.tweets.is_excluded", lambda text: text == TEXTS["t3"])
    with pytest.raises(BadInput, match="evaluation"):
        pool_examples(texts, contest, labels)
