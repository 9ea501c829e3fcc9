"""Hosts are asked by one worker at a time, rest when they must, and come back by a probe."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.clock import utc_now
from models.hosts import (
    FAILURES_TO_OPEN,
    LONGEST_REST,
    Breaker,
    Host,
    HostNews,
    note_news,
    release_hosts,
    renew_leases,
    take_hosts,
)
from models.ids import new_id

LEASE = dt.timedelta(seconds=60)
NOW = utc_now().replace(microsecond=0)
ONE, TWO = new_id(), new_id()


def take(database, worker, *names, at=NOW):
    with database.write() as session:
        return take_hosts(session, names, worker, now=at, lease=LEASE)


def tell(database, *, at=NOW, **seen):
    with database.write() as session:
        note_news(session, [HostNews("pasar.example", **seen)], actor="test", now=at)


def host(database):
    with database.read() as session:
        return session.get_one(Host, "pasar.example")


def test_a_host_belongs_to_one_worker_until_it_gives_it_back(database):
    assert set(take(database, ONE, "pasar.example", "kota.example")) == {"pasar.example", "kota.example"}
    assert take(database, TWO, "pasar.example", "kota.example") == {}
    with database.write() as session:
        release_hosts(session, ["pasar.example"], TWO)
        release_hosts(session, ["kota.example"], ONE)
    assert set(take(database, TWO, "pasar.example", "kota.example")) == {"kota.example"}


def test_what_a_dead_worker_held_is_free_after_its_lease_and_renewing_keeps_it(database):
    take(database, ONE, "pasar.example")
    with database.write() as session:
        renew_leases(session, ONE, now=NOW + LEASE / 2, lease=LEASE)
    assert take(database, TWO, "pasar.example", at=NOW + LEASE * 1.2) == {}
    assert set(take(database, TWO, "pasar.example", at=NOW + LEASE * 2)) == {"pasar.example"}


def test_the_next_holder_knows_when_the_host_was_last_asked_and_what_robots_txt_wants(database):
    take(database, ONE, "pasar.example")
    tell(database, requests=7, succeeded=True, crawl_delay=10.0)
    with database.write() as session:
        release_hosts(session, ["pasar.example"], ONE)
    turn = take(database, TWO, "pasar.example")["pasar.example"]
    assert (turn.not_before, turn.spent, turn.crawl_delay, turn.probe) == (NOW, 7, 10.0, False)


def test_a_budget_counts_the_requests_of_one_hour(database):
    take(database, ONE, "pasar.example")
    tell(database, requests=30)
    tell(database, requests=5, at=NOW + dt.timedelta(minutes=59))
    assert host(database).window_requests == 35
    tell(database, requests=2, at=NOW + dt.timedelta(minutes=61))
    assert host(database).window_requests == 2


def test_a_host_that_asked_for_a_pause_is_asked_by_nobody_until_then(database):
    take(database, ONE, "pasar.example")
    until = NOW + dt.timedelta(minutes=20)
    tell(database, requests=1, succeeded=True, rest_until=until, rest_reason="server meminta jeda (HTTP 429)")
    tell(database, rest_until=NOW + dt.timedelta(minutes=5), rest_reason="lebih pendek")
    assert (host(database).rest_until, host(database).rest_reason) == (until, "server meminta jeda (HTTP 429)")
    assert take(database, ONE, "pasar.example", at=until - dt.timedelta(seconds=1)) == {}
    assert set(take(database, ONE, "pasar.example", at=until)) == {"pasar.example"}


def test_failures_in_a_row_open_the_breaker_a_probe_closes_it(database):
    take(database, ONE, "pasar.example")
    for _ in range(FAILURES_TO_OPEN):
        assert host(database).breaker(NOW) is Breaker.CLOSED
        tell(database, failures=1, failure="sambungan ditolak")
    opened = host(database)
    assert opened.breaker(NOW) is Breaker.OPEN
    assert "sambungan ditolak" in opened.rest_reason
    assert take(database, ONE, "pasar.example") == {}
    later = opened.rest_until
    assert host(database).breaker(later) is Breaker.HALF_OPEN
    assert take(database, ONE, "pasar.example", at=later)["pasar.example"].probe
    tell(database, succeeded=True, requests=1, at=later)
    assert host(database).breaker(later) is Breaker.CLOSED
    assert not take(database, ONE, "pasar.example", at=later)["pasar.example"].probe


def test_a_failed_probe_opens_it_again_for_longer(database):
    take(database, ONE, "pasar.example")
    for _ in range(FAILURES_TO_OPEN):
        tell(database, failures=1, failure="waktu habis")
    rests, at = [], NOW
    for _ in range(9):
        rests.append(host(database).rest_until - at)
        at = host(database).rest_until
        tell(database, failures=1, failure="waktu habis", at=at)
    assert rests[0] < dt.timedelta(minutes=6.1)
    assert rests[3] > rests[0] * 4
    assert all(rest <= LONGEST_REST * 1.2 for rest in rests)


def test_a_success_between_failures_starts_the_count_anew(database):
    take(database, ONE, "pasar.example")
    for _ in range(FAILURES_TO_OPEN * 3):
        tell(database, failures=1, failure="HTTP 500")
        tell(database, succeeded=True, requests=1)
    assert host(database).breaker(NOW) is Breaker.CLOSED


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "release", "wait"]), st.sampled_from([ONE, TWO])), max_size=30))
def test_two_workers_never_hold_a_host_together(sqlite_database, steps):
    name, at, holder, until = f"{new_id().lower()}.example", NOW, None, NOW
    for step, worker in steps:
        if step == "wait":
            at += LEASE / 2
        elif step == "release":
            with sqlite_database.write() as session:
                release_hosts(session, [name], worker)
            holder = None if holder == worker else holder
        elif take(sqlite_database, worker, name, at=at):
            assert holder in (None, worker) or until < at
            holder, until = worker, at + LEASE


@pytest.mark.parametrize("field", ["rest_reason", "failure"])
def test_overlong_words_of_a_server_are_cut(database, field):
    take(database, ONE, "pasar.example")
    words = {field: "x" * 5_000, "failures": 1, "rest_until": NOW + LEASE}
    tell(database, **words)
    assert len(host(database).rest_reason) <= 300
