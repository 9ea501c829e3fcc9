"""Kill -9 at random moments of a crawl of 10,000 posts: coordinator, fetcher or both, while walks begin, go on and end.

Between the kills posts are added and edited. In the end the database holds exactly what the servers hold.
"""

from __future__ import annotations

import collections
import datetime as dt
import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from models.bodies import read_body
from models.clock import utc_now
from models.hosts import Host
from models.log import LogEntry
from models.merkle import leaf_hash
from models.posts import Post, PostVersion, Sighting
from models.targets import Fetch, Run, RunOutcome, Target, queue_run
from models.vault import commitment
from tests.crawler.conftest import Crawls, Reply, Site

POSTS = 10_000
HOSTS = 5
PER_KILL = 5
"""Posts that every account gains between two kills."""
BEGAN = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
OPEN = (RunOutcome.QUEUED, RunOutcome.RUNNING)
SETTLE_SECONDS = 240


class Timeline:
    """A Mastodon server of one account whose posts are added and edited. `texts`: all that post n has had."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.texts: dict[int, list[str]] = {}
        site.pages["/api/v1/accounts/lookup"] = lambda *_: Reply(b'{"id": "7", "acct": "warga"}')
        site.pages["/api/v1/accounts/7/statuses"] = self.page

    @property
    def address(self) -> str:
        return f"{self.site.url}/@warga"

    def uri(self, n: int) -> str:
        return f"{self.site.url}/users/warga/statuses/{n}"

    def grow(self, upto: int) -> None:
        for n in range(len(self.texts) + 1, upto + 1):
            self.texts[n] = [f"Unggahan {n}"]
            self.site.pages[f"/api/v1/statuses/{n}/history"] = lambda *_, n=n: Reply(self.history(n))

    def edit(self, n: int) -> None:
        self.texts[n].append(f"Unggahan {n}, ralat {len(self.texts[n])}")

    def page(self, asked, _):
        below = int(asked.query.get("max_id", len(self.texts) + 1))
        page = range(below - 1, max(0, below - 41), -1)
        headers = {}
        if page and page[-1] > 1:
            headers["Link"] = f'<{self.site.url}/?max_id={page[-1]}>; rel="next"'
        return Reply(json.dumps([self.status(n) for n in page]).encode(), 200, headers)

    def status(self, n: int) -> dict[str, object]:
        edited = (BEGAN + dt.timedelta(minutes=n, seconds=len(self.texts[n]))).isoformat()
        return {
            "id": str(n),
            "uri": self.uri(n),
            "created_at": (BEGAN + dt.timedelta(minutes=n)).isoformat(),
            "edited_at": edited if len(self.texts[n]) > 1 else None,
            "content": f"<p>{self.texts[n][-1]}</p>",
            "account": {"id": "7", "acct": "warga"},
        }

    def history(self, n: int) -> bytes:
        """https://docs.joinmastodon.org/methods/statuses/#history."""
        moment = BEGAN + dt.timedelta(minutes=n)
        return json.dumps(
            [
                {"content": f"<p>{text}</p>", "created_at": (moment + dt.timedelta(seconds=number)).isoformat()}
                for number, text in enumerate(self.texts[n], 1)
            ]
        ).encode()


class Butcher:
    """Crawls, and kills crawls."""

    def __init__(self, crawls: Crawls, timelines: list[Timeline], targets: list[str]) -> None:
        self.crawls, self.timelines, self.targets = crawls, timelines, targets
        self.dice = random.Random(20261125)  # noqa: S311 - moments, not secrets
        self.killed: collections.Counter[str] = collections.Counter()
        self.process = None
        self.asked_before = 0

    def asked(self) -> int:
        return sum(len(timeline.site.asked) for timeline in self.timelines)

    def start(self) -> None:
        self.process = self.crawls.spawn(None, delay=0.005, linger_seconds=600.0, run_seconds=120.0)

    def tick(self, *, look_back: bool | None = None) -> None:
        """What the clock does: queue a run for every target that has none; some of them go through old posts again."""
        with self.crawls.database.write() as session:
            busy = set(session.scalars(select(Run.target_id).where(Run.outcome.in_(OPEN))))
            for target_id in self.targets:
                if target_id in busy:
                    continue
                run = queue_run(session, session.get_one(Target, target_id), due_at=utc_now(), actor="test")
                assert run is not None
                if self.dice.random() < 0.2 if look_back is None else look_back:
                    run.looks_back_to = BEGAN

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tick()
            time.sleep(min(0.2, left))

    def stop(self) -> None:
        """End whatever runs; the fetcher holds the pipe as long as it lives."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=30)
            self.process = None

    def strike(self) -> None:
        """Kill at a moment between the start and the middle of the work."""
        if self.process is None:
            self.change()
            self.start()
        if self.dice.random() < 0.2:
            self.wait(self.dice.uniform(0.0, 2.0))
        else:
            before, deadline = self.asked(), time.monotonic() + 60
            while self.asked() == before:
                assert time.monotonic() < deadline, "the crawl does not go on"
                self.wait(0.05)
            self.wait(self.dice.uniform(0.0, 0.7))
        victim = self.dice.choice(["coordinator", "fetcher", "both"])
        fetchers = fetchers_of(self.process.pid)
        if victim != "coordinator":
            for pid in fetchers:
                os.kill(pid, signal.SIGKILL)
        if victim != "fetcher" or not fetchers:
            self.stop()
        self.killed[victim if fetchers else "coordinator before its fetcher"] += 1

    def change(self) -> None:
        """While nobody reads."""
        for timeline in self.timelines:
            timeline.grow(len(timeline.texts) + PER_KILL)
            timeline.edit(self.dice.randrange(1, len(timeline.texts) + 1))

    def finish(self) -> None:
        """Let a crawl run to the end: all that is new, and once through all that is old."""
        self.stop()
        for timeline in self.timelines:
            timeline.grow(POSTS // HOSTS)
        began = utc_now()
        self.start()
        deadline = time.monotonic() + SETTLE_SECONDS
        while not (self.at_the_end() and self.looked_back_since(began)):
            assert time.monotonic() < deadline, "the crawl does not end"
            self.tick(look_back=not self.looked_back_since(began))
            time.sleep(0.2)
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, errors

    def at_the_end(self) -> bool:
        newest = {"account_id": "7", "newest": str(POSTS // HOSTS)}
        return all(self.crawls.watermark(target) == newest for target in self.targets)

    def looked_back_since(self, began: dt.datetime) -> bool:
        with self.crawls.database.read() as session:
            done = session.scalars(
                select(Run.target_id)
                .distinct()
                .where(Run.looks_back_to.is_not(None), Run.started_at > began, Run.outcome == RunOutcome.DONE)
            )
            return set(done) == set(self.targets)


def fetchers_of(coordinator: int) -> list[int]:
    """The coordinator's fetching process, if it has one (multiprocessing's resource tracker is none)."""
    found = []
    for child in Path(f"/proc/{coordinator}/task/{coordinator}/children").read_text().split():
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"spawn_main" in command:
            found.append(int(child))
    return found


@pytest.mark.timeout(3600)
def test_a_crawl_killed_at_random_moments_holds_what_the_servers_hold(
    sqlite_world, sqlite_url, evidence, site, pytestconfig
):
    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    timelines = [Timeline(site()) for _ in range(HOSTS)]
    crawls.allow(*(timeline.site for timeline in timelines))
    targets = [crawls.target("mastodon", timeline.address) for timeline in timelines]
    kills = pytestconfig.getoption("--kills")
    for timeline in timelines:
        timeline.grow(POSTS // HOSTS - PER_KILL * (kills + 1))
    butcher = Butcher(crawls, timelines, targets)
    try:
        for _ in range(kills):
            butcher.strike()
            no_watermark_is_ahead_of_its_posts(crawls, timelines, targets)
        butcher.finish()
    finally:
        butcher.stop()
    print(f"{kills} kills: {dict(butcher.killed)}, {butcher.asked()} requests")  # noqa: T201 - shown with -s
    posts_and_versions_are_those_of_the_servers(crawls, timelines)
    every_version_stands_in_a_kept_body(crawls)
    the_log_is_dense_and_tells_each_version_once(crawls)
    every_run_is_over_and_counted_what_was_stored(crawls)


def no_watermark_is_ahead_of_its_posts(crawls, timelines, targets):
    """After a kill, whatever a watermark says is known is stored."""
    with crawls.database.read() as session:
        stored = set(session.scalars(select(Post.external_id)))
        for timeline, target in zip(timelines, targets, strict=True):
            mark = session.get_one(Target, target).watermark
            known = {*range(1, int(mark.get("newest", 0)) + 1)}
            if "pending" in mark:
                known |= {*range(int(mark["pending"]["max_id"]), int(mark["pending"]["top"]) + 1)}
            assert {timeline.uri(n) for n in known} <= stored


def posts_and_versions_are_those_of_the_servers(crawls, timelines):
    expected = {timeline.uri(n): texts for timeline in timelines for n, texts in timeline.texts.items()}
    assert len(expected) == POSTS
    assert crawls.texts() == expected
    with crawls.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Post)) == POSTS
        assert session.scalar(select(func.count()).select_from(Sighting)) == POSTS
        rows = session.execute(
            select(Post.versions, func.count(), func.min(PostVersion.number), func.max(PostVersion.number))
            .join(PostVersion, PostVersion.post_id == Post.id)
            .group_by(Post.id)
        )
        assert all(versions == count == highest and lowest == 1 for versions, count, lowest, highest in rows)
        newest = select(Post.id).join(PostVersion, PostVersion.post_id == Post.id)
        newest = newest.where(PostVersion.number == Post.versions, PostVersion.text_sha256 == Post.text_sha256)
        assert len(session.scalars(newest).all()) == POSTS


def every_version_stands_in_a_kept_body(crawls):
    """Each response's bytes are there and whole, and the text stands in them where its row says."""
    with crawls.database.read() as session:
        bodies = {
            fetch_id: read_body(session, crawls.evidence, digest)
            for fetch_id, digest in session.execute(select(Fetch.id, Fetch.body_sha256))
        }
        assert sum(len(body) for body in bodies.values()) > 0
        pages = {}
        for text, fetch_id, locator in session.execute(
            select(PostVersion.text, PostVersion.fetch_id, PostVersion.locator)
        ):
            if fetch_id not in pages:
                pages[fetch_id] = json.loads(bodies[fetch_id])
            assert pages[fetch_id][int(locator.strip("/"))]["content"] == f"<p>{text}</p>"


def the_log_is_dense_and_tells_each_version_once(crawls):
    told = collections.Counter()
    with crawls.database.read() as session:
        salts = dict(session.execute(select(Post.id, Post.salt)).all())
        entries = session.execute(select(LogEntry.seq, LogEntry.action, LogEntry.entry, LogEntry.leaf_hash)).all()
        for seq, (number, action, entry, leaf) in enumerate(sorted(entries)):
            assert (number, leaf) == (seq, leaf_hash(entry))
            if action == "posts.stored":
                told.update(tuple(item) for item in json.loads(entry)["facts"]["posts"])
        rows = session.execute(select(PostVersion.post_id, PostVersion.number, PostVersion.text)).all()
        assert told == collections.Counter((post, number, commitment(salts[post], text)) for post, number, text in rows)


def every_run_is_over_and_counted_what_was_stored(crawls):
    with crawls.database.read() as session:
        runs = session.scalars(select(Run)).all()
        outcomes = collections.Counter(run.outcome for run in runs)
        ended = {RunOutcome.DONE, RunOutcome.UNCHANGED, RunOutcome.INTERRUPTED, RunOutcome.QUEUED}
        assert set(outcomes) <= ended, outcomes
        assert sum(run.posts_new for run in runs) == POSTS
        versions = session.scalar(select(func.count()).select_from(PostVersion))
        assert sum(run.posts_edited for run in runs) == versions - POSTS
        assert sum(run.fetches for run in runs) == session.scalar(select(func.count()).select_from(Fetch))
        assert session.scalar(select(func.count()).select_from(Host).where(Host.openings > 0)) == 0
