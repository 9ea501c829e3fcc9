"""The clock's counting: what the operations page, `netra doctor` and `/metrics` read."""

from __future__ import annotations

import datetime as dt

from models.clock import utc_now
from models.health.counts import count_runs
from models.health.storage import measure_storage
from pipeline.application import Application


def count_health(app: Application, *, now: dt.datetime | None = None) -> int:
    """Count the runs that ended since the last time, and once a day what is stored; returns how many runs.

    Raises:
        StorageError: the evidence directory cannot be read; the runs are counted all the same.
    """
    moment = now or utc_now()
    counted = count_runs(app.database, now=moment)
    measure_storage(app.database, app.evidence.root, now=moment)
    return counted
