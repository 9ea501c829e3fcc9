"""`netra evaluate` at the command line."""

from __future__ import annotations

import json
import re

import pytest

ROWS = (
    ("Ayo coblos Raka nomor 1, menangkan!", "partisan_support"),
    ("Jangan pilih Lodra, janjinya bohong semua", "partisan_attack"),
    ("Debat Raka lawan Lodra jam berapa?", "non_partisan"),
    ("Hujan lagi, jemuran basah semua", "non_partisan"),
)
CAPACITY = ("--capacity", 40, "--posts-a-day", 5_000)


@pytest.fixture
def labelled(tmp_path):
    """A labelled file of one source."""
    path = tmp_path / "berlabel.csv"
    lines = [f'{number},"{text}",{label},grup' for number, (text, label) in enumerate(ROWS * 6)]
    path.write_text("\n".join(["id,text,label,source", *lines]) + "\n")
    return path


@pytest.fixture
def contest(tmp_path, contest_spec):
    """`--contest` for that source."""
    path = tmp_path / "pilbup.yaml"
    path.write_text(contest_spec.model_dump_json(by_alias=True))
    return "--contest", f"grup={path}"


def _refused(result, *words):
    code, _, error = result
    assert code == 2, error
    assert len(error.strip().splitlines()) == 1, error
    for word in words:
        assert word in error


def test_a_card_is_printed_and_all_files_are_written_where_asked(netra, labelled, contest, tmp_path):
    code, printed, error = netra("evaluate", labelled, *contest, *CAPACITY, "--prevalence", "0.01")
    assert code == 0, error
    assert "# Kartu evaluasi: netra-id-small@" in printed
    assert "| grup | 24 (12) |" in printed
    assert "telaah sehari" in printed
    out = tmp_path / "hasil"
    code, _, error = netra("evaluate", labelled, *contest, "--out", out)
    assert code == 0, error
    assert {file.name for file in out.iterdir()} == {
        "card.md", "metrics.json", "reliability.svg", "precision_recall.svg",
    }  # fmt: skip
    assert json.loads((out / "metrics.json").read_bytes())["groups"]["all"]["Semua"]["rows"] == 24
    assert (out / "reliability.svg").read_text().startswith("<svg")


def test_the_behaviour_suite_prints_a_pass_rate_for_each_capability(netra):
    code, printed, error = netra("evaluate", "--behaviour")
    assert code == 0, error
    assert "| headline | " in printed
    assert "| denial | " in printed


def test_what_is_missing_or_wrong_is_one_clear_line(netra, labelled, contest, tmp_path):
    _refused(netra("evaluate"), "labelled file")
    _refused(netra("evaluate", labelled), "no contest given for grup")
    _refused(netra("evaluate", labelled, "--contest", "grup"), "SOURCE=FILE")
    _refused(netra("evaluate", labelled, *contest, *CAPACITY), "--prevalence")
    _refused(netra("evaluate", labelled, *contest, *CAPACITY, "--prevalence", "nan"), "out of range")
    _refused(netra("evaluate", labelled, *contest, "--out", labelled), "no directory")
    _refused(netra("evaluate", labelled, *contest, "--model", tmp_path), str(tmp_path))


def test_regional_languages_stand_beside_indonesian(netra):
    code, printed, error = netra("evaluate", "--languages")
    assert code == 0, error
    for language in ("jv", "su", "bjn"):
        assert re.search(rf"^\| {language} \| 0,9\d\d \| 0,[89]\d\d \| -?0,[01]\d\d \(", printed, re.MULTILINE), printed
