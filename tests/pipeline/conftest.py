"""An initialised home directory for the tests of the flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.database import Database
from models.evidence import EvidenceStore
from models.vault import Vault
from pipeline.application import Application
from pipeline.settings import Settings


@pytest.fixture
def app(database: Database, database_url: str, vault: Vault, evidence: EvidenceStore, tmp_path: Path) -> Application:
    """An application over a fresh database, once SQLite and once PostgreSQL."""
    settings = Settings(home=tmp_path, database_url=database_url)
    return Application(settings=settings, database=database, vault=vault, evidence=evidence)
