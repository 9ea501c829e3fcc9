"""What people put in: contests, mandates, files of posts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import select

from models.contest import load_contest
from models.mandates import Contest, Mandate, approve_mandate, save_contest
from models.officers import actor_of
from pipeline.application import open_application
from pipeline.commands.options import Acting, Home, acting_officer, acting_operator
from pipeline.mandate_files import import_mandates, mandate_numbered
from pipeline.progress import counter

MandateNumber = Annotated[str, typer.Option("--mandate", help="Nomor atau id mandat.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    contests = typer.Typer(help="Pemilihan: calon, partai, slogan, tahapan.", no_args_is_help=True)
    contests.command("import")(import_contest)
    contests.command("list")(list_contests)
    app.add_typer(contests, name="contests")
    mandates = typer.Typer(help="Mandat pengawasan.", no_args_is_help=True)
    mandates.command("import")(import_mandate_file)
    mandates.command("list")(list_mandates)
    mandates.command("approve")(approve)
    app.add_typer(mandates, name="mandates")
    app.command("import")(import_posts)


def import_contest(file: Path, officer: Acting, home: Home = None) -> None:
    """Simpan satu berkas pemilihan (YAML)."""
    spec = load_contest(file)
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.write() as session:
            contest = save_contest(session, spec, actor=actor_of(acting))
    typer.echo(f"{contest.id}\t{contest.name}: {len(spec.candidates)} calon")


def list_contests(home: Home = None) -> None:
    """Tampilkan pemilihan."""
    with open_application(home) as app, app.database.read() as session:
        for contest in session.scalars(select(Contest).order_by(Contest.election_day)):
            typer.echo(f"{contest.id}\t{contest.election_day}\t{contest.name}")


def import_mandate_file(file: Path, officer: Acting, home: Home = None) -> None:
    """Usulkan mandat dari berkas YAML; petugas lain menyetujuinya."""
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.write() as session:
            mandates = import_mandates(session, file, acting)
    for mandate in mandates:
        typer.echo(f"{mandate.id}\t{mandate.number}\tmenunggu persetujuan petugas lain")


def list_mandates(home: Home = None) -> None:
    """Tampilkan mandat dan keadaannya."""
    with open_application(home) as app, app.database.read() as session:
        for mandate in session.scalars(select(Mandate).order_by(Mandate.first_day)):
            typer.echo(f"{mandate.id}\t{mandate.number}\t{mandate.state}\t{mandate.first_day} – {mandate.last_day}")


def approve(number: str, officer: Acting, home: Home = None) -> None:
    """Setujui mandat sebagai petugas kedua."""
    with open_application(home) as app:
        acting = acting_officer(app.database, officer)
        with app.database.write() as session:
            mandate = mandate_numbered(session, number)
            approve_mandate(session, mandate, acting)
    typer.echo(f"{mandate.number}: berlaku {mandate.first_day} – {mandate.last_day}")


def import_posts(
    file: Path,
    mandate: MandateNumber,
    officer: Acting,
    source: Annotated[
        str | None,
        typer.Option(help="csv, jsonl, xlsx, zeeschuimer, 4cat, twarc, warc, wacz, mhtml, hand; bawaan: dikenali."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Nama lembar XLSX (bawaan: lembar pertama).")] = None,
    home: Home = None,
) -> None:
    """Masukkan unggahan dari berkas; hanya akun terverifikasi dalam mandat yang disimpan."""
    from crawler.files.imports import import_file  # noqa: PLC0415 - Scrapy's parsers are not needed elsewhere here

    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.read() as session:
            mandate_id = mandate_numbered(session, mandate).id
        with counter("Memasukkan unggahan") as advance:
            result = import_file(
                app.database,
                app.evidence,
                file,
                source=source,
                sheet=sheet,
                mandate_id=mandate_id,
                actor=actor_of(acting),
                progress=advance,
            )
    typer.echo(str(result))
    for problem in result.problems:
        typer.echo(f"tidak dikenali: {problem}", err=True)
