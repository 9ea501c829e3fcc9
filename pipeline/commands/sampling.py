"""Random samples of unflagged posts: draw them, and see what they say of what the model misses."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.clock import utc_now
from models.errors import BadInput
from models.mandates import Mandate
from models.recall import Interval, Recall, recalls
from models.samples import draw_sample
from pipeline.application import open_application
from pipeline.commands.options import Home
from pipeline.mandate_files import mandate_numbered


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    sample = typer.Typer(help="Sampel acak unggahan tanpa temuan, untuk menaksir yang terlewat.", no_args_is_help=True)
    sample.command("draw")(draw)
    sample.command("recall")(show_recall)
    app.add_typer(sample, name="sample")


def draw(
    count: Annotated[int, typer.Option(help="Berapa unggahan.")] = 50,
    mandate: Annotated[
        str | None, typer.Option(help="Nomor atau id mandat; perlu bila berlaku lebih dari satu.")
    ] = None,
    home: Home = None,
) -> None:
    """Undi unggahan yang dinilai tanpa temuan; dua orang membacanya di halaman Sampel."""
    with open_application(home) as app, app.database.write() as session:
        chosen = mandate_numbered(session, mandate) if mandate else _only_mandate(session)
        drawn = draw_sample(session, app.vault, chosen, count=count, actor="netra sample draw")
    typer.echo(f"{drawn.id}\t{chosen.number}\t{drawn.size} dari {drawn.population} unggahan\tbenih {drawn.seed}")


def show_recall(home: Home = None) -> None:
    """Taksir bagian keberpihakan yang ditemukan model, dengan selang kepercayaan 95 %."""
    with open_application(home) as app, app.database.read() as session:
        found = recalls(session)
    if not found:
        typer.echo("belum ada sampel; undi dengan netra sample draw --count 50")
    for one in found:
        typer.echo(_line(one))


def _only_mandate(session: Session) -> Mandate:
    now = utc_now()
    in_force = [mandate for mandate in session.scalars(select(Mandate)) if mandate.covers(now)]
    if len(in_force) != 1:
        numbers = ", ".join(sorted(mandate.number for mandate in in_force)) or "none"
        raise BadInput(f"name one mandate with --mandate; in force: {numbers}")
    return in_force[0]


def _line(one: Recall) -> str:
    counts = f"{one.drawn} diundi, {one.agreed} disepakati, {one.disputed} berbeda, {one.waiting} menunggu"
    found = f"{one.found} temuan memihak, {one.undecided} belum diputuskan"
    missed = "terlewat " + _interval(one.missed, "{:.0f}")
    return f"{one.mandate}\t{counts}\t{found}\t{missed}\trecall {_interval(one.recall, '{:.2f}')}"


def _interval(value: Interval | None, form: str) -> str:
    if value is None:
        return "belum cukup data"
    shown, low, high = (form.format(number) for number in (value.value, value.low, value.high))
    return f"{shown} ({low}–{high})"
