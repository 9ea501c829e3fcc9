"""Commands are imported when they are named, and all are known."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
import typer
from typer.main import get_group

from pipeline.cli import ROOMS

HEAVY = ("alembic", "fastapi", "playwright", "scrapy", "spacy", "sqlalchemy", "torch", "torch._dynamo", "transformers")
LOADED = f"""
import sys
from pipeline.cli import main
try:
    main()
finally:
    sys.stderr.write("loaded: " + " ".join(name for name in {HEAVY} if name in sys.modules))
"""


def _loaded(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=False)
    return done.stderr.rpartition("loaded:")[2].strip()


@pytest.mark.parametrize("module", sorted(set(ROOMS.values())))
def test_the_table_names_what_each_module_registers(module):
    room = typer.Typer()
    importlib.import_module(f"pipeline.commands.{module}").register(room)
    registered = set(get_group(room).commands)
    assert registered == {command for command, home in ROOMS.items() if home == module}


def test_help_lists_every_command_with_its_help(netra):
    code, out, _ = netra("--help")
    assert code == 0
    for command in ROOMS:
        assert f"│ {command} " in out
    assert "Mandat pengawasan" in out


def test_a_command_explains_itself(netra):
    code, out, _ = netra("mandates", "approve", "--help")
    assert code == 0
    assert "petugas kedua" in out


def test_an_unknown_command_is_refused(netra):
    code, _, error = netra("clasify")
    assert code == 2
    assert "No such command 'clasify'" in error


def test_refusing_a_file_to_classify_loads_nothing_heavy(tmp_path):
    contest = tmp_path / "contest.yaml"
    contest.write_text("name: [")
    assert _loaded("classify", "-", "--contest", str(contest), "--out", "-", "--home", str(tmp_path)) == ""


def test_scoring_a_line_loads_torch_and_nothing_else_that_is_heavy(tmp_path):
    contest, posts = tmp_path / "contest.yaml", tmp_path / "posts.jsonl"
    contest.write_text("name: X\nregion: Y\nelection_day: 2026-11-25\ncandidates:\n  - {number: 1, names: [A B]}\n")
    posts.write_text('{"id": 1, "text": "Ayo coblos nomor 1"}\n')
    out = tmp_path / "out.jsonl"
    arguments = (str(posts), "--contest", str(contest), "--out", str(out), "--home", str(tmp_path))
    assert _loaded("classify", *arguments) == "torch"
    assert out.exists()
