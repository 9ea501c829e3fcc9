"""The classifier by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.contest import load_contest
from pipeline.commands.options import Home
from pipeline.parts import classifier_model
from pipeline.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(classify)


def classify(
    file: Annotated[Path, typer.Argument(help="CSV atau JSONL dengan kolom id,text; '-' untuk masukan standar.")],
    contest: Annotated[Path, typer.Option(help="Berkas pemilihan (YAML).")],
    out: Annotated[Path, typer.Option(help="Berkas JSONL hasil; '-' untuk keluaran standar.")],
    home: Home = None,
) -> None:
    """Nilai sebuah berkas unggahan, satu objek JSON per baris, urutan tetap."""
    spec = load_contest(contest)
    from classifier.classify_file import classify_file  # noqa: PLC0415 - bad input is told before torch loads

    classify_file(file, out, spec, lambda: classifier_model(read_settings(home)))
