"""An initialised home directory for the tests of the flow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog

from models.database import Database
from models.evidence import EvidenceStore
from models.vault import Vault
from pipeline.application import Application
from pipeline.cli import main
from pipeline.settings import Settings


@pytest.fixture
def app(database: Database, database_url: str, vault: Vault, evidence: EvidenceStore, tmp_path: Path) -> Application:
    """An application over a fresh database, once SQLite and once PostgreSQL."""
    settings = Settings(home=tmp_path, database_url=database_url)
    return Application(settings=settings, database=database, vault=vault, evidence=evidence)


@pytest.fixture
def netra(monkeypatch, capsys):
    """Run a command in this process; gives (exit code, standard output, standard error)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["netra", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return ended.value.code or 0, output.out, output.err

    yield run
    structlog.reset_defaults()  # the logs went to this test's standard error
