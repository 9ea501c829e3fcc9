"""Options that many commands take, and the officer who acts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.contest import ContestSpec, load_contest
from models.errors import BadInput, NotAllowed
from pipeline.settings import variable

if TYPE_CHECKING:  # a command without officers does not wait for the database's library
    from models.database import Database
    from models.officers import Officer

Home = Annotated[
    Path | None, typer.Option("--home", help="Direktori data Netra (bawaan: $NETRA_HOME atau ./netra-data).")
]
Acting = Annotated[str, typer.Option("--officer", help="Nama pengguna petugas yang melakukan ini.")]

SourceContests = Annotated[
    list[str], typer.Option("--contest", metavar="SOURCE=FILE", help="Berkas pemilihan tiap sumber; dapat diulang.")
]


def contests_by_source(pairs: Sequence[str]) -> dict[str, ContestSpec]:
    """Read the contest files given for the sources of a labelled file.

    Raises:
        BadInput: a pair is not `source=file`, a source comes twice, or a file is wrong; names it.
    """
    contests: dict[str, ContestSpec] = {}
    for pair in pairs:
        source, sign, path = pair.partition("=")
        if not (source and sign and path):
            raise BadInput(f"--contest {pair}: give SOURCE=FILE")
        if source in contests:
            raise BadInput(f"--contest {pair}: the source {source} has a contest already")
        contests[source] = load_contest(Path(path))
    return contests


def acting_operator(database: Database, username: str) -> Officer:
    """Like `acting_officer`, for what only operators do.

    Raises:
        NotAllowed: also when the officer is no operator.
    """
    from models.officers import Role, require_role  # noqa: PLC0415

    officer = acting_officer(database, username)
    require_role(officer, Role.OPERATOR)
    return officer


def acting_officer(database: Database, username: str) -> Officer:
    """The officer of this name, after their password (asked, or from `NETRA_PASSWORD`); wrong ones count towards the
    lock, as on the sign-in page.

    Outside of any transaction: a prompt that nobody answers must not keep everybody else from writing.

    Raises:
        NotAllowed: unknown, inactive, locked for now, or a wrong password.
    """
    from models.officers import officer_named  # noqa: PLC0415
    from review_ui.sessions import confirm_password  # noqa: PLC0415

    password = variable("NETRA_PASSWORD") or typer.prompt(f"Kata sandi {username}", hide_input=True, err=True)
    with database.read() as session:
        officer = officer_named(session, username)
    if officer is None or not officer.active or not confirm_password(database, officer, password):
        raise NotAllowed(f"officer {username}: unknown, inactive, or wrong password")
    return officer
