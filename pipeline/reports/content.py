"""A report's whole content as plain data: the sections A–O of the formal report (docs/law.md §3).

What the data cannot fill comes from the officer's fields; what nobody filled stays visibly empty. Everything is
*dugaan*; nothing here says what follows from an act.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from models.base import JsonObject
from models.canonical import canonical_json
from models.officers import Officer
from models.report_fields import REPORT_FIELDS
from models.reports import Report
from models.vault import Vault
from pipeline.reports import sections_case, sections_evidence, sections_finding, wording
from pipeline.reports.blocks import ReportContent, labelled_values
from pipeline.reports.case import Case, Finding, load_case
from pipeline.reports.office import Office

FORMAT = "netra-report/1"


def build_content(
    session: Session,
    vault: Vault,
    report: Report,
    office: Office,
    *,
    at: dt.datetime,
    signer: Officer | None = None,
) -> ReportContent:
    """The content of a report as it stands at `at`; with `signer` it has the signature block of that officer.

    Raises:
        StorageError: the people in it cannot be opened with this key file.
    """
    case = load_case(session, vault, report)
    return {
        "format": FORMAT,
        "title": wording.FORM_TITLE,
        "subject": wording.FORM_SUBJECT,
        "classification": wording.CLASSIFICATION,
        "alleged": wording.ALLEGED,
        "report": {"id": report.id, "number": report.number},
        "office": {"name": office.name, "level": office.level, "address": office.address, "city": office.city},
        "made_at": at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "known_on": case.report.fields.get("tanggal_diketahui"),
        "signature": None if signer is None else _signature(case, office, signer, at),
        "findings": [_summary(finding) for finding in case.findings],
        **sections_case.before(case, office, at),
        **sections_finding.about(case),
        **sections_evidence.about(case),
        **sections_case.after(case),
    }


def content_bytes(content: ReportContent) -> bytes:
    """What is hashed and signed: canonical JSON (RFC 8785)."""
    return canonical_json(content)


def missing_before_signing(content: ReportContent, *, clarification_required: bool = False) -> list[str]:
    """What must be mended before an officer may sign, in Indonesian, one line each; empty when nothing."""
    filled = {value["key"]: value["value"] for value in labelled_values(content)}
    required = {field.key for field in REPORT_FIELDS if field.required}
    if not clarification_required:
        required.remove("klarifikasi")
    missing = [
        f"Bagian {field.section}: “{field.label}” belum diisi"
        for field in REPORT_FIELDS
        if field.key in required and not filled.get(field.key)
    ]
    for number, finding in enumerate(content["findings"], 1):
        missing += [f"Temuan {number}: {problem}" for problem in _problems(finding)]
    return [*missing, *_wrong_words(filled), *_wrong_days(content)]


def _signature(case: Case, office: Office, signer: Officer, at: dt.datetime) -> JsonObject:
    day = wording.long_day(case.mandate.local_day(at))
    place = case.report.fields.get("tempat_penandatanganan") or office.city
    return {"place": place or None, "day": day, "name": signer.name, "position": signer.position}


def _summary(finding: Finding) -> JsonObject:
    """What the checks before signing, and readers of the JSON, need to know of a finding."""
    holder = finding.holder
    return {
        "flag": finding.flag.id,
        "state": finding.flag.state.value,
        "posted_at": None if finding.post.posted_at is None else finding.post.posted_at.isoformat(),
        "attribution": None if holder is None else holder.attribution.state.value,
        "reviewers": sorted({review.reviewer_id for review in finding.standing}),
        "acts": sorted({act for review in finding.deciding for act in review.acts}),
        "evidence": len(sections_evidence.hashes(finding)),
    }


def _problems(finding: JsonObject) -> list[str]:
    problems = []
    if finding["attribution"] is None:
        problems.append("pemilik akun belum teridentifikasi")
    elif finding["attribution"] != "verified":
        problems.append("atribusi akun tidak (lagi) berlaku")
    if len(finding["reviewers"]) < 2 or finding["state"] != "confirmed":  # noqa: PLR2004 - two people, docs/design.md §2
        problems.append("belum dikuatkan dua penelaah yang berbeda")
    if not finding["evidence"]:
        problems.append("tidak ada bukti yang tersimpan")
    return problems


def _wrong_words(filled: dict[str, str | None]) -> list[str]:
    return [
        f"Bagian {field.section}: “{field.label}” memuat kata “terbukti”; pada tahap ini hanya “dugaan”"
        for field in REPORT_FIELDS
        if "terbukti" in (filled.get(field.key) or "").casefold()
    ]


def _wrong_days(content: ReportContent) -> list[str]:
    if not content["known_on"]:
        return []
    day = dt.date.fromisoformat(content["known_on"])
    posted = [dt.datetime.fromisoformat(row["posted_at"]).date() for row in content["findings"] if row["posted_at"]]
    wrong = []
    # A day of tolerance on each side: local days run ahead of or behind UTC.
    if posted and day < min(posted) - dt.timedelta(days=1):
        wrong.append("Bagian F: tanggal diketahui mendahului waktu unggah")
    if day > dt.datetime.fromisoformat(content["made_at"]).date() + dt.timedelta(days=1):
        wrong.append("Bagian F: tanggal diketahui berada di masa depan")
    return wrong
