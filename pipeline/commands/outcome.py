"""What comes out: the report and the trace."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from models.errors import NotFound
from models.flags import Flag
from models.reports import Report
from models.trace import TraceStep, trace_flag, trace_report
from pipeline.application import open_application
from pipeline.commands.options import Home
from pipeline.pages import office
from pipeline.reports.write import RENDERERS, write_report


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(report)
    app.command()(trace)


def report(
    name: Annotated[str, typer.Argument(metavar="ID", help="Nomor atau id laporan.")],
    fmt: Annotated[str, typer.Option("--format", help=" atau ".join(RENDERERS))],
    out: Annotated[Path, typer.Option(help="Berkas hasil.")],
    home: Home = None,
) -> None:
    """Tulis laporan: isi yang ditandatangani, atau konsep bila belum."""
    with open_application(home) as app:
        write_report(app.database, app.vault, app.evidence, name, fmt, out, office(app.settings))


def trace(
    row: Annotated[str, typer.Argument(metavar="ID", help="Id temuan, atau nomor atau id laporan.")],
    as_json: Annotated[bool, typer.Option("--json", help="Satu objek JSON per baris.")] = False,  # noqa: FBT002 - a flag
    home: Home = None,
) -> None:
    """Telusuri temuan atau laporan dari respons pertama sampai keadaan terakhir."""
    with open_application(home) as app, app.database.read() as session:
        report_id = session.scalar(select(Report.id).where((Report.id == row) | (Report.number == row)))
        if report_id is not None:
            steps = trace_report(session, report_id)
        elif session.get(Flag, row) is not None:
            steps = trace_flag(session, row)
        else:
            raise NotFound(f"no flag or report {row}")
    for step in steps:
        typer.echo(_as_json(step) if as_json else _as_line(step))


def _as_line(step: TraceStep) -> str:
    hashes = "".join(f"\n    sha256 {digest}" for digest in step.evidence)
    return f"{step.at:%Y-%m-%d %H:%M:%S}Z  #{step.seq:<6} {step.action:<22} {step.actor:<34} {step.subject}{hashes}"


def _as_json(step: TraceStep) -> str:
    fields = dataclasses.asdict(step) | {"at": step.at.isoformat()}
    return json.dumps(fields, ensure_ascii=False, sort_keys=True)
