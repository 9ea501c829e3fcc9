"""Rosters for the review pages (`review_ui.ports.Rosters`)."""

from __future__ import annotations

import dataclasses
import io

from sqlalchemy.orm import Session

from models.clock import utc_now
from models.mandates import Mandate
from models.officers import Officer
from models.vault import Vault
from pipeline.roster.checks import Roster
from pipeline.roster.findings import Finding, fingerprint
from pipeline.roster.intake import examine_roster, import_roster
from pipeline.roster.template import template_bytes
from review_ui.i18n import LANGUAGES
from review_ui.ports import RosterFinding, RosterPreview


@dataclasses.dataclass(frozen=True, slots=True)
class RosterPort:
    """Checks and imports what the pages were sent."""

    vault: Vault

    def template(self) -> bytes:
        """An empty workbook to fill in (XLSX)."""
        return template_bytes()

    def examine(self, session: Session, mandate: Mandate, data: bytes) -> RosterPreview:
        """Check the file whole."""
        roster = self._roster(session, mandate, data)
        return RosterPreview(
            people=len({line.person.nip for line in roster.lines}),
            accounts=len({line.account.key for line in roster.lines if line.account is not None}),
            errors=tuple(map(_told, roster.errors)),
            warnings=tuple(map(_told, roster.warnings)),
            warnings_name=fingerprint(roster.warnings),
        )

    def take(self, session: Session, mandate: Mandate, data: bytes, officer: Officer, confirmed: str) -> None:
        """Import the file whole, or nothing of it."""
        roster = self._roster(session, mandate, data)
        import_roster(session, self.vault, mandate, roster, officer, confirmed=confirmed)

    def _roster(self, session: Session, mandate: Mandate, data: bytes) -> Roster:
        return examine_roster(session, self.vault, mandate, io.BytesIO(data), today=mandate.local_day(utc_now()))


def _told(found: Finding) -> RosterFinding:
    texts = {language: found.text(language) for language in LANGUAGES}
    return RosterFinding(found.row, f"{found.column} · {found.heading}" if found.column else "", texts)
