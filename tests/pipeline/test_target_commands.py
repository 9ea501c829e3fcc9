"""What an operator does with single targets on the command line."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models.clock import utc_now
from models.officers import Officer
from models.targets import Target
from review_ui.passwords import hash_password
from tests.crawler.conftest import Site

PASSWORD = "sandi uji yang panjang"


@pytest.fixture
def home(tmp_path, sqlite_world, key_file, monkeypatch):
    """The small world as an installation of its own, whose officers have a password."""
    with sqlite_world.database.write() as session:
        for officer in session.scalars(select(Officer)):
            officer.password_hash = hash_password(PASSWORD)
    assert key_file.parent == tmp_path
    monkeypatch.setenv("NETRA_HOME", str(tmp_path))
    monkeypatch.setenv("NETRA_PASSWORD", PASSWORD)
    return tmp_path


def target(world):
    with world.database.read() as session:
        return session.get_one(Target, world.target.id)


@pytest.mark.usefixtures("home")
def test_a_target_is_paused_resumed_and_made_due(netra, sqlite_world):
    later = utc_now() + dt.timedelta(hours=5)
    with sqlite_world.database.write() as session:
        session.get_one(Target, sqlite_world.target.id).next_due_at = later
    assert netra("targets", "pause", sqlite_world.target.id, "--officer", "operator")[0] == 0
    assert target(sqlite_world).paused
    assert netra("targets", "resume", sqlite_world.target.id, "--officer", "operator")[0] == 0
    assert (target(sqlite_world).paused, target(sqlite_world).next_due_at) == (False, later)
    assert netra("targets", "now", sqlite_world.target.id, "--officer", "operator")[0] == 0
    assert target(sqlite_world).next_due_at <= utc_now()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("command", ["pause", "resume", "now", "try"])
def test_an_unknown_target_is_one_line_and_code_two(netra, command):
    code, _, error = netra("targets", command, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "--officer", "operator")
    assert code == 2
    assert "no target 01ARZ3NDEKTSV4RRFFQ69G5FAV" in error


@pytest.mark.usefixtures("home")
def test_only_operators_touch_the_schedule(netra, sqlite_world):
    assert netra("targets", "pause", sqlite_world.target.id, "--officer", "auditor")[0] == 2
    assert not target(sqlite_world).paused


def test_a_trial_shows_what_would_be_found_and_stores_nothing(netra, sqlite_world, home):
    site = Site("127.0.0.1")
    site.serve("/feed", b"<rss version='2.0'><channel><item><title>Apel pagi</title></item></channel></rss>")
    (home / "netra.toml").write_text(f'[crawl]\nallowed_hosts = ["127.0.0.1:{site.port}"]\n')
    with sqlite_world.database.write() as session:
        found = session.get_one(Target, sqlite_world.target.id)
        found.source, found.address = "feed", f"{site.url}/feed"
    code, shown, error = netra("targets", "try", sqlite_world.target.id, "--officer", "operator")
    site.close()
    assert code == 0, error
    assert "Apel pagi" in shown
    assert target(sqlite_world).watermark == {}
