"""Labels and samples at the command line: written whole and logged, or one clear line and nothing."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import select

from classifier.labels.exchange.formats import FORMATS
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.database import open_database
from models.log import LogEntry
from models.posts import PostVersion, Sighting

ROW = {"id": "a", "masked": "Ayo CALON_1", "act": "support", "voice": "own", "source": "verdict", "readers": 2}


@pytest.fixture
def office(netra, key_file, build_world):
    """An initialised home with the small world and three assessed posts."""
    home = key_file.parent
    assert netra("init", "--home", home)[0] == 0
    database = open_database(f"sqlite:///{home}/netra.sqlite")
    world = build_world(database)
    posts = world.store("Ayo CALON_1", "kabar hujan", "jadwal debat")
    with database.write() as session:
        findings = []
        for post in posts:
            version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
            finding = Finding(0.3, flagged=False, act=Act.NONE, voice=Voice.OWN, targets=[], masked=version.text,
                              spans=[])  # fmt: skip
            findings.append((session.get_one(Sighting, (post.id, world.mandate.id)), version, finding))
        store_assessments(session, findings, ModelIdentity("m", "1", "0" * 64, 0.5), actor="test")
    yield home, database
    database.close()


def logged(database, action):
    with database.read() as session:
        entries = session.scalars(select(LogEntry.entry).where(LogEntry.action == action))
        return [json.loads(entry)["facts"] for entry in entries]


@pytest.mark.parametrize("fmt", FORMATS)
def test_suggestions_are_written_in_every_format_and_logged(netra, office, fmt):
    home, database = office
    out = home / "next"
    code, _, error = netra("labels", "suggest", "--count", 2, "--format", fmt, "--out", out, "--home", home)
    assert code == 0, error
    assert "2 teks" in error
    (facts,) = logged(database, "labels.suggested")
    assert facts == {"rows": 2, "sha256": hashlib.sha256(out.read_bytes()).hexdigest()}


def test_an_export_without_labels_is_an_empty_file_and_logged(netra, office):
    home, database = office
    out = home / "labels.jsonl"
    code, _, error = netra("export", "labels", "--out", out, "--since", "2026-01-31", "--home", home)
    assert code == 0, error
    assert "0 baris label" in error
    assert out.read_bytes() == b""
    assert len(logged(database, "labels.exported")) == 1


@pytest.mark.parametrize("command", [("export", "labels"), ("labels", "suggest", "--count", 1)])
def test_a_wrong_format_writes_and_logs_nothing(netra, office, command):
    home, database = office
    code, _, error = netra(*command, "--format", "xml", "--out", home / "x", "--home", home)
    assert code == 2
    assert error == "netra: no label format 'xml'; there are jsonl, label-studio, argilla, doccano\n"
    assert not (home / "x").exists()
    assert logged(database, "labels.exported") == logged(database, "labels.suggested") == []


def test_what_cannot_be_written_is_not_logged(netra, office):
    home, database = office
    code, _, error = netra("export", "labels", "--out", home / "missing" / "x", "--home", home)
    assert code == 2
    assert "cannot write" in error
    assert logged(database, "labels.exported") == []


def test_annotations_come_back_as_rows(netra, tmp_path):
    given, out = tmp_path / "given.jsonl", tmp_path / "out.jsonl"
    given.write_text(json.dumps(ROW) + "\n")
    code, _, error = netra("labels", "import", given, "--out", out)
    assert (code, error) == (0, "1 baris label; 0 belum berlabel, 0 diperselisihkan\n")
    assert json.loads(out.read_text()) == ROW


@pytest.mark.parametrize("command", [("import", "--out", "x"), ("suspects",)])
def test_a_wrong_file_is_one_line_naming_the_place(netra, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    given = tmp_path / "given.jsonl"
    given.write_text(json.dumps(ROW) + "\n{}\n")
    code, out, error = netra("labels", command[0], given, *command[1:])
    assert (code, out) == (2, "")
    assert error.startswith(f"netra: {given}:2: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_suspects_need_rows_of_both_kinds(netra, tmp_path):
    given = tmp_path / "given.jsonl"
    given.write_text(json.dumps(ROW) + "\n")
    code, _, error = netra("labels", "suspects", given)
    assert code == 2
    assert error.startswith(f"netra: {given}: at least 10 rows")


def test_suspects_are_listed_without_what_a_terminal_takes_for_orders(netra, tmp_path):
    texts = [("partisan", f"pilih CALON_1 kawan {n}") for n in range(40)]
    texts += [("none", f"harga cabai naik {n} \u001b[31m") for n in range(40)]
    texts += [("none", "terima kasih CALON_1"), ("partisan", "terima kasih hujan")] * 4
    texts += [("none", "pilih CALON_1 kawan semua \u001b[2J")]
    rows = [{**ROW, "id": f"r{n}", "act": act, "masked": text} for n, (act, text) in enumerate(texts)]
    given = tmp_path / "given.jsonl"
    given.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, error = netra("labels", "suspects", given)
    assert code == 0, error
    assert "\tnone -> partisan\tr88\tpilih CALON_1 kawan semua" in out
    assert "\u001b" not in out


def test_a_draw_is_logged_with_its_seed_and_recall_waits_for_readers(netra, office):
    home, database = office
    assert "belum ada sampel" in netra("sample", "recall", "--home", home)[1]
    code, out, error = netra("sample", "draw", "--count", 2, "--home", home)
    assert code == 0, error
    assert "2 dari 3 unggahan" in out
    (facts,) = logged(database, "sample.drawn")
    assert facts["seed"] in out
    line = netra("sample", "recall", "--home", home)[1]
    assert "2 diundi, 0 disepakati, 0 berbeda, 2 menunggu" in line
    assert "recall belum cukup data" in line


@pytest.mark.parametrize(("options", "words"), [(("--mandate", "x"), "x"), (("--count", "0"), "1 to 1000")])
def test_a_wrong_draw_is_refused(netra, office, options, words):
    home, database = office
    code, _, error = netra("sample", "draw", *options, "--home", home)
    assert code == 2
    assert words in error
    assert logged(database, "sample.drawn") == []
