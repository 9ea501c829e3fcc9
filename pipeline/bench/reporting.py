"""A signed report as PDF."""

from __future__ import annotations

import itertools
import re
import time

from sqlalchemy.orm import Session

from classifier.labels.corpus import read_posts
from models.clock import utc_now
from models.errors import NotFound
from models.flags import Flag
from models.mandates import Mandate
from models.officers import Officer, Role, officer_named
from models.reports import Report, draft_report, sign_report
from models.reviews import Answer, Verdict, give_verdict
from pipeline.application import Application
from pipeline.bench.figures import Figure
from pipeline.bench.scratch import raise_flags, scratch
from pipeline.bench.size import Size
from pipeline.demo.seed import LOGINS
from pipeline.pages import office
from pipeline.reports.content import build_content, content_bytes
from pipeline.reports.write import render_report

FINDINGS = 3
VERDICT = Verdict(Answer.YES, Answer.YES, "Mengajak memilih.", "Tidak ditemukan.", acts=("ON-4",))
_PAGE = re.compile(rb"/Type\s*/Page\b")


def measure_report(size: Size) -> list[Figure]:
    """Seconds from the sealed content to the bytes of the PDF."""
    texts = [post.text for post in itertools.islice((post for post in read_posts() if post.partisan), FINDINGS)]
    with scratch() as app:
        report_id = _signed(app, raise_flags(app, texts))
        drawn = [_draw(app, report_id) for _ in range(max(2, size.rounds))]
    same = len({pdf for _, pdf in drawn}) == 1
    note = f"{pdf_pages(drawn[0][1])} halaman, {'byte sama setiap kali' if same else 'BYTE BERBEDA'}"
    return [Figure(f"Laporan PDF dari {FINDINGS} temuan", "detik", tuple(seconds for seconds, _ in drawn), note=note)]


def pdf_pages(pdf: bytes) -> int:
    """The pages of a PDF whose page objects stand uncompressed, as the typesetter writes them."""
    return len(_PAGE.findall(pdf))


def _signed(app: Application, flag_ids: list[str]) -> str:
    with app.database.write() as session:
        flags = [session.get_one(Flag, flag_id) for flag_id in flag_ids]
        first, second = _supervisors(session)
        for flag, supervisor in itertools.product(flags, (first, second)):
            give_verdict(session, flag, supervisor, VERDICT)
        mandate = session.get_one(Mandate, flags[0].mandate_id)
        report = draft_report(session, mandate, flags, first, number="001/LHP/BENCH")
        session.flush()
        content = build_content(session, app.vault, report, office(app.settings), at=utc_now(), signer=first)
        sign_report(session, app.vault, report, first, content_bytes(content))
        return report.id


def _supervisors(session: Session) -> tuple[Officer, Officer]:
    names = [login.username for login in LOGINS if Role.SUPERVISOR in login.roles]
    found = [officer for name in names if (officer := officer_named(session, name)) is not None]
    if len(found) < 2:  # noqa: PLR2004 - every verdict takes two people
        raise NotFound("the invented regency has no two supervisors")
    return found[0], found[1]


def _draw(app: Application, report_id: str) -> tuple[float, bytes]:
    with app.database.read() as session:
        report = session.get_one(Report, report_id)
        began = time.perf_counter()
        pdf = render_report(session, app.vault, app.evidence, report, office(app.settings), "pdf")
        return time.perf_counter() - began, pdf
