"""After its time an unflagged post leaves a salted hash and nothing else; what a flag rests on stays."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from models.assessments import Act, Assessment, Finding, ModelIdentity, Voice, store_assessments
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.errors import StorageError
from models.flags import Flag
from models.log import LogEntry
from models.mandates import Mandate
from models.posts import ParsedPost, Post, PostVersion, Sighting, store_posts
from models.reports import draft_report
from models.retention import Purged, purge
from models.reviews import Answer, Verdict, give_verdict
from models.targets import Fetch, RunOutcome, Target, end_run, start_run
from models.tombstones import Tombstone
from models.trace import broken_links

NOW = utc_now()
OLD, BEFORE = NOW - dt.timedelta(days=40), NOW - dt.timedelta(days=30)
ROOT = Path(__file__).parents[2]
SECRET = "Kata rahasia tentang hujan di Tanjung Seruni"
MODEL = ModelIdentity("netra-test", "1", "0" * 64, 0.5)
KILLED = """
import datetime as dt, os, sys
from pathlib import Path
from sqlalchemy import event
from models.database import open_database
from models.evidence import EvidenceStore
from models.retention import purge
url, root, before, left = sys.argv[1:]
database, left = open_database(url), int(left)
def count(*_):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
event.listen(database.engine, "before_cursor_execute", count)
purge(database, EvidenceStore(Path(root)), before=dt.datetime.fromisoformat(before), actor="purge", batch=4,
      unused_for=dt.timedelta(0))
"""


def parsed(number, text=SECRET):
    return ParsedPost(external_id=f"https://example.invalid/{number}", text=f"{text} {number}", url="https://example.invalid/u",
                      posted_at=OLD, locator=f"/{number}", author="sari")  # fmt: skip


def crawl(world, evidence, items, *, at=OLD, body=None):
    """One run with one response that holds `items`."""
    digest = evidence.put(body if body is not None else json.dumps([item.text for item in items]).encode())
    with world.database.write() as session:
        run = start_run(session, session.get_one(Target, world.target.id), due_at=utc_now(), actor="test")
        fetch = Fetch(run_id=run.id, url="https://example.invalid/", status=200, headers={}, fetched_at=at,
                      body_sha256=digest, media_type="application/json")  # fmt: skip
        session.add(fetch)
        session.flush()
        stored = store_posts(session, run, fetch, items, actor="test", at=at)
        end_run(session, run, RunOutcome.DONE, actor="test")
    return digest, stored


def assess(world, *, flagged=()):
    """Assess every post; flag those whose text ends in one of the numbers."""
    with world.database.write() as session:
        due = session.execute(
            select(Sighting, PostVersion).join(PostVersion, PostVersion.post_id == Sighting.post_id)
        ).all()
        findings = []
        for sighting, version in due:
            hit = int(version.text.split()[-1]) in flagged
            finding = Finding(
                0.9 if hit else 0.1, hit, Act.SUPPORT if hit else Act.NONE, Voice.OWN, [], version.text, []
            )
            findings.append((sighting, version, finding))
        return store_assessments(session, findings, MODEL, actor="test", at=OLD)


def run_purge(world, evidence, **more):
    return purge(world.database, evidence, before=BEFORE, actor="purge", unused_for=dt.timedelta(0), **more)


def rows(database, kind):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(kind))


def test_an_unflagged_old_post_leaves_a_tombstone_and_nothing_else(world, evidence):
    digest, _ = crawl(world, evidence, [parsed(n) for n in range(3)])
    assess(world)
    assert run_purge(world, evidence) == Purged(posts=3, bodies=1)
    for kind in (Post, PostVersion, Sighting, Assessment):
        assert rows(world.database, kind) == 0
    assert rows(world.database, Tombstone) == 3
    assert not evidence.verify(digest)
    with world.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
        assert (fetch.body_sha256, fetch.body_erased_at is not None) == (digest, True)


def test_a_flagged_post_stays_with_its_bytes_and_traces_back(world, evidence):
    kept, _ = crawl(world, evidence, [parsed(1), parsed(2)])
    gone, _ = crawl(world, evidence, [parsed(3)])
    (flag,) = assess(world, flagged={2})
    assert run_purge(world, evidence) == Purged(posts=2, bodies=1)
    assert evidence.verify(kept)
    assert not evidence.verify(gone)
    with world.database.read() as session:
        assert session.scalars(select(Post.id)).all() == [flag.post_id]
        assert session.scalars(select(PostVersion.text)).all() == [f"{SECRET} 2"]


def test_a_young_post_stays(sqlite_world, evidence):
    crawl(sqlite_world, evidence, [parsed(1)], at=BEFORE)
    assert run_purge(sqlite_world, evidence) == Purged(0, 0)
    assert rows(sqlite_world.database, Post) == 1


def test_a_purged_post_that_is_met_again_is_not_stored_again(world, evidence):
    crawl(world, evidence, [parsed(1)])
    run_purge(world, evidence)
    _, stored = crawl(world, evidence, [parsed(1), parsed(2)], at=NOW)
    assert (stored.seen, stored.new, stored.edited) == (2, 1, 0)
    with world.database.read() as session:
        assert session.scalars(select(PostVersion.text)).all() == [f"{SECRET} 2"]


def test_bytes_of_an_unchanging_feed_are_erased_again_though_fetched_yesterday(sqlite_world, evidence):
    body = b"the same feed for months"
    crawl(sqlite_world, evidence, [parsed(1)], body=body)
    run_purge(sqlite_world, evidence)
    digest, _ = crawl(sqlite_world, evidence, [parsed(1)], at=NOW - dt.timedelta(days=1), body=body)
    assert evidence.verify(digest)
    assert run_purge(sqlite_world, evidence) == Purged(posts=0, bodies=1)
    assert not evidence.verify(digest)


def test_bytes_that_held_a_purged_and_a_new_post_stay_for_the_new_one(sqlite_world, evidence):
    body = b"two posts"
    crawl(sqlite_world, evidence, [parsed(1)], body=body)
    digest, _ = crawl(sqlite_world, evidence, [parsed(2)], at=NOW, body=body)
    assert run_purge(sqlite_world, evidence) == Purged(posts=1, bodies=0)
    assert evidence.verify(digest)


def test_bytes_just_put_by_a_crawl_that_has_not_committed_wait(sqlite_world, evidence):
    digest, _ = crawl(sqlite_world, evidence, [parsed(1)])
    assert purge(sqlite_world.database, evidence, before=BEFORE, actor="purge") == Purged(posts=1, bodies=0)
    assert evidence.verify(digest)
    os.utime(next(evidence.root.glob(f"??/??/{digest}")), (0, 0))
    assert purge(sqlite_world.database, evidence, before=BEFORE, actor="purge") == Purged(posts=0, bodies=1)


def test_each_batch_is_one_log_entry_that_names_ids_and_no_text(sqlite_world, evidence):
    crawl(sqlite_world, evidence, [parsed(n) for n in range(5)])
    with sqlite_world.database.read() as session:
        ids = set(session.scalars(select(Post.id)))
    run_purge(sqlite_world, evidence, batch=2)
    with sqlite_world.database.read() as session:
        entries = session.scalars(select(LogEntry).where(LogEntry.action == "posts.purged")).all()
        everything = b"".join(session.scalars(select(LogEntry.entry)))
    facts = [json.loads(row.entry)["facts"] for row in entries]
    assert [fact["count"] for fact in facts] == [2, 2, 1]
    assert {post for fact in facts for post in fact["posts"]} == ids
    assert b"rahasia" not in everything
    assert b"example.invalid/1" not in everything


def test_a_purge_costs_no_query_per_post(sqlite_world, evidence):
    costs = []
    for size in (5, 50):
        crawl(sqlite_world, evidence, [parsed(size * 1_000 + n) for n in range(size)])
        count = []
        event.listen(sqlite_world.database.engine, "before_cursor_execute", lambda *_, count=count: count.append(1))
        run_purge(sqlite_world, evidence)
        costs.append(len(count))
    # The first listener goes on counting; each list holds its own purge first.
    assert costs[0] == costs[1]


@pytest.mark.parametrize("statements", [8, 22])
def test_killed_anywhere_and_run_again_it_finishes(database, build_world, evidence, statements):
    world = build_world(database)
    for number in range(0, 9, 3):
        crawl(world, evidence, [parsed(number + n) for n in range(3)])
    assess(world, flagged={4})
    url = database.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(evidence.root), BEFORE.isoformat(), str(statements)],
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 9
    _wait_for_the_dead(database)
    run_purge(world, evidence, batch=4)
    assert rows(database, Post) == 1
    assert rows(database, Tombstone) == 8
    assert len([path for path in evidence.root.glob("??/??/*") if path.is_file()]) == 1
    with database.read() as session:
        assert len(session.scalars(select(Fetch).where(Fetch.body_erased_at.is_not(None))).all()) == 2
        purged = session.scalars(select(LogEntry.entry).where(LogEntry.action == "posts.purged"))
        assert sum(json.loads(entry)["facts"]["count"] for entry in purged) == 8


def _wait_for_the_dead(database):
    """PostgreSQL lets go of a killed client's locks a moment after it died."""
    if database.engine.dialect.name != "postgresql":
        return
    others = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL "
                  "AND pid <> pg_backend_pid()")  # fmt: skip
    for _ in range(100):
        with database.engine.connect() as connection:
            if not connection.scalar(others):
                return
        time.sleep(0.05)


def test_purged_text_is_gone_from_the_database_file(sqlite_world, sqlite_url, evidence):
    crawl(sqlite_world, evidence, [parsed(n) for n in range(30)])
    assess(sqlite_world)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    on_disk = lambda: b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))  # noqa: E731
    assert SECRET.encode() in on_disk()
    run_purge(sqlite_world, evidence)
    assert SECRET.encode() not in on_disk()


def test_a_store_that_refuses_stops_the_purge_before_the_rows_say_it_is_erased(sqlite_world, evidence):
    digest, _ = crawl(sqlite_world, evidence, [parsed(1)])
    path = next(evidence.root.glob(f"??/??/{digest}"))
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="cannot be deleted"):
        run_purge(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        assert session.scalars(select(Fetch)).one().body_erased_at is None
    assert rows(sqlite_world.database, Post) == 0


def test_a_report_still_traces_to_unaltered_bytes_after_the_purge(sqlite_world, evidence):
    crawl(sqlite_world, evidence, [parsed(1), parsed(2)])
    (flag,) = assess(sqlite_world, flagged={1})
    with sqlite_world.database.write() as session:
        flag = session.get_one(Flag, flag.id)
        capture = Capture(flag_id=flag.id, quality=CaptureQuality.RENDERING, reason="", url=None, final_url=None,
                          captured_at=NOW, screenshot_sha256=evidence.put(b"png"), page_sha256=None,
                          text_found=True)  # fmt: skip
        attach_capture(session, flag, capture, actor="test")
        for supervisor in sqlite_world.supervisors[:2]:
            give_verdict(session, flag, supervisor, Verdict(Answer.YES, Answer.YES, "a", "b", acts=("ON-4",)))
        report = draft_report(
            session, session.get_one(Mandate, sqlite_world.mandate.id), [flag], sqlite_world.supervisors[0], number="1"
        )
    run_purge(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        assert broken_links(session, evidence, report.id) == []
