"""One post's whole way, through real servers and a real browser: from a target to a signed report and its trace."""

from __future__ import annotations

import json

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from models.captures import CaptureQuality, newest_capture
from models.clock import utc_now
from models.database import open_database
from models.evidence import EvidenceStore
from models.flags import Flag, FlagState
from models.mandates import Mandate
from models.migrations import upgrade
from models.officers import officer_named
from models.posts import Post, Sighting, SightingState
from models.report_fields import REPORT_FIELDS, FieldKind
from models.reports import ReportState, draft_report, fill_in, hand_over, sign_report
from models.reviews import Answer, Verdict, give_verdict
from models.targets import Run, RunOutcome, Target, queue_run
from models.trace import broken_links, trace_report
from models.vault import create_key_file, open_vault
from pipeline.application import Application
from pipeline.demo.seed import seed
from pipeline.demo.square import start_square
from pipeline.pages import office
from pipeline.reports.content import build_content, content_bytes, missing_before_signing
from pipeline.reports.write import write_report
from pipeline.settings import read_settings
from pipeline.stages import assess_new, capture_pending_flags, crawl_queued, seal_log

HANDLE = "sekar_melur"
CONFIRM = Verdict(Answer.YES, Answer.YES, "mengajak memilih satu pasangan", "tidak ditemukan", acts=("ON-4",))
ANSWERS = {FieldKind.DAY: lambda _: utc_now().date().isoformat(), FieldKind.CHOICE: lambda field: field.choices[0]}


@pytest.fixture(scope="module")
def square():
    with start_square("127.0.0.1", 0) as running:
        yield running


@pytest.fixture
def app(database_url, tmp_path, square):
    """A home whose crawl process finds the same database; nothing but the square may be reached inside."""
    address = square.url.removeprefix("http://")
    (tmp_path / "netra.toml").write_text(
        f'database_url = "{database_url}"\n'
        '[office]\nname = "Badan Pengawas Pemilihan Umum"\ncity = "Tanjung Seruni"\n'
        f'[crawl]\nallowed_hosts = ["{address}"]\ndelay_seconds = 0\n'
    )
    create_key_file(tmp_path / "netra.key")
    settings = read_settings(tmp_path)
    database = open_database(settings.url)
    upgrade(database.engine)
    yield Application(settings, database, open_vault(settings.key_file), EvidenceStore(settings.evidence_directory))
    database.close()


@pytest.mark.browser
def test_one_post_goes_from_a_target_to_a_signed_report_that_traces_to_its_raw_bytes(app, square, tmp_path):
    seed(app.database, app.vault, square_url=square.url, hash_password=lambda _: "unusable")

    _crawl_one_target(app)
    while assess_new(app):
        pass
    with app.database.read() as session:
        assert not session.scalars(select(Sighting).where(Sighting.state == SightingState.NEW)).all()
        pending = session.scalars(select(Flag).where(Flag.state == FlagState.PENDING)).all()
    assert pending, "the demo's first account writes posts that take a side"

    while capture_pending_flags(app):
        pass
    flag_id = _captured_flag(app)

    report_id = _judge_and_sign(app, flag_id)
    seal_log(app)
    _check_outcome(app, report_id, tmp_path)


def _crawl_one_target(app):
    with app.database.write() as session:
        target = session.scalars(select(Target).where(Target.address.endswith(f"/@{HANDLE}"))).one()
        run = queue_run(session, target, due_at=utc_now(), actor="test")
    assert crawl_queued(app, run_ids=[run.id]) == 1
    with app.database.read() as session:
        done = session.get_one(Run, run.id)
        assert done.outcome is RunOutcome.DONE, done.reason
        assert done.posts_new == len(session.scalars(select(Post)).all()) > 0


def _captured_flag(app):
    with app.database.read() as session:
        ready = session.scalars(select(Flag).where(Flag.state == FlagState.READY).order_by(Flag.id)).all()
        captures = {flag.id: newest_capture(session, flag.id) for flag in ready}
    flag_id, capture = next((key, kept) for key, kept in captures.items() if kept.quality is CaptureQuality.PAGE)
    assert app.evidence.get(capture.screenshot_sha256).startswith(b"\x89PNG")
    return flag_id


def _judge_and_sign(app, flag_id):
    with app.database.write() as session:
        first, second = (officer_named(session, name) for name in ("dewanti", "surya"))
        flag = session.get_one(Flag, flag_id)
        give_verdict(session, flag, first, CONFIRM)
        give_verdict(session, flag, second, CONFIRM)
        assert flag.state is FlagState.CONFIRMED
        report = draft_report(session, session.get_one(Mandate, flag.mandate_id), [flag], first, number="001/LHP/2026")
        fill_in(session, report, first, {field.key: _answer(field) for field in REPORT_FIELDS if field.required})
        content = build_content(session, app.vault, report, office(app.settings), at=utc_now(), signer=first)
        assert missing_before_signing(content) == []
        sign_report(session, app.vault, report, first, content_bytes(content))
        hand_over(session, report, first, recipient="BKN melalui SBT", document="012/PM")
        assert report.state is ReportState.HANDED_OVER
        return report.id


def _answer(field):
    return ANSWERS.get(field.kind, lambda _: "Diisi pada uji menyeluruh")(field)


def _check_outcome(app, report_id, tmp_path):
    pdf, whole = tmp_path / "laporan.pdf", tmp_path / "laporan.json"
    for path, fmt in ((pdf, "pdf"), (whole, "json")):
        write_report(app.database, app.vault, app.evidence, report_id, fmt, path, office(app.settings))
    text = "\n".join(page.extract_text() for page in PdfReader(pdf).pages)
    assert "001/LHP/2026" in text
    assert "dugaan" in text.lower()
    assert json.loads(whole.read_bytes())["status"] == "signed"
    with app.database.read() as session:
        assert broken_links(session, app.evidence, report_id) == []
        actions = [step.action for step in trace_report(session, report_id)]
    for action in ("run.started", "posts.stored", "flag.raised", "capture.made", "flag.confirmed", "report.signed"):
        assert action in actions
