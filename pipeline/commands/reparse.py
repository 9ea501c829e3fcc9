"""`netra reparse`: stored responses read again with today's connectors, without fetching."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from models.clock import utc_now
from models.officers import actor_of
from pipeline.application import open_application
from pipeline.commands.options import Acting, Home, acting_operator
from pipeline.progress import counter


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(reparse)


def reparse(
    officer: Acting,
    source: Annotated[str | None, typer.Option(help="Hanya platform ini.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Sejauh mana ke belakang, dalam hari.")] = 30,
    home: Home = None,
) -> None:
    """Baca ulang respons tersimpan yang belum seluruhnya dikenali; tidak ada yang diambil lagi dari server."""
    from crawler.reparse import reparse as read_again  # noqa: PLC0415 - loads every connector

    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with counter("Membaca ulang") as advance:
            result = read_again(
                app.database,
                app.evidence,
                source=source,
                since=utc_now() - dt.timedelta(days=days),
                actor=actor_of(acting),
                progress=advance,
            )
    typer.echo(str(result))
