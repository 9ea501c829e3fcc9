"""The parts, put together: settings turned into what each package takes. The pages are put together in `pages`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import BadInput, StorageError
from models.ids import new_id
from pipeline.model_store import scoring_model
from pipeline.settings import Settings

if TYPE_CHECKING:  # torch, Scrapy, Playwright and SQLAlchemy are loaded only by the part that needs them
    from classifier.assess import Model
    from classifier.drifting import Watcher
    from crawler.capturing.config import CaptureConfig
    from crawler.config import CrawlConfig
    from models.database import Database

LINGER_SECONDS = 60.0
"""How long an idle crawl waits for more work before its process ends."""


def crawl_config(settings: Settings, *, lingering: bool = False) -> CrawlConfig:
    """Manners and exceptions of the crawlers."""
    from crawler.config import CrawlConfig, HostLimits  # noqa: PLC0415

    crawl = settings.crawl
    hosts = {name: HostLimits(host.delay_seconds, host.requests_per_hour) for name, host in crawl.hosts.items()}
    return CrawlConfig(
        contact=crawl.contact,
        allowed=crawl.allowed(),
        robots_waived=frozenset(crawl.robots_waived_by_owner),
        delay=crawl.delay_seconds,
        hosts=hosts,
        hosts_at_once=crawl.hosts_at_once,
        tokens=crawl.tokens,
        caps=crawl.posts_per_month,
        linger_seconds=LINGER_SECONDS if lingering else 0.0,
    )


def worker_name(settings: Settings) -> str:
    """The name under which this home crawls: a crash's successor takes over what was left under it."""
    path = settings.home / "worker.id"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.write_text(new_id(), encoding="ascii")
        return worker_name(settings)


def capture_config(settings: Settings) -> CaptureConfig:
    """Limits and exceptions of the capturing browser."""
    from crawler.capturing.config import CaptureConfig  # noqa: PLC0415

    return CaptureConfig(contact=settings.crawl.contact, allowed=settings.crawl.allowed())


def browser_path() -> str:
    """Where Chromium is.

    Raises:
        StorageError: there is none; says how to install one.
    """
    from crawler.capturing.chromium import find_chromium  # noqa: PLC0415

    return str(find_chromium())


@contextlib.contextmanager
def database_if_any(settings: Settings) -> Iterator[Database | None]:
    """The database of an initialised home, None elsewhere: for commands that need no home."""
    if not settings.key_file.exists():
        yield None
        return
    from pipeline.application import open_application  # noqa: PLC0415

    with open_application(settings.home) as app:
        yield app.database


def weights_directory(settings: Settings) -> Path:
    """The directory of the model that scores."""
    with database_if_any(settings) as database:
        return scoring_model(settings, database).directory


@functools.lru_cache(maxsize=1)
def _model(directory: Path, sha256: str | None) -> Model:
    from classifier.assess import load_model  # noqa: PLC0415

    return load_model(directory, sha256)


def classifier_model(settings: Settings, database: Database | None) -> Model:
    """The classifier that scores now, loaded once in a process until another is put in use.

    Raises:
        BadInput: the initial model has no weights, or others than the pinned ones.
        StorageError: the files of the approved model are missing or altered; says what to do.
    """
    chosen = scoring_model(settings, database)
    try:
        return _model(chosen.directory, chosen.sha256)
    except BadInput as error:
        if chosen.label is None:
            raise
        raise StorageError(
            f"{chosen.directory}: the files of the model in use, {chosen.label}, are missing or altered; bring them "
            "back with 'netra models register' and its original directory, or return to the model before it with "
            "'netra models rollback'"
        ) from error


def drift_watcher(settings: Settings, database: Database) -> Watcher:
    """What sees how far posts have moved under the model that scores now."""
    from classifier.drifting import Watcher  # noqa: PLC0415

    return Watcher(database, scoring_model(settings, database).directory)
