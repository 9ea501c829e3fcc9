"""Manners hold over all processes: one asks a host at a time, as slowly as it wants, and nobody while it rests."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import time

import pytest

from crawler.config import CrawlConfig
from crawler.fetcher.manners import Manners
from models.clock import utc_now
from models.hosts import FAILURES_TO_OPEN, Breaker, Host, HostNews, Turn, note_news
from models.targets import RunOutcome, Target, add_target
from tests.crawler.conftest import Crawls, Reply


def feed(title):
    return f"<rss version='2.0'><channel><item><title>{title}</title></item></channel></rss>".encode()


@pytest.fixture
def crawls(sqlite_world, sqlite_url, evidence):
    return Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)


def feeds(crawls, made, count):
    """Targets on one host."""
    for n in range(count):
        made.serve(f"/feed{n}", feed(f"kabar {n}"))
    crawls.allow(made)
    return [crawls.target("feed", f"{made.url}/feed{n}") for n in range(count)]


def host(crawls, made):
    with crawls.database.read() as session:
        return session.get(Host, made.host)


def gaps(made, path_start="/feed"):
    moments = [asked.at for asked in made.asked if asked.path.startswith(path_start)]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def test_two_crawls_at_once_never_ask_one_host_together(world, database_url, evidence, site):
    crawls, shared = Crawls(world.database, database_url, evidence, world.mandate), site()

    def slowly(asked, _):
        time.sleep(0.05)
        return Reply(feed(asked.path))

    targets = feeds(crawls, shared, 12)
    for n in range(12):
        shared.pages[f"/feed{n}"] = slowly
    runs = crawls.begin(*targets)
    crowd = [crawls.spawn(runs, worker=f"worker-{n}") for n in range(3)]
    for process in crowd:
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
    left = [run for run in crawls.ended(runs) if run.outcome is RunOutcome.QUEUED]
    if left:
        crawls.spawn([run.id for run in left]).communicate(timeout=90)
    assert {run.outcome for run in crawls.ended(runs)} == {RunOutcome.DONE}
    assert shared.most_at_once == 1
    assert sorted(asked.path for asked in shared.asked if asked.path != "/robots.txt") == sorted(
        f"/feed{n}" for n in range(12)
    )


def test_the_least_pause_and_crawl_delay_are_kept(crawls, site):
    plain, asking = site(), site()
    asking.serve("/robots.txt", b"User-agent: *\nCrawl-delay: 0.6\n")
    targets = feeds(crawls, plain, 4) + feeds(crawls, asking, 3)
    crawls.run(*targets, delay=0.3)
    assert min(gaps(plain)) >= 0.28
    assert min(gaps(asking)) >= 0.58
    assert host(crawls, asking).crawl_delay == 0.6


def test_a_later_process_keeps_the_pause_that_an_earlier_one_began(crawls, site):
    made = site()
    first, second = feeds(crawls, made, 2)
    crawls.run(first, delay=4.0)
    crawls.run(second, delay=4.0)
    assert gaps(made)[0] >= 3.9


def test_a_server_that_asks_for_an_hour_is_left_alone_by_the_next_crawl_too(crawls, site):
    made = site()
    first, second = feeds(crawls, made, 2)
    made.serve("/feed0", b"", 429, Retry_After="3600")
    (asked,) = crawls.run(first)
    assert asked.outcome is RunOutcome.FAILED
    (waiting,) = crawls.run(second)
    assert waiting.outcome is RunOutcome.QUEUED
    assert "/feed1" not in made.paths()
    assert 3500 < (host(crawls, made).rest_until - utc_now()).total_seconds() <= 3600


def test_a_broken_server_opens_the_breaker_and_one_probe_closes_it(crawls, site):
    made = site()
    targets = feeds(crawls, made, 5)
    for n in range(5):
        made.serve(f"/feed{n}", b"", 500)
    runs = crawls.run(*targets, attempts=2)
    outcomes = [run.outcome for run in runs]
    assert outcomes.count(RunOutcome.FAILED) < 5
    assert RunOutcome.QUEUED in outcomes
    opened = host(crawls, made)
    assert opened.breaker(utc_now()) is Breaker.OPEN
    assert "HTTP 500" in opened.rest_reason

    with crawls.database.write() as session:
        session.get_one(Host, made.host).rest_until = utc_now() - dt.timedelta(seconds=1)
    for n in range(5):
        made.serve(f"/feed{n}", feed(f"pulih {n}"))
    waiting = [run.id for run in runs if run.outcome is RunOutcome.QUEUED]
    crawls.spawn(waiting).communicate(timeout=90)
    assert {run.outcome for run in crawls.ended(waiting)} == {RunOutcome.DONE}
    assert host(crawls, made).breaker(utc_now()) is Breaker.CLOSED


def test_a_probe_that_fails_leaves_the_others_waiting(crawls, site):
    made = site()
    targets = feeds(crawls, made, 3)
    for n in range(3):
        made.serve(f"/feed{n}", b"", 503)
    with crawls.database.write() as session:
        session.add(Host(name=made.host))
        session.flush()
        for _ in range(FAILURES_TO_OPEN):
            note_news(session, [HostNews(made.host, failures=1)], actor="test", now=utc_now() - dt.timedelta(hours=1))
    runs = crawls.run(*targets, attempts=1)
    assert [run.outcome for run in runs].count(RunOutcome.QUEUED) == 2
    assert len([path for path in made.paths() if path != "/robots.txt"]) <= 1


def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_the_pause():
    async def ask_twice():
        manners = Manners(CrawlConfig(contact="", delay=0.2), ask_turn=None, send_news=None)
        ahead = utc_now() + dt.timedelta(hours=2)
        manners.grant(Turn("lambat.example", probe=False, not_before=ahead, spent=0, crawl_delay=0.0))
        began = time.monotonic()
        await manners.wait_turn("lambat.example")
        await manners.wait_turn("lambat.example")
        return time.monotonic() - began

    assert 0.39 < asyncio.run(asyncio.wait_for(ask_twice(), 10)) < 5


def test_an_hourly_budget_is_not_exceeded(crawls, site):
    made = site()
    targets = feeds(crawls, made, 6)
    runs = crawls.run(*targets, hosts={made.host: [0.0, 4]})
    assert [run.outcome for run in runs].count(RunOutcome.DONE) == 3
    assert len(made.asked) == 4
    assert "anggaran 4" in host(crawls, made).rest_reason


def test_a_redirect_to_a_resting_host_is_not_followed(crawls, site):
    from_here, resting = site(), site()
    (target,) = feeds(crawls, from_here, 1)
    crawls.allow(resting)
    resting.serve("/feed", feed("jangan"))
    from_here.serve("/feed0", b"", 302, Location=f"{resting.url}/feed")
    with crawls.database.write() as session:
        session.add(Host(name=resting.host, rest_until=utc_now() + dt.timedelta(hours=1), rest_reason="uji"))
    (run,) = crawls.run(target)
    assert run.outcome in (RunOutcome.FAILED, RunOutcome.QUEUED)
    assert resting.asked == []


def test_a_token_is_sent_only_where_it_belongs(crawls, site, sqlite_world):
    other = site()
    api = site()
    api.pages["/2/users/by/username/sari"] = lambda *_: Reply(b"", 302, {"Location": f"{other.url}/curi"})
    crawls.allow(api, other)
    with crawls.database.write() as session:
        mandate = session.merge(sqlite_world.mandate)
        target = add_target(
            session,
            mandate,
            source="x_v2",
            address=f"{api.url}/sari",
            account=session.merge(sqlite_world.account),
            actor="t",
        )
        target_id = target.id
    crawls.run(target_id, tokens={"x_v2": "rahasia-operator"})
    assert [asked.headers.get("authorization") for asked in api.asked if asked.path.startswith("/2/")] == [
        "Bearer rahasia-operator"
    ]
    assert all("authorization" not in asked.headers for asked in other.asked)


def test_without_its_token_a_paid_source_is_refused_and_not_asked(crawls, site, sqlite_world):
    api = site()
    crawls.allow(api)
    with crawls.database.write() as session:
        mandate, account = session.merge(sqlite_world.mandate), session.merge(sqlite_world.account)
        target = add_target(session, mandate, source="x_v2", address=f"{api.url}/sari", account=account, actor="t").id
    (run,) = crawls.run(target)
    assert run.outcome is RunOutcome.REFUSED
    assert "token x_v2 belum diisi" in run.reason
    assert api.asked == []


def test_a_spending_cap_stops_a_source_for_the_month(crawls, site):
    made = site()
    first, second = feeds(crawls, made, 2)
    crawls.run(first)
    (run,) = crawls.run(second, caps={"feed": 1})
    assert (run.outcome, run.reason) == (RunOutcome.REFUSED, "batas belanja bulan ini untuk feed tercapai")
    with crawls.database.read() as session:
        assert session.get_one(Target, second).watermark == {}
