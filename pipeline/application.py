"""The composition root's product: what every stage and command works with, opened once."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

from models.database import Database, open_database
from models.errors import StorageError
from models.evidence import EvidenceStore
from models.migrations import is_current
from models.vault import Vault, open_vault
from pipeline.settings import Settings, read_settings


@dataclasses.dataclass(frozen=True)
class Application:
    """Settings, database, keys and evidence of one installation.

    `stop` is set when the process is asked to end, for stages that last; `lingers`: a stage may wait for more work.
    """

    settings: Settings
    database: Database
    vault: Vault
    evidence: EvidenceStore
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)
    lingers: bool = False


@contextlib.contextmanager
def open_application(home: Path | None = None) -> Iterator[Application]:
    """Open the installation in `home` and close its connections afterwards.

    Raises:
        BadInput: wrong settings. StorageError: not initialised, or the schema is of another version.
    """
    settings = read_settings(home)
    if not settings.key_file.exists():
        raise StorageError(f"{settings.home}: not a Netra home yet; run 'netra init' first")
    database = open_database(settings.url)
    try:
        if not is_current(database.engine):
            raise StorageError("the database has another version's tables; run 'netra init' to bring it up to date")
        yield Application(
            settings=settings,
            database=database,
            vault=open_vault(settings.key_file),
            evidence=EvidenceStore(settings.evidence_directory),
        )
    finally:
        database.close()
