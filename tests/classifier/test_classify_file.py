"""`netra classify`: whole output or none, and one clear line for what is malformed."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from classifier.assess import Model
from classifier.classify_file import BATCH, classify_file
from models.contest import ContestSpec
from models.errors import BadInput, StorageError

FIELDS = ["id", "score", "flag", "act", "voice", "targets", "masked", "spans", "model", "unsure"]


def _read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_csv_file_becomes_one_object_a_line_in_order(model: Model, contest: ContestSpec, tmp_path: Path) -> None:
    source, out = tmp_path / "posts.csv", tmp_path / "scores.jsonl"
    with source.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["unit", "id", "text"])
        writer.writerows(
            ["pasar", f"p{n}", 'Hujan,\n"deras" 🌧' if n % 2 else "Ayo pilih Tegar Lokananta!"] for n in range(BATCH + 9)
        )
    assert classify_file(source, contest, out, model, explain=False) == BATCH + 9
    rows = _read(out)
    assert [row["id"] for row in rows] == [f"p{n}" for n in range(BATCH + 9)]
    assert list(rows[0]) == ["id", "unit", *FIELDS[1:]]
    assert rows[0]["targets"] == [{"name": "Tegar Lokananta – Ratmi Suhandari", "stance": "favor"}]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".netra-")] == []


def test_json_lines_pass_other_keys_through(model: Model, contest: ContestSpec, tmp_path: Path) -> None:
    source, out = tmp_path / "posts.jsonl", tmp_path / "scores.jsonl"
    source.write_text('{"id": 7, "text": "hujan \\ud800", "tags": ["a"], "score": "old"}\n\n', encoding="utf-8")
    assert classify_file(source, contest, out, model) == 1
    (row,) = _read(out)
    assert row["id"] == 7
    assert row["tags"] == ["a"]
    assert isinstance(row["score"], float)


def test_standard_input_and_output_serve_as_files(
    model: Model, contest: ContestSpec, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b'{"id": "a", "text": "hujan"}\n')))
    )
    assert classify_file("-", contest, "-", model) == 1
    assert json.loads(capfdbinary.readouterr().out)["id"] == "a"


@pytest.mark.parametrize(
    ("name", "content", "line", "reason"),
    [
        ("a.csv", b"id,body\n1,x\n", 1, "no column text"),
        ("b.csv", b"", 1, "no column id"),
        ("c.csv", b"id,text\n1,x\n2\n", 3, "fields"),
        ("d.csv", b'id,text\n1,"open\n', 2, "malformed CSV"),
        ("e.csv", b"id,text\n1,x\x00y\n", 2, "NUL"),
        ("f.csv", b"id,text\n1,\xff\xfe\n", 2, "UTF-8"),
        ("g.csv", b"id,text\n1," + b"x" * 1_000_001 + b"\n", 2, "longer"),
        ("h.csv", b"id,id,text\n1,2,x\n", 1, "same name"),
        ("i.jsonl", b'{"id": 1, "text": "x"}\n{"id": 1\n', 2, "JSON"),
        ("j.jsonl", b"[1]\n", 1, "object"),
        ("k.jsonl", b'{"id": 1}\n', 1, "no column text"),
        ("l.jsonl", b'{"id": 1, "text": 5}\n', 1, "text a string"),
        ("m.jsonl", b'{"id": 1, "text": "x", "n": NaN}\n', 1, "JSON"),
        ("n.jsonl", b'{"id": 1, "text": "x", "n": 1e999}\n', 1, "JSON"),
        ("o.jsonl", b'{"id": true, "text": "x"}\n', 1, "id is"),
        ("p.jsonl", b"[" * 100_000 + b"\n", 1, "JSON"),
    ],
)
def test_malformed_input_is_refused_by_line_and_leaves_the_old_output(
    model: Model, contest: ContestSpec, tmp_path: Path, name: str, content: bytes, line: int, reason: str
) -> None:
    source, out = tmp_path / name, tmp_path / "scores.jsonl"
    source.write_bytes(content)
    out.write_text("old\n")
    with pytest.raises(BadInput, match=reason) as caught:
        classify_file(source, contest, out, model)
    assert (caught.value.path, caught.value.line) == (str(source), line)
    assert len(str(caught.value).splitlines()) == 1
    assert out.read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "scores.jsonl"])


def test_a_missing_source_or_folder_is_named(model: Model, contest: ContestSpec, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        classify_file(tmp_path / "nowhere.csv", contest, tmp_path / "out.jsonl", model)
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    with pytest.raises(StorageError, match="cannot write"):
        classify_file(tmp_path / "a.csv", contest, tmp_path / "no" / "out.jsonl", model)
