"""The classifier by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from models.contest import load_contest
from pipeline.commands.options import Home
from pipeline.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(classify)


def classify(
    file: Annotated[str, typer.Argument(help="CSV atau JSONL dengan kolom id,text; '-' untuk masukan standar.")],
    contest: Annotated[Path, typer.Option(help="Berkas pemilihan (YAML).")],
    out: Annotated[str, typer.Option(help="Berkas JSONL hasil; '-' untuk keluaran standar.")],
    images: Annotated[
        str | None,
        typer.Option(metavar="KOLOM", help="Kolom berisi jalur gambar yang tulisannya ikut dinilai; perlu netra[ocr]."),
    ] = None,
    home: Home = None,
) -> None:
    """Nilai sebuah berkas unggahan, satu objek JSON per baris, urutan tetap."""
    settings, spec = read_settings(home), load_contest(contest)
    from classifier.classify_file import classify_file  # noqa: PLC0415 - wrong files are told before torch loads
    from pipeline.parts import classifier_model, database_if_any  # noqa: PLC0415

    with database_if_any(settings) as database:
        model = classifier_model(settings, database)
    classify_file(file, spec, out, model, images=images)
    audit = model.audit
    if audit.audited:
        typer.echo(
            f"pandangan pertama: {audit.passed} teks dilewati, {audit.audited} yang serupa tetap dibaca penuh, "
            f"{audit.flagged} darinya tertandai",
            err=True,
        )
