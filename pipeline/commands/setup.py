"""Setting up and looking after an installation: init, officers, doctor."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from models.database import open_database
from models.migrations import upgrade
from models.officers import Officer, Role, add_officer
from models.vault import create_key_file
from pipeline.application import open_application
from pipeline.commands.options import Home
from pipeline.doctor import examine
from pipeline.settings import SETTINGS_FILE, Settings, find_home, read_settings
from review_ui.passwords import hash_password

SETTINGS_TEMPLATE = """\
# Pengaturan Netra. Baris yang diawali # memakai nilai bawaan.
# database_url = "postgresql+psycopg://netra@/netra"   # bawaan: SQLite di direktori ini
# retention_days = 30

[office]
name = "Badan Pengawas Pemilihan Umum"
level = ""
address = ""
city = ""

[crawl]
# Surel atau halaman yang disebut User-Agent kepada pemilik situs.
contact = "operator tidak diisi"

[review]
reviews_per_day = 40
"""


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(init)
    app.command()(doctor)
    officers = typer.Typer(help="Petugas yang boleh masuk.", no_args_is_help=True)
    officers.command("add")(add)
    officers.command("list")(list_officers)
    app.add_typer(officers, name="officers")


def init(home: Home = None) -> None:
    """Siapkan direktori data: kunci, pengaturan, basis data, dan akun admin pertama. Aman diulang."""
    settings = prepare_home(home)
    database = open_database(settings.url)
    with database.write() as session:
        if session.scalar(select(Officer.id).limit(1)) is None:
            password = secrets.token_urlsafe(12)
            add_officer(
                session,
                username="admin",
                name="Administrator",
                position="Administrator sistem",
                password_hash=hash_password(password),
                roles=[Role.ADMIN],
                actor="netra init",
            )
            typer.echo(f"Akun pertama: admin / {password}  (catat sekarang; tidak ditampilkan lagi)")
    database.close()
    typer.echo(f"Siap di {settings.home}. Cadangkan {settings.key_file} terpisah dari basis data.")


def prepare_home(home: Home) -> Settings:
    """Make what is missing of a home directory: settings file, keys, evidence directory, tables."""
    directory = find_home(home)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (directory / SETTINGS_FILE).exists():
        (directory / SETTINGS_FILE).write_text(SETTINGS_TEMPLATE, encoding="utf-8")
    settings = read_settings(directory)
    if not settings.key_file.exists():
        create_key_file(settings.key_file)
    settings.evidence_directory.mkdir(exist_ok=True, mode=0o700)
    database = open_database(settings.url)
    upgrade(database.engine)
    database.close()
    return settings


def doctor(home: Home = None) -> None:
    """Periksa pemasangan dan pekerjaan yang tertahan; tiap masalah disertai cara mengatasinya."""
    with open_application(home) as app:
        findings = examine(app)
    table = Table("", "Yang diperiksa", "Keadaan", "Yang perlu dilakukan", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]✓[/]" if finding.healthy else "[red]✗[/]"
        table.add_row(mark, finding.subject, finding.state, "" if finding.healthy else finding.remedy)
    Console().print(table)
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(1)


def add(
    username: str,
    name: Annotated[str, typer.Option(help="Nama lengkap, seperti pada laporan.")],
    position: Annotated[str, typer.Option(help="Jabatan, seperti pada laporan.")],
    role: Annotated[list[Role], typer.Option(help="Peran; dapat diulang.")],
    home: Home = None,
) -> None:
    """Tambahkan petugas; kata sandinya selalu ditanyakan."""
    password = typer.prompt(
        f"Kata sandi untuk {username}", hide_input=True, confirmation_prompt="Ulangi kata sandi", err=True
    )
    with open_application(home) as app, app.database.write() as session:
        add_officer(
            session,
            username=username,
            name=name,
            position=position,
            password_hash=hash_password(password),
            roles=role,
            actor="netra officers",
        )
    typer.echo(f"{username}\t{name}\t{', '.join(role)}")


def list_officers(home: Home = None) -> None:
    """Tampilkan petugas dan perannya."""
    with open_application(home) as app, app.database.read() as session:
        for officer in session.scalars(select(Officer).order_by(Officer.username)):
            typer.echo(f"{officer.username}\t{officer.name}\t{', '.join(officer.roles)}")
