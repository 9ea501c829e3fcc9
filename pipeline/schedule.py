"""The clock: APScheduler with its jobs in the database. It only makes work due; workers take it from there.

Jobs coalesce and never count as misfired: a machine that slept catches up once, and what was missed is
recorded where people see it (`models.targets.record_missed`).
"""

from __future__ import annotations

import functools
import threading
from contextlib import ExitStack
from pathlib import Path

import structlog
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler

from pipeline.application import Application, open_application
from pipeline.stages import STAGES

CLOCK_STAGES = ("due", "calendar", "cluster", "health", "seal", "purge", "drift")
TABLE = "scheduled_jobs"

_logger = structlog.get_logger()
_open_applications = ExitStack()


def run_clock(app: Application, stop: threading.Event) -> None:
    """Make work due until `stop` is set."""
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=app.database.engine, tablename=TABLE)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone="UTC",
    )
    for stage in STAGES:
        if stage.name in CLOCK_STAGES:
            scheduler.add_job(
                advance_by_name,
                "interval",
                seconds=stage.every_seconds,
                args=[stage.name, str(app.settings.home)],
                id=stage.name,
                replace_existing=True,
            )
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)


def advance_by_name(name: str, home: str) -> None:
    """One turn of a stage; jobs in the database name this function and these arguments."""
    stage = next(stage for stage in STAGES if stage.name == name)
    moved = stage.advance(_application(home))
    if moved:
        _logger.info("stage_advanced", stage=name, rows=moved)


@functools.lru_cache(maxsize=1)
def _application(home: str) -> Application:
    return _open_applications.enter_context(open_application(Path(home)))
