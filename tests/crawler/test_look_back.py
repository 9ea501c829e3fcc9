"""A look back goes through recent posts again: edited, deleted, account gone, blocked and failed are five things."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import select

from models.clock import utc_now
from models.observations import Observation, Sight
from models.posts import Post, PostState
from models.targets import Fetch, Run, RunOutcome, Target
from tests.crawler.conftest import Crawls, Reply

API = "/api/v1/accounts"


class Recent:
    """A Mastodon server with an account that posted once an hour, newest first; `lost` says how a post answers."""

    def __init__(self, site, count):
        self.site, self.now = site, utc_now()
        self.texts = {n: [f"Unggahan {n}"] for n in range(1, count + 1)}
        self.lost = {}
        self.account = Reply(b'{"id": "7", "acct": "sari"}')
        site.pages[f"{API}/lookup"] = lambda *_: self.account
        site.pages[f"{API}/7/statuses"] = self.statuses
        for n in self.texts:
            site.pages[f"/api/v1/statuses/{n}"] = lambda _, __, n=n: self.lost.get(n) or self.reply(self.status(n))
            site.pages[f"/api/v1/statuses/{n}/history"] = lambda _, __, n=n: self.reply(
                [{**self.status(n), "content": text} for text in self.texts[n]]
            )

    @staticmethod
    def reply(data):
        return Reply(json.dumps(data).encode(), 200, {"Content-Type": "application/json"})

    def statuses(self, asked, _):
        upper, lower = int(asked.query.get("max_id", 10**9)), int(asked.query.get("since_id", 0))
        listed = [n for n in sorted(self.texts, reverse=True) if lower < n < upper and n not in self.lost]
        return self.reply([self.status(n) for n in listed[: int(asked.query["limit"])]])

    def status(self, n):
        posted = self.now - dt.timedelta(hours=len(self.texts) - n)
        found = {
            "id": str(n),
            "uri": f"{self.site.url}/users/sari/statuses/{n}",
            "url": f"{self.site.url}/@sari/{n}",
            "created_at": posted.isoformat(),
            "content": self.texts[n][-1],
            "account": {"id": "7", "acct": "sari"},
        }
        if len(self.texts[n]) > 1:
            found["edited_at"] = self.now.isoformat()
        return found


class Looks(Crawls):
    """Crawls whose runs look back a week."""

    def again(self, target):
        runs = self.begin(target)
        with self.database.write() as session:
            session.get_one(Run, runs[0]).looks_back_to = utc_now() - dt.timedelta(days=7)
        process = self.spawn(runs)
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
        return self.ended(runs)[0]

    def states(self):
        with self.database.read() as session:
            return {int(post.external_id.rpartition("/")[2]): post.state for post in session.scalars(select(Post))}

    def observations(self):
        """(post number, sight, status of the answer that shows it), oldest first."""
        with self.database.read() as session:
            rows = session.execute(
                select(Post.external_id, Observation.sight, Fetch.status)
                .join(Post, Post.id == Observation.post_id)
                .outerjoin(Fetch, Fetch.id == Observation.fetch_id)
                .order_by(Observation.id)
            )
            return [(int(key.rpartition("/")[2]), sight, status) for key, sight, status in rows]


@pytest.fixture
def looks(sqlite_world, sqlite_url, evidence):
    return Looks(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)


@pytest.fixture
def crawled(looks, sqlite_world, site):
    return first_crawl(looks, sqlite_world, site())


def first_crawl(looks, world, site):
    """A server with 60 posts, and its target after the first crawl."""
    server = Recent(site, 60)
    looks.allow(server.site)
    target = looks.target("mastodon", f"{server.site.url}/@sari", world.account)
    (first,) = looks.run(target)
    assert (first.outcome, first.posts_new) == (RunOutcome.DONE, 60)
    return server, target


def test_posts_that_changed_or_went_are_told_apart_each_with_its_evidence(world, database_url, evidence, site):
    looks = Looks(world.database, database_url, evidence, world.mandate)
    server, target = first_crawl(looks, world, site())
    server.texts[5] = ["Unggahan 5", "Unggahan 5, ralat pertama", "Unggahan 5, ralat kedua"]
    server.lost = {10: Reply(b"{}", 404), 20: Reply(b"{}", 403), 30: Reply(b"{}", 500)}
    run = looks.again(target)
    assert (run.outcome, run.posts_edited) == (RunOutcome.DONE, 2)
    expected = dict.fromkeys(range(1, 61), PostState.SEEN)
    expected |= {5: PostState.EDITED, 10: PostState.DELETED, 20: PostState.UNAVAILABLE}
    assert looks.states() == expected
    assert sorted(looks.observations()) == [(10, Sight.DELETED, 404), (20, Sight.BLOCKED, 403), (30, Sight.FAILED, 500)]
    assert looks.texts()[f"{server.site.url}/users/sari/statuses/5"] == server.texts[5]
    with looks.database.read() as session:
        assert session.get_one(Target, target).looked_back_at == run.ended_at

    server.lost = {}
    looks.again(target)
    assert looks.states() == dict.fromkeys(range(1, 61), PostState.SEEN) | {5: PostState.EDITED}


@pytest.mark.parametrize(
    ("reply", "outcome", "state", "sight"),
    [
        (Reply(b"{}", 410), RunOutcome.GONE, PostState.ACCOUNT_GONE, Sight.ACCOUNT_GONE),
        (Reply(b'{"error": "This API requires an authenticated user"}', 401), RunOutcome.BLOCKED,
         PostState.UNAVAILABLE, Sight.BLOCKED),
        (Reply(b"", 500), RunOutcome.FAILED, PostState.SEEN, None),
    ],
)  # fmt: skip
def test_an_account_that_is_gone_is_not_one_that_is_hidden_or_a_server_that_fails(
    looks, crawled, reply, outcome, state, sight
):
    server, target = crawled
    server.account = reply
    server.site.pages[f"{API}/7"] = lambda *_: reply
    run = looks.again(target)
    assert run.outcome is outcome, run.reason
    assert set(looks.states().values()) == {state}
    assert {(found, status) for _, found, status in looks.observations()} == (
        {(sight, reply.status)} if sight else set()
    )


def test_another_account_under_the_known_name_suspends_the_attribution(looks, crawled):
    server, target = crawled
    looks.again(target)
    server.account = Reply(b'{"id": "8", "acct": "sari"}')
    run = looks.again(target)
    assert run.outcome is RunOutcome.REFUSED
    assert "milik pihak lain" in run.reason
    (after,) = looks.run(target)
    assert (after.outcome, after.fetches) == (RunOutcome.REFUSED, 0)
    assert "ditangguhkan" in after.reason
