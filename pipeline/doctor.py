"""`netra doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
import stat
from collections.abc import Callable

from sqlalchemy import func, select

from models.clock import utc_now
from models.drift import newest_measurements
from models.errors import NetraError
from models.flags import Flag, FlagState
from models.log import LogEntry
from models.mandates import Mandate, MandateState
from models.officers import Officer, Role
from models.posts import Sighting, SightingState
from models.targets import Run, RunOutcome, Target
from pipeline.application import Application
from pipeline.drift_table import alarm_words
from pipeline.model_store import scoring_model
from pipeline.parts import browser_path

LEAST_FREE_BYTES = 2 << 30
LATE_AFTER = dt.timedelta(minutes=15)
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
    return [_guarded(check, app) for check in CHECKS]


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


def _disk(app: Application) -> Finding:
    """Ruang disk."""
    free = shutil.disk_usage(app.settings.home).free
    remedy = "kosongkan ruang atau pindahkan direktori bukti"
    return Finding("Ruang disk", free >= LEAST_FREE_BYTES, f"{free / (1 << 30):.1f} GiB bebas", remedy)


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


def _lateness(app: Application) -> Finding:
    """Jadwal crawl."""
    with app.database.read() as session:
        late = session.scalar(
            select(func.count())
            .select_from(Target)
            .where(Target.paused.is_(False), Target.next_due_at < utc_now() - LATE_AFTER)
        )
    return Finding("Jadwal crawl", not late, f"{late} sasaran terlambat > 15 menit", "apakah netra run berjalan?")


def _runs(app: Application) -> Finding:
    """Proses crawl 24 jam terakhir."""
    with app.database.read() as session:
        rows = session.execute(
            select(Run.outcome, func.count()).where(Run.due_at > utc_now() - LOOK_BACK).group_by(Run.outcome)
        ).all()
    counts = {outcome: count for outcome, count in rows}  # noqa: C416 - a row is no pair to dict()
    bad = sum(counts.get(outcome, 0) for outcome in (RunOutcome.FAILED, RunOutcome.MISSED, RunOutcome.INTERRUPTED))
    state = ", ".join(f"{outcome} {count}" for outcome, count in sorted(counts.items())) or "belum ada"
    return Finding("Crawl 24 jam", not bad, state, "lihat alasannya di halaman Sasaran")


def _backlog(app: Application) -> Finding:
    """Antrean."""
    with app.database.read() as session:
        unscored = session.scalar(select(func.count()).select_from(Sighting).where(Sighting.state == SightingState.NEW))
        flags = dict(session.execute(select(Flag.state, func.count()).group_by(Flag.state)).all())
    stuck = flags.get(FlagState.PENDING, 0)
    state = f"{unscored} belum dinilai, {stuck} menunggu tangkapan, {flags.get(FlagState.READY, 0)} siap ditelaah"
    return Finding("Antrean", healthy=True, state=state)


def _deaths(app: Application) -> Finding:
    """Bagian yang mati."""
    with app.database.read() as session:
        died = session.scalar(
            select(func.count())
            .select_from(LogEntry)
            .where(LogEntry.action == "part.died", LogEntry.at > utc_now() - LOOK_BACK)
        )
    return Finding("Bagian yang mati 24 jam", not died, f"{died} kali", "lihat log netra run")


def _drift(app: Application) -> Finding:
    """Pergeseran."""
    since = (utc_now() - DRIFT_LOOK_BACK).date()
    with app.database.read() as session:
        recent = [one for one in newest_measurements(session) if one.last_day >= since]
        names = {mandate.id: mandate.number for mandate in session.scalars(select(Mandate))}
    moved = [f"{names[one.mandate_id]}: {alarm_words(one.alarms)}" for one in recent if one.alarms]
    state = "; ".join(moved) or (f"tidak ada, {len(recent)} mandat diukur" if recent else "belum diukur")
    return Finding("Pergeseran", not moved, state, "netra models drift menunjukkan angka dan tindakannya")


CHECKS: tuple[Callable[[Application], Finding], ...] = (
    _keys,
    _disk,
    _browser,
    _model,
    _officers,
    _mandates,
    _lateness,
    _runs,
    _backlog,
    _deaths,
    _drift,
)
