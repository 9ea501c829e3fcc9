"""Mandates from files: checked whole, then proposed whole, or not at all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.errors import BadInput, NotFound
from models.mandates import Contest, Mandate, propose_mandate
from models.officers import Officer

OFFSETS = {"WIB": 420, "WITA": 480, "WIT": 540}

TEXT = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class MandateLine(BaseModel):
    """One mandate of a mandates file."""

    model_config = ConfigDict(extra="forbid")

    number: TEXT
    legal_basis: TEXT
    agency: TEXT
    contest: TEXT
    first_day: dt.date
    last_day: dt.date
    region: str = ""
    time_zone: Literal["WIB", "WITA", "WIT"] = "WIB"


def import_mandates(session: Session, path: Path, officer: Officer) -> list[Mandate]:
    """Propose every mandate of a YAML list; each waits for a second officer's approval.

    Raises:
        BadInput: names file and entry; then none is stored.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        lines = TypeAdapter(list[MandateLine]).validate_python(data)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", path=path) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"entry {where}: {first['msg']}", path=path) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no such day, not UTF-8
        raise BadInput(f"not valid YAML: {error}".splitlines()[0], path=path) from error
    return [
        propose_mandate(
            session,
            officer,
            number=line.number,
            legal_basis=line.legal_basis,
            agency=line.agency,
            contest=_contest_named(session, line.contest, path),
            first_day=line.first_day,
            last_day=line.last_day,
            region=line.region,
            utc_offset_minutes=OFFSETS[line.time_zone],
        )
        for line in lines
    ]


def mandate_numbered(session: Session, number: str) -> Mandate:
    """The mandate of this number or id.

    Raises:
        NotFound: there is none.
    """
    found = session.scalar(select(Mandate).where((Mandate.number == number) | (Mandate.id == number)))
    if found is None:
        raise NotFound(f"no mandate {number}; 'netra mandates list' shows them")
    return found


def _contest_named(session: Session, name: str, path: Path) -> Contest:
    contest = session.scalar(select(Contest).where(Contest.name == name))
    if contest is None:
        raise BadInput(f"no contest {name!r}; import its file first", path=path)
    return contest
