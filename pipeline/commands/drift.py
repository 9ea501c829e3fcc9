"""`netra models drift`: whether posts still look like what the model has learnt and scored before."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import select

from models.clock import utc_now
from models.mandates import Mandate
from pipeline.application import open_application
from pipeline.commands.options import Home
from pipeline.drift_table import advice, drift_table
from pipeline.stages import countable


def drift(
    days: Annotated[int, typer.Option(min=7, max=90, help="Sekian hari terakhir yang utuh (UTC).")] = 14,
    home: Home = None,
) -> None:
    """Apakah skor dan kosakata bergeser, tiap mandat, dan apa yang perlu dilakukan."""
    with open_application(home) as app:
        from pipeline.parts import drift_watcher  # noqa: PLC0415 - wrong options are told before the model is read

        watcher = drift_watcher(app.settings, app.database)
        watcher.count_days(utc_now(), countable(app.settings))
        found = watcher.measure(days)
        with app.database.read() as session:
            names = {mandate.id: mandate.number for mandate in session.scalars(select(Mandate))}
    if not found:
        typer.echo("belum ada hari utuh yang dinilai model ini; hari dihitung setelah lewat tengah malam UTC")
    console = Console()
    for one in found:
        typer.echo(f"Mandat {names[one.newest.mandate_id]}\t{one.newest.model}\t{one.first_day} – {one.newest.day}")
        console.print(drift_table(one.drift))
        for line in advice(one.drift):
            typer.echo(f"→ {line}")
        typer.echo("")
