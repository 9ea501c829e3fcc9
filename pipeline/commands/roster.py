"""Rosters and targets: who is watched on which accounts, from a spreadsheet; official feeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.registry import asked_host
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.officers import actor_of
from models.targets import Target, add_target, make_due, require_permission, set_paused
from pipeline.application import open_application
from pipeline.commands.options import Acting, Home, acting_operator
from pipeline.mandate_files import mandate_numbered
from pipeline.roster.findings import fingerprint
from pipeline.roster.intake import RosterResult, examine_roster, import_roster
from pipeline.roster.table import findings_table
from pipeline.roster.template import write_template

TargetId = Annotated[str, typer.Argument(metavar="ID", help="Id sasaran; 'netra targets list' menampilkannya.")]
MandateNumber = Annotated[str, typer.Option("--mandate", help="Nomor atau id mandat.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    targets = typer.Typer(help="Sasaran crawl dan daftar ASN.", no_args_is_help=True)
    targets.command("import")(import_targets)
    targets.command("template")(template)
    targets.command("add-feed")(add_feed)
    targets.command("list")(list_targets)
    targets.command("try")(try_target)
    targets.command("now")(make_target_due)
    targets.command("pause")(pause)
    targets.command("resume")(resume)
    app.add_typer(targets, name="targets")


def import_targets(
    file: Path,
    mandate: MandateNumber,
    officer: Acting,
    *,
    confirm_warnings: Annotated[
        bool, typer.Option("--confirm-warnings", help="Masukkan juga bila ada peringatan; bacalah dulu tabelnya.")
    ] = False,
    home: Home = None,
) -> None:
    """Masukkan daftar ASN (CSV atau XLSX) beserta akun publiknya; tiap akun menunggu verifikasi petugas kedua.

    Semua kesalahan ditunjukkan menurut baris dan kolom; selama ada kesalahan, tidak ada yang disimpan.
    """
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        try:
            with file.open("rb") as handle, app.database.write() as session:
                found = mandate_numbered(session, mandate)
                roster = examine_roster(session, app.vault, found, handle, today=found.local_day(utc_now()))
                if roster.findings:
                    Console().print(findings_table(roster.findings))
                confirmed = fingerprint(roster.warnings) if confirm_warnings else None
                result = import_roster(session, app.vault, found, roster, acting, confirmed=confirmed)
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", path=file) from error
        except BadInput as error:
            raise BadInput(error.message, path=file, line=error.line) from error
    typer.echo(told(result))


def told(result: RosterResult) -> str:
    """What an import did, in a line."""
    return f"{result.people} orang, {result.accounts} akun; {result.waiting} atribusi menunggu petugas kedua"


def template(out: Annotated[Path, typer.Option("--out", help="Berkas .xlsx yang dibuat.")]) -> None:
    """Tulis lembar kerja Excel kosong dengan kolom yang dikenali."""
    write_template(out)
    typer.echo(f"{out}: isi lembar “Daftar ASN”; lembar “Petunjuk” menjelaskan kolomnya")


def add_feed(
    address: str,
    mandate: MandateNumber,
    officer: Acting,
    minutes: Annotated[int, typer.Option(help="Selang antarcrawl, dalam menit.")] = 60,
    home: Home = None,
) -> None:
    """Tambahkan umpan RSS/Atom resmi sebuah instansi (tanpa akun pribadi)."""
    host = asked_host("feed", address)
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.write() as session:
            target = add_target(
                session,
                mandate_numbered(session, mandate),
                source="feed",
                address=address,
                account=None,
                actor=actor_of(acting),
                interval_seconds=minutes * 60,
                host=host,
            )
    typer.echo(target.id)


def list_targets(home: Home = None) -> None:
    """Tampilkan sasaran crawl."""
    with open_application(home) as app, app.database.read() as session:
        for target in session.scalars(select(Target).order_by(Target.id)):
            state = "dijeda" if target.paused else f"jatuh tempo {target.next_due_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"{target.id}\t{target.source}\t{target.address}\t{state}")


def try_target(target: TargetId, officer: Acting, home: Home = None) -> None:
    """Uji coba: ambil dan tampilkan apa yang akan ditemukan crawl sasaran ini; tidak ada yang disimpan."""
    from pipeline.commands.preview import show_preview  # noqa: PLC0415
    from pipeline.previewing import look  # noqa: PLC0415

    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.read() as session:
            found = _target(session, target)
            require_permission(session, found, utc_now())
        show_preview(look(app, found.source, found.address, actor=actor_of(acting)), found.address)


def make_target_due(target: TargetId, officer: Acting, home: Home = None) -> None:
    """Crawl sasaran ini pada giliran berikutnya, tanpa menunggu jadwalnya."""
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.write() as session:
            make_due(session, _target(session, target), actor=actor_of(acting))


def pause(target: TargetId, officer: Acting, home: Home = None) -> None:
    """Jeda jadwal sasaran ini."""
    _set_paused(target, officer, home, paused=True)


def resume(target: TargetId, officer: Acting, home: Home = None) -> None:
    """Lanjutkan jadwal sasaran ini."""
    _set_paused(target, officer, home, paused=False)


def _set_paused(target: str, officer: str, home: Path | None, *, paused: bool) -> None:
    with open_application(home) as app:
        acting = acting_operator(app.database, officer)
        with app.database.write() as session:
            set_paused(session, _target(session, target), paused=paused, actor=actor_of(acting))


def _target(session: Session, target_id: str) -> Target:
    found = session.get(Target, target_id)
    if found is None:
        raise NotFound(f"no target {target_id}; 'netra targets list' shows them")
    return found
