"""The review pages and the reports, put together."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping

from fastapi import FastAPI
from sqlalchemy.orm import Session

from crawler.preview import previewed_sources
from models.officers import Officer, actor_of
from models.reports import Report
from pipeline.application import Application
from pipeline.metrics import metrics_page
from pipeline.parts import crawl_config
from pipeline.previewing import look, with_selectors
from pipeline.reports.content import build_content, content_bytes, missing_before_signing
from pipeline.reports.office import Office
from pipeline.reports.write import render_report
from pipeline.roster.port import RosterPort
from pipeline.settings import Settings
from review_ui.app import create_app
from review_ui.config import UiConfig
from review_ui.ports import Hint, Ports, Reading, Seen


def web_application(app: Application) -> FastAPI:
    """The review pages."""
    settings = app.settings
    config = UiConfig(
        origins=settings.web.origins,
        reviews_per_day=settings.review.reviews_per_day,
        legal_days=settings.review.legal_days,
    )
    pages = create_app(app.database, app.vault, app.evidence, config, page_ports(app))
    pages.add_route("/metrics", metrics_page(app), methods=["GET"])
    return pages


def office(settings: Settings) -> Office:
    """The office whose name stands on reports."""
    return Office(**settings.office.model_dump())


def page_ports(app: Application) -> Ports:
    """What the pages need of reports and crawlers."""

    def content(session: Session, report: Report, *, at: dt.datetime, signer: Officer | None) -> bytes:
        case = build_content(session, app.vault, report, office(app.settings), at=at, signer=signer)
        return content_bytes(case)

    def problems(content: bytes) -> list[str]:
        required = app.settings.review.clarification_required
        return missing_before_signing(json.loads(content), clarification_required=required)

    def render(session: Session, report: Report, fmt: str) -> bytes:
        return render_report(session, app.vault, app.evidence, report, office(app.settings), fmt)

    def look_at(source: str, address: str, selectors: Mapping[str, str], *, officer: Officer) -> Seen:
        return _look_at(app, source, with_selectors(source, address, selectors), actor_of(officer))

    crawling = crawl_config(app.settings)

    def limits_of(host: str, /) -> tuple[float, int]:
        limits = crawling.limits(host)
        return limits.delay, limits.per_hour

    return Ports(
        report_content=content,
        signing_problems=problems,
        render_report=render,
        look_at=look_at,
        sources=previewed_sources(),
        rosters=RosterPort(app.vault),
        limits_of=limits_of,
    )


def _look_at(app: Application, source: str, address: str, actor: str) -> Seen:
    seen = look(app, source, address, actor=actor)
    readings = seen.readings
    each = tuple(
        Reading(
            one.reader, one.posts, tuple((strange.locator, strange.reason) for strange in one.unparsed), one.problem
        )
        for one in readings.each
    )
    hints = tuple(Hint(hint.part, hint.selector, hint.count, hint.sample) for hint in readings.hints)
    return Seen(source, address, seen.reason, readings.chosen, each, hints)
