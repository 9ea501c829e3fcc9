"""Kill -9 at any moment of `netra run`: after a restart nothing is lost, nothing doubled, everything traces back."""

from __future__ import annotations

import collections
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.assessments import Assessment
from models.bodies import is_whole
from models.captures import Capture
from models.database import open_database
from models.evidence import EvidenceStore
from models.flags import Flag, FlagState
from models.log import LogEntry
from models.migrations import upgrade
from models.posts import Post, PostVersion, Sighting, SightingState
from models.targets import Fetch, Run, RunOutcome, Target
from models.vault import create_key_file, open_vault
from pipeline.demo.seed import seed
from pipeline.demo.square import start_square
from pipeline.settings import read_settings

SETTLE_SECONDS = 600
FINISHED = (RunOutcome.DONE, RunOutcome.UNCHANGED, RunOutcome.REFUSED)
OPEN_RUNS = (RunOutcome.QUEUED, RunOutcome.RUNNING)


@pytest.fixture
def home(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with start_square("127.0.0.1", 0) as square:
        (tmp_path / "netra.toml").write_text(
            f'[crawl]\nallowed_hosts = ["{square.url.removeprefix("http://")}"]\ndelay_seconds = 0.02\n'
            f"[web]\nport = {port}\n"
        )
        create_key_file(tmp_path / "netra.key")
        settings = read_settings(tmp_path)
        database = open_database(settings.url)
        upgrade(database.engine)
        seed(database, open_vault(settings.key_file), square_url=square.url, hash_password=lambda _: "unusable")
        database.close()
        yield tmp_path


@pytest.mark.browser
@pytest.mark.timeout(2400)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(home, pytestconfig):
    dice = random.Random(20261122)  # noqa: S311 - moments, not secrets
    with (home / "run.log").open("wb") as log:
        for _ in range(pytestconfig.getoption("--kills")):
            run = _start(home, log)
            time.sleep(dice.uniform(1.0, 12.0))
            os.kill(dice.choice(_tree(run.pid)), signal.SIGKILL)
            if dice.random() < 0.5:
                run.kill()
            else:
                time.sleep(dice.uniform(0.5, 3.0))
                run.kill()
            run.wait()
        run = _start(home, log)
        try:
            _settle(home)
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(60)
    _check(home)


def _start(home, log):
    command = [sys.executable, "-m", "pipeline", "run", "--home", str(home)]
    return subprocess.Popen(command, stdout=log, stderr=log)


def _tree(root):
    """The process and everything below it."""
    children = collections.defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children[int(fields[1])].append(int(entry.name))
    found, queue = [], [root]
    while queue:
        found.append(queue.pop())
        queue += children[found[-1]]
    return found


def _settle(home):
    """Wait until every stage has nothing left to do."""
    database = open_database(read_settings(home).url)
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        with database.read() as session:
            crawled = session.scalar(select(func.count()).select_from(Target)) <= session.scalar(
                select(func.count(Run.target_id.distinct())).where(Run.outcome.in_(FINISHED))
            )
            left = (
                session.scalar(select(func.count()).select_from(Run).where(Run.outcome.in_(OPEN_RUNS)))
                + session.scalar(select(func.count()).select_from(Sighting).where(Sighting.state == SightingState.NEW))
                + session.scalar(
                    select(func.count())
                    .select_from(Flag)
                    .where(Flag.state == FlagState.PENDING, Flag.capture_after.is_(None))
                )
            )
        if crawled and not left:
            break
        assert time.monotonic() < deadline, (home / "run.log").read_text()[-4000:]
        time.sleep(1)
    database.close()


def _check(home):
    settings = read_settings(home)
    database, evidence = open_database(settings.url), EvidenceStore(settings.evidence_directory)
    with database.read() as session:
        posts = session.scalars(select(Post)).all()
        assert len(posts) == len({post.external_id for post in posts}) == 107
        numbers = session.execute(select(PostVersion.post_id, PostVersion.number)).all()
        assert len(numbers) == len(set(numbers)) == sum(post.versions for post in posts)
        own = [post for post in posts if not post.is_repost]
        assert session.scalar(select(func.count()).select_from(Sighting)) == len(own)
        assessed = session.scalars(select(Assessment.post_version_id)).all()
        assert len(assessed) == len(set(assessed)) >= len(own)
        flags = session.scalars(select(Flag)).all()
        flagged = session.scalar(select(func.count()).select_from(Assessment).where(Assessment.flagged))
        assert len(flags) == flagged > 0
        captures = collections.Counter(session.scalars(select(Capture.flag_id)))
        assert all(captures[flag.id] == flag.capture_attempts for flag in flags)
        for digest in session.scalars(select(Fetch.body_sha256).distinct()):
            assert is_whole(session, evidence, digest)
        for digest in session.scalars(select(Capture.screenshot_sha256).where(Capture.screenshot_sha256.is_not(None))):
            assert evidence.verify(digest)
        sequence = session.scalars(select(LogEntry.seq).order_by(LogEntry.seq)).all()
        assert list(sequence) == list(range(len(sequence)))
        raised = session.scalars(select(LogEntry.subject).where(LogEntry.action == "flag.raised")).all()
        assert sorted(raised) == sorted(f"flags:{flag.id}" for flag in flags)
    database.close()
