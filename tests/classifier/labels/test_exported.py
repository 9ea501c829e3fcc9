"""Label rows: read with errors that name the place, and turned into training examples."""

from __future__ import annotations

import json

import pytest

from classifier.labels.corpus import STANCES, VOICES
from classifier.labels.exported import LabelRow, read_label_rows, row_lines
from classifier.network.model import PARTISAN_ACTS
from classifier.training.examples import NO_ACT
from classifier.training.verdicts import example_of_row, verdict_examples
from models.errors import BadInput

ROW = {"id": "abc", "masked": "Ayo pilih CALON_1", "act": "support", "voice": "own", "source": "verdict", "readers": 2}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.jsonl"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", ["JSON"]),
        (b"[]", ["object"]),
        (b"\xff\n", ["JSON"]),
        (lines({**ROW, "act": "praise"}), ["act"]),
        (lines({**ROW, "voice": 3}), ["voice"]),
        (lines({**ROW, "account": "@sari"}), ["account"]),
        (lines({**ROW, "readers": 0}), ["readers"]),
        (lines({**ROW, "masked": ""}), ["masked"]),
        (lines({**ROW, "id": "https://example.invalid/1"}), ["id"]),
        (lines({**ROW, "stances": {"CALON_2": "favor"}}), ["CALON_2", "slot"]),
        (lines({**ROW, "stances": {"pilih": "favor"}}), ["slot"]),
        (lines({**ROW, "stances": {"CALON_1": "loves"}}), ["stances"]),
        (lines({**ROW, "masked": "\ud800"}), ["JSON"]),
        (b'{"id": "' + b"a" * 1_000_001, ["longer"]),
        (b"[" * 100_000, []),
    ],
)
def test_a_wrong_line_is_named_with_its_number(path, content, words):
    path.write_bytes(lines({**ROW, "id": "first"}) + b"\n" + content)
    with pytest.raises(BadInput) as refused:
        list(read_label_rows(path))
    assert refused.value.line == 3
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_an_id_stands_once(path):
    path.write_bytes(lines(ROW, ROW))
    with pytest.raises(BadInput, match=r":2: id abc stands twice"):
        list(read_label_rows(path))


def test_a_missing_file_is_one_line(path):
    with pytest.raises(BadInput, match="cannot read"):
        list(read_label_rows(path))


def test_what_is_absent_is_not_written():
    (line,) = row_lines([LabelRow.model_validate(ROW)])
    assert json.loads(line) == ROW


def test_every_row_teaches_what_it_says_and_nothing_more(path):
    path.write_bytes(
        lines(
            {**ROW, "stances": {"CALON_1": "favor"}, "contest": "c1"},
            {**ROW, "id": "b", "act": "partisan", "contest": "c1"},
            {**ROW, "id": "c", "act": "none", "voice": "news"},
        )
    )
    support, partisan, none = verdict_examples(path)
    assert (support.text, support.partisan) == ("Ayo pilih CALON_1", True)
    assert PARTISAN_ACTS[support.act] == "support"
    assert support.stances == {"CALON_1": STANCES.index("favor")}
    assert (partisan.partisan, partisan.act) == (True, NO_ACT)
    assert (none.partisan, none.act, VOICES[none.voice]) == (False, NO_ACT, "news")
    assert support.group == partisan.group != none.group


def test_rows_are_masked_already_and_not_masked_again():
    row = LabelRow.model_validate({**ROW, "masked": "CALON_2 lebih baik dari CALON_1", "stances": {"CALON_2": "favor"}})
    assert example_of_row(row).text == row.masked
