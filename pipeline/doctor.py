"""`netra doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import stat
from collections.abc import Callable, Mapping

from sqlalchemy import select

from models.clock import utc_now
from models.drift import newest_measurements
from models.errors import NetraError
from models.health.concerns import Concern, concerns
from models.health.counts import count_runs
from models.health.looking import Health, look
from models.mandates import Mandate, MandateState
from models.officers import Officer, Role
from pipeline.application import Application
from pipeline.drift_table import alarm_words
from pipeline.model_store import scoring_model
from pipeline.parts import browser_path
from review_ui.i18n import catalogue

LOOK_BACK = dt.timedelta(days=1)
DRIFT_LOOK_BACK = dt.timedelta(days=7)
"""A mandate in which nothing was scored for longer has no drift to act on."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    healthy: bool
    state: str
    remedy: str = ""


def examine(app: Application) -> list[Finding]:
    """Look at everything; a check that fails itself is a finding too."""
    return [_guarded(check, app) for check in CHECKS] + _crawling(app)


def _guarded(check: Callable[[Application], Finding], app: Application) -> Finding:
    try:
        return check(app)
    except NetraError as error:
        subject = (check.__doc__ or check.__name__).rstrip(".")
        return Finding(subject, healthy=False, state=str(error), remedy="perbaiki lalu jalankan netra doctor lagi")


def _keys(app: Application) -> Finding:
    """Berkas kunci."""
    mode = stat.S_IMODE(app.settings.key_file.stat().st_mode)
    return Finding("Berkas kunci", mode & 0o077 == 0, f"{mode:o}", f"chmod 600 {app.settings.key_file}")


def _browser(_app: Application) -> Finding:
    """Chromium."""
    return Finding("Chromium", healthy=True, state=browser_path())


def _model(app: Application) -> Finding:
    """Model penilai."""
    model = scoring_model(app.settings, app.database)
    there = (model.directory / "config.json").exists()
    if model.label is None:
        return Finding("Model penilai", there, model.directory.name, "periksa [model] directory di netra.toml")
    unused = "; [model] di netra.toml tidak dipakai" if app.settings.model.directory else ""
    remedy = "pulihkan dengan netra models register DIREKTORI-ASAL, atau netra models rollback"
    return Finding("Model penilai", there, f"{model.label}, disetujui{unused}", remedy)


def _officers(app: Application) -> Finding:
    """Penelaah."""
    with app.database.read() as session:
        officers = session.scalars(select(Officer).where(Officer.active.is_(True))).all()
    count = sum(Role.SUPERVISOR.value in officer.roles for officer in officers)
    return Finding(
        "Penelaah", count >= 3, f"{count} pengawas aktif",  # noqa: PLR2004 - two reviewers and an adjudicator
        "perlu tiga: dua penelaah dan seorang pemutus; netra officers add … --role supervisor",
    )  # fmt: skip


def _mandates(app: Application) -> Finding:
    """Mandat."""
    now = utc_now()
    with app.database.read() as session:
        mandates = session.scalars(select(Mandate).where(Mandate.state == MandateState.APPROVED)).all()
    active = sum(mandate.covers(now) for mandate in mandates)
    return Finding(
        "Mandat", active > 0, f"{active} berlaku hari ini", "tanpa mandat yang disetujui tidak ada yang di-crawl"
    )


def _drift(app: Application) -> Finding:
    """Pergeseran."""
    since = (utc_now() - DRIFT_LOOK_BACK).date()
    with app.database.read() as session:
        recent = [one for one in newest_measurements(session) if one.last_day >= since]
        names = {mandate.id: mandate.number for mandate in session.scalars(select(Mandate))}
    moved = [f"{names[one.mandate_id]}: {alarm_words(one.alarms)}" for one in recent if one.alarms]
    state = "; ".join(moved) or (f"tidak ada, {len(recent)} mandat diukur" if recent else "belum diukur")
    return Finding("Pergeseran", not moved, state, "netra models drift menunjukkan angka dan tindakannya")


CHECKS: tuple[Callable[[Application], Finding], ...] = (_keys, _browser, _model, _officers, _mandates, _drift)


def _crawling(app: Application) -> list[Finding]:
    """What the operations page shows, a line for each area: that all is well, or each thing that is not."""
    try:
        health = _look(app)
    except NetraError as error:
        return [Finding("Operasi", healthy=False, state=str(error), remedy="perbaiki lalu jalankan netra doctor lagi")]
    found = concerns(health)
    lines = []
    for area, (kinds, well) in AREAS.items():
        wrong = [concern for concern in found if concern.kind in kinds]
        lines += [_line(area, concern) for concern in wrong]
        if not wrong:
            lines.append(Finding(area, healthy=True, state=well(health)))
    return lines


def _look(app: Application) -> Health:
    """Count what the clock has not counted, and look."""
    now = utc_now()
    count_runs(app.database, now=now, by_clock=False)
    with app.database.read() as session:
        return look(session, app.evidence.root, now=now, midnight=now - LOOK_BACK)


def _line(area: str, concern: Concern) -> Finding:
    say = catalogue("id")
    return Finding(
        area, healthy=False, state=say(f"concern.{concern.kind}", **concern.facts),
        remedy=say(f"concern_do.{concern.kind}", **concern.facts),
    )  # fmt: skip


def _schedule(health: Health) -> str:
    return f"{health.active} sasaran aktif, {health.paused} dijeda" if health.targets else "belum ada sasaran"


def _queue(health: Health) -> str:
    return f"{health.queued} menunggu, {health.running} berjalan"


def _outcomes(health: Health) -> str:
    say = catalogue("id")
    totals = {
        outcome: health.total(outcome) for outcome in sorted({key for row in health.states.values() for key in row})
    }
    words = [f"{say(f'outcome.{outcome}')} {number}" for outcome, number in totals.items() if number]
    return ", ".join(words) or "belum ada"


def _punctuality(health: Health) -> str:
    return f"{health.day.on_time} dari {health.day.due} jadwal tepat waktu"


def _hosts(health: Health) -> str:
    return f"{sum(host.rests(health.at) for host in health.hosts)} beristirahat"


def _reading(health: Health) -> str:
    seen, unparsed = (sum(getattr(one, name) for one in health.readings) for name in ("seen", "unparsed"))
    return f"{seen} item terbaca, {unparsed} tidak"


def _storage(health: Health) -> str:
    return f"{health.storage.free_bytes / (1 << 30):.1f} GiB bebas"


def _deaths(health: Health) -> str:
    if not health.deaths:
        return "tidak ada yang mati dalam 24 jam"
    part, at = health.deaths[0]
    return f"{len(health.deaths)} kali mati dalam 24 jam, terakhir {part} {at:%H.%M} UTC; berjalan lagi"


def _stages(health: Health) -> str:
    return f"{health.unassessed.rows} belum dinilai, {health.uncaptured.rows} menunggu tangkapan"


AREAS: Mapping[str, tuple[tuple[str, ...], Callable[[Health], str]]] = {
    "Jadwal crawl": (("clock", "overdue"), _schedule),
    "Antrean": (("stuck", "slow"), _queue),
    "Sasaran": (("failing", "gone", "blocked", "refused"), _outcomes),
    "Crawl 24 jam": (("missed", "late"), _punctuality),
    "Host": (("breaker",), _hosts),
    "Pembacaan": (("unparsed", "quiet"), _reading),
    "Penilaian dan tangkapan": (("unassessed", "uncaptured"), _stages),
    "Ruang disk": (("disk_full", "disk_soon"), _storage),
    "Bagian": (("part_loops", "part_died"), _deaths),
}
"""Every kind of concern under its line, and what the line says when all is well."""
