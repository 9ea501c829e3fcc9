"""`netra bench`: the table of what Netra costs on this machine."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.console import Console

from models.errors import BadInput
from pipeline.progress import counter

WIDTH_IN_FILES = 150
"""Columns of the table where no terminal says how many there are."""


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(bench)


def bench(
    only: Annotated[str | None, typer.Option(help="Hanya pengukuran ini.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Satu objek JSON per baris.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Ukur kecepatan dan ukuran di mesin ini, berdampingan dengan pembandingnya."""
    from pipeline.bench.measurements import MEASUREMENTS  # noqa: PLC0415 - loads every room
    from pipeline.bench.size import Size  # noqa: PLC0415
    from pipeline.bench.table import figures_table  # noqa: PLC0415

    if only is not None and only not in MEASUREMENTS:
        raise BadInput(f"no measurement {only!r}; there are {', '.join(MEASUREMENTS)}")
    chosen = MEASUREMENTS if only is None else {only: MEASUREMENTS[only]}
    figures = []
    with counter("Mengukur", total=len(chosen)) as done:
        for measure in chosen.values():
            figures += measure(Size())
            done(1)
    if as_json:
        for figure in figures:
            typer.echo(json.dumps(figure.as_json(), ensure_ascii=False))
        return
    Console(width=None if sys.stdout.isatty() else WIDTH_IN_FILES).print(figures_table(figures))
