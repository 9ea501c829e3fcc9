"""Write a report to a file in one of the formats."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.base import JsonObject
from models.clock import utc_now
from models.database import Database
from models.errors import BadInput, NotFound, StorageError
from models.evidence import EvidenceStore
from models.reports import FollowUp, Report, ReportState, signed_content
from models.vault import Vault
from pipeline.reports import wording
from pipeline.reports.content import build_content, content_bytes
from pipeline.reports.document import Document, Seal
from pipeline.reports.json_report import render_json
from pipeline.reports.office import Office
from pipeline.reports.pdf import render_pdf

Renderer = Callable[[Document, EvidenceStore], bytes]

RENDERERS: Mapping[str, Renderer] = {"pdf": render_pdf, "json": render_json}
"""Every format a report can be written in. A new one is one function here."""


def document_of(session: Session, vault: Vault, report: Report, office: Office) -> Document:
    """The report as it stands: the sealed content once signed, fresh content while a draft.

    Raises:
        StorageError: sealed with another key file.
    """
    withdrawn = report.state is ReportState.WITHDRAWN
    if report.signature is None:
        content = content_bytes(build_content(session, vault, report, office, at=utc_now()))
        return Document(content, withdrawn=withdrawn)
    seal = Seal(report.signature, vault.signing_key.public_key().public_bytes_raw())
    return Document(signed_content(vault, report), seal, withdrawn, _addenda(session, report))


def render_report(
    session: Session, vault: Vault, evidence: EvidenceStore, report: Report, office: Office, fmt: str
) -> bytes:
    """The report as it stands, in one of the formats.

    Raises:
        BadInput: no such format. StorageError: sealed with another key file, or it cannot be typeset.
    """
    render = _renderer(fmt)
    return render(document_of(session, vault, report, office), evidence)


def write_report(
    database: Database, vault: Vault, evidence: EvidenceStore, name: str, fmt: str, out: Path, office: Office
) -> None:
    """Write the report called `name` (its number or id) to `out`, whole or not at all.

    Raises:
        NotFound: no such report. BadInput: no such format. StorageError: the file cannot be written.
    """
    _renderer(fmt)
    with database.read() as session:
        report = session.scalar(select(Report).where(or_(Report.id == name, Report.number == name)))
        if report is None:
            raise NotFound(f"no report {name}")
        data = render_report(session, vault, evidence, report, office, fmt)
    _write_whole(out, data)


def _renderer(fmt: str) -> Renderer:
    if fmt not in RENDERERS:
        raise BadInput(f"no report format {fmt!r}; there are {', '.join(RENDERERS)}")
    return RENDERERS[fmt]


def _addenda(session: Session, report: Report) -> list[JsonObject]:
    entries = select(FollowUp).where(FollowUp.report_id == report.id).order_by(FollowUp.on_day, FollowUp.id)
    return [
        {"day": wording.long_day(entry.on_day), "step": entry.step, "institution": entry.institution,
         "document": entry.document, "note": entry.note}
        for entry in session.scalars(entries)
    ]  # fmt: skip


def _write_whole(out: Path, data: bytes) -> None:
    """A reader sees the old file or the new one, never half of it. A device or pipe is written to, not replaced."""
    try:
        if out.exists() and not out.is_file():
            out.write_bytes(data)
            return
        descriptor, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}-")
        try:
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            Path(temporary).replace(out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(f"{out}: cannot be written: {error.strerror}") from error
