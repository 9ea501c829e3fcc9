"""The door to the crawler: crawl what is queued, in two processes (`coordinator`, `fetching`)."""

from __future__ import annotations

import threading
from collections.abc import Collection

from crawler.config import CrawlConfig
from crawler.coordinator import Coordinator
from models.claims import take_back
from models.clock import utc_now
from models.database import Database
from models.ids import new_id

__all__ = ["CrawlConfig", "crawl"]


def crawl(
    database: Database,
    config: CrawlConfig,
    *,
    worker: str | None = None,
    only: Collection[str] | None = None,
    stop: threading.Event | None = None,
) -> int:
    """Crawl queued runs (of `only` those) until none is left or `stop` is set; returns how many were claimed.

    `worker` names whoever crawls; one that died under the same name is succeeded, and what it left is due again. Runs
    whose host rests stay queued. Runs that the crawl does not come to the end of are interrupted and due again.

    Raises:
        StorageError: the disk does not take what was fetched.
    """
    name = worker or new_id()
    with database.write() as session:
        take_back(session, actor=config.actor, now=utc_now(), worker=worker)
        take_back(session, actor=config.actor, now=utc_now())
    return Coordinator(database, config, name, only).work(stop or threading.Event())
