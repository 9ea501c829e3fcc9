"""A worker: one stage, again and again, sleeping only when it found nothing to do."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import structlog

from models.errors import NetraError
from pipeline.application import Application
from pipeline.schedule import CLOCK_STAGES
from pipeline.stages import STAGES, Stage

WORKERS = tuple(stage for stage in STAGES if stage.name not in CLOCK_STAGES)
RETRY_SECONDS = 30.0

_logger = structlog.get_logger()


def run_worker(app: Application, stage: Stage, stop: threading.Event) -> None:
    """Advance `stage` until `stop` is set. An expected failure waits and tries again; any other ends the process,
    and the supervisor starts a fresh one.
    """
    while not stop.is_set():
        try:
            moved = stage.advance(app)
        except NetraError as error:
            _logger.warning("stage_failed", stage=stage.name, reason=str(error), retry_seconds=RETRY_SECONDS)
            stop.wait(RETRY_SECONDS)
            continue
        if moved:
            _logger.info("stage_advanced", stage=stage.name, rows=moved)
        else:
            stop.wait(stage.every_seconds)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def _set(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, _set)
    signal.signal(signal.SIGINT, _set)
    return stop
