"""Attributions at the command line: see what is claimed, verify it, stop it (“bukan akun saya”), resolve a stop."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import (
    Account,
    Attribution,
    AttributionState,
    Channel,
    Disavowal,
    disavow_attribution,
    end_attribution,
    open_suspensions,
    reinstate_attribution,
    reject_attribution,
    suspend_attribution,
    verify_attribution,
)
from models.clock import utc_now
from models.errors import BadInput, NotFound
from models.officers import Officer
from pipeline.application import Application, open_application
from pipeline.commands.options import Acting, Home, acting_officer

AttributionId = Annotated[str, typer.Argument(help="Id atribusi, atau nama akun.")]
Reason = Annotated[str, typer.Option("--reason", help="Alasan; dicatat dalam jejak audit.")]

_STATES = {
    AttributionState.CLAIMED: "menunggu orang kedua",
    AttributionState.VERIFIED: "terverifikasi",
    AttributionState.SUSPENDED: "ditangguhkan",
    AttributionState.REJECTED: "ditolak",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    attributions = typer.Typer(help="Atribusi akun: verifikasi, “bukan akun saya”.", no_args_is_help=True)
    attributions.command("list")(list_attributions)
    attributions.command("verify")(verify)
    attributions.command("reject")(reject)
    attributions.command("suspend")(suspend)
    attributions.command("disavow")(disavow)
    attributions.command("reinstate")(reinstate)
    attributions.command("end")(end)
    app.add_typer(attributions, name="attributions")


def list_attributions(state: AttributionState | None = None, home: Home = None) -> None:
    """Tampilkan atribusi, tanpa nama orangnya."""
    with open_application(home) as app, app.database.read() as session:
        rows = select(Attribution, Account).join(Account, Account.id == Attribution.account_id).order_by(Attribution.id)
        if state is not None:
            rows = rows.where(Attribution.state == state)
        found = session.execute(rows).all()
        stops = open_suspensions(session, [row.id for row, _ in found if row.state is AttributionState.SUSPENDED])
        for row, account in found:
            why = "; ".join(stop.reason for stop in stops.get(row.id, []))
            typer.echo("\t".join([row.id, account.source, account.handle, _STATES[row.state], why]).rstrip())


def verify(
    attribution: AttributionId,
    officer: Acting,
    distinction: Annotated[
        str, typer.Option(help="Bila ada nama yang sama: apa yang membedakan orang ini dari mereka.")
    ] = "",
    home: Home = None,
) -> None:
    """Terima atribusi sebagai petugas kedua, setelah memeriksa setiap sumbernya."""
    _act(attribution, officer, home, lambda session, _, row, who: verify_attribution(
        session, row, who, distinction=distinction))  # fmt: skip


def reject(attribution: AttributionId, officer: Acting, reason: Reason, home: Home = None) -> None:
    """Tolak atribusi yang menunggu."""
    _act(attribution, officer, home, lambda session, _, row, who: reject_attribution(session, row, who, reason=reason))


def suspend(attribution: AttributionId, officer: Acting, reason: Reason, home: Home = None) -> None:
    """Tangguhkan atribusi seketika karena ragu."""
    _act(attribution, officer, home, lambda session, _, row, who: suspend_attribution(session, row, who, reason=reason))


def disavow(
    attribution: AttributionId,
    officer: Acting,
    who: Annotated[str, typer.Option(help="Siapa yang meminta.")],
    words: Annotated[str, typer.Option(help="Pernyataannya, seperti disampaikan.")],
    channel: Annotated[Channel, typer.Option(help="Lewat mana permintaan datang.")],
    asked: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="Kapan (UTC); bawaan: sekarang.")
    ] = None,
    home: Home = None,
) -> None:
    """Catat “bukan akun saya”: akun berhenti diawasi seketika; petugas lain yang memutuskan kelanjutannya."""
    request = Disavowal(who, channel, asked.replace(tzinfo=dt.UTC) if asked else utc_now(), words)
    _act(attribution, officer, home, lambda session, app, row, acting: disavow_attribution(
        session, app.vault, row, acting, request))  # fmt: skip


def reinstate(
    attribution: AttributionId,
    officer: Acting,
    reason: Reason,
    platform_id: Annotated[
        str | None, typer.Option(help="Id platform milik orang ini, bila halaman pernah terlihat dengan beberapa id.")
    ] = None,
    home: Home = None,
) -> None:
    """Pulihkan atribusi yang ditangguhkan, sebagai petugas lain."""
    _act(attribution, officer, home, lambda session, _, row, who: reinstate_attribution(
        session, row, who, reason=reason, platform_id=platform_id))  # fmt: skip


def end(attribution: AttributionId, officer: Acting, reason: Reason, home: Home = None) -> None:
    """Tolak atribusi yang ditangguhkan untuk seterusnya, sebagai petugas lain."""
    _act(attribution, officer, home, lambda session, _, row, who: end_attribution(session, row, who, reason=reason))


_Step = Callable[[Session, Application, Attribution, Officer], object]


def _act(named: str, username: str, home: Home, step: _Step) -> None:
    with open_application(home) as app:
        officer = acting_officer(app.database, username)
        with app.database.write() as session:
            row = _found(session, named)
            step(session, app, row, officer)
        typer.echo(f"{row.id}\t{_STATES[row.state]}")


def _found(session: Session, named: str) -> Attribution:
    """The attribution of this id, or the newest of the account with this handle."""
    row = session.get(Attribution, named)
    if row is not None:
        return row
    accounts = session.scalars(select(Account.id).where(Account.handle == named)).all()
    if len(accounts) > 1:
        raise BadInput(f"account {named} exists on several platforms; give the id that 'netra attributions list' shows")
    newest = select(Attribution).where(Attribution.account_id.in_(accounts)).order_by(Attribution.id.desc()).limit(1)
    if (row := session.scalar(newest)) is None:
        raise NotFound(f"no attribution {named[:80]}; 'netra attributions list' shows them")
    return row
