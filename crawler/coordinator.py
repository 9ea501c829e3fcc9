"""The coordinator: claims queued runs, hands them to a fetching process, and writes what comes back.

It alone holds the database. What arrives together is written in one transaction (group commit), so that the disk is
asked to be sure once for many pages; an error in one of them is found by writing each by itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import multiprocessing
import threading
import time
from collections.abc import Collection, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from crawler.config import CrawlConfig
from crawler.fetching import fetch_for
from crawler.recorder import Dropped, Recorder, job_of
from crawler.wire import (
    Drop,
    EditsQuestion,
    Ended,
    Ending,
    FromFetcher,
    Heartbeat,
    Job,
    Looked,
    News,
    Question,
    Received,
    Reply,
    Resting,
    TurnQuestion,
    UnlistedQuestion,
    Work,
)
from models.claims import claim_runs, interrupt, overspent, renew_claims, wait_shortly, waiting_hosts
from models.clock import utc_now
from models.database import Database
from models.errors import NetraError, StorageError
from models.hosts import HostNews, Turn, note_news, release_hosts, renew_leases, states, take_hosts
from models.targets import Run, RunOutcome, close_run

AHEAD = 2
"""Runs of one host that the fetcher holds, so that it never waits for the database between two."""
GROUP_MESSAGES = 64
GROUP_BYTES = 8 << 20
POLL_SECONDS = 0.05
GATHER_SECONDS = 0.02
"""How long a group waits for more."""
FEED_SECONDS = 0.2
IDLE_SECONDS = 0.5
KEEP_SECONDS = 15.0
PAUSE_AFTER_DEATH = 1.0
ASIDE_SECONDS = 60.0
"""How long a host is held that no run is for: where a redirect or a connector led. The fetcher asks anew before."""

_logger = structlog.get_logger(__name__)


class Coordinator:
    """One worker. `only` limits it to these runs; without, it takes whatever is queued."""

    def __init__(
        self, database: Database, config: CrawlConfig, worker: str, only: Collection[str] | None = None
    ) -> None:
        self._database = database
        self._config = config
        self._worker = worker
        self._only = only
        self._recorder = Recorder(config.actor, dt.timedelta(days=config.look_back_days))
        self._fetcher: _Fetcher | None = None
        self._turns: dict[str, Turn] = {}
        self._jobs: dict[str, dict[str, Job]] = {}
        self._resting: set[str] = set()
        self._aside: dict[str, float] = {}
        self._fed_at = self._kept_at = 0.0

    def work(self, stop: threading.Event) -> int:
        """Work until `stop` is set, or nothing was left to do for a while; returns how many runs were claimed.

        Raises:
            StorageError: the disk does not take what was fetched; runs in hand end as interrupted.
        """
        claimed, began, busy_at = 0, time.monotonic(), time.monotonic()
        try:
            while not stop.is_set():
                claimed += self._feed()
                if self._jobs or self._waits_shortly():
                    busy_at = time.monotonic()
                elif time.monotonic() - busy_at >= self._config.linger_seconds:
                    break
                if self._only is not None and time.monotonic() - began > self._config.total_seconds:
                    _logger.warning("crawl_out_of_time", seconds=self._config.total_seconds)
                    break
                if not self._listen() and not self._jobs:
                    stop.wait(IDLE_SECONDS)
                self._keep()
                self._watch()
        finally:
            self._close()
        return claimed

    def _waits_shortly(self) -> bool:
        """Whether one of the runs that were asked for is only waiting out a short pause."""
        if self._only is None:
            return False
        until = utc_now() + dt.timedelta(seconds=self._config.longest_wait)
        with self._database.read() as session:
            return wait_shortly(session, self._only, until=until)

    def _feed(self) -> int:
        """Claim runs where the fetcher runs low; returns how many."""
        if time.monotonic() - self._fed_at < FEED_SECONDS and self._jobs:
            return 0
        if self._fetcher is not None and self._fetcher.is_worn(self._config):
            if not self._jobs:
                self._retire()
            return 0
        self._fed_at = time.monotonic()
        with self._database.write() as session:
            jobs = self._claim(session)
        if jobs and self._fetcher is None:
            self._fetcher = _Fetcher(self._config)
        for job in jobs:
            self._jobs.setdefault(job.host, {})[job.run_id] = job
            self._tell(Work(job, self._turns[job.host]))
        return len(jobs)

    def _claim(self, session: Session) -> list[Job]:
        now = utc_now()
        room = self._config.hosts_at_once - len(self._jobs)
        fresh: dict[str, Turn] = {}
        if room > 0:
            waiting = waiting_hosts(
                session, self._worker, besides=list(self._turns), now=now, limit=room, only=self._only
            )
            fresh = take_hosts(session, waiting, self._worker, now=now, lease=self._config.lease)
        self._turns |= fresh
        wanted = {
            host: 1 if turn.probe else AHEAD - len(self._jobs.get(host, ()))
            for host, turn in self._turns.items()
            if host not in self._resting and not (turn.probe and host in self._jobs)
        }
        why_late = {
            name: f"host beristirahat: {host.rest_reason}"
            for name, host in states(session, list(fresh)).items()
            if host.rest_reason
        }
        claimed = claim_runs(
            session, {host: count for host, count in wanted.items() if count > 0}, self._worker,
            actor=self._config.actor, now=now, lease=self._config.lease, why_late=why_late, only=self._only,
        )  # fmt: skip
        spent = overspent(session, self._config.caps, now) if self._config.caps else ()
        for run, target in claimed:
            if target.source in spent:
                reason = f"batas belanja bulan ini untuk {target.source} tercapai"
                close_run(session, run, RunOutcome.REFUSED, actor=self._config.actor, reason=reason, at=now)
        jobs = [job_of(run, target) for run, target in claimed if run.outcome is RunOutcome.RUNNING]
        busy = {job.host for job in jobs} | self._jobs.keys()
        aside = {host for host, until in self._aside.items() if until > time.monotonic()}
        idle = [host for host in self._turns if host not in busy | aside]
        release_hosts(session, idle, self._worker)
        for host in idle:
            del self._turns[host]
            self._resting.discard(host)
            self._aside.pop(host, None)
        return jobs

    def _listen(self) -> int:
        """Take what the fetcher says, write it, answer its questions; returns how many messages there were."""
        messages = [] if self._fetcher is None else self._fetcher.drain()
        news = [message for message in messages if isinstance(message, News)]
        questions = [message for message in messages if isinstance(message, Question)]
        if news:
            self._write(news)
        for question in questions:
            self._tell(Reply(question.number, self._answer(question)))
        for message in news:
            if isinstance(message, Ended):
                self._forget(message)
        return len(messages)

    def _write(self, news: Sequence[News]) -> None:
        """All in one transaction; if that fails, each in its own."""
        try:
            with self._database.write() as session:
                self._recorder.open(session, {one.run_id for one in news if not isinstance(one, HostNews)})
                dropped = [self._record(session, one) for one in news]
        except StorageError:
            raise
        except NetraError as error:
            if len(news) == 1:
                self._give_up(news[0], error)
                return
            for one in news:
                self._write([one])
            return
        for run_id in filter(None, dropped):
            self._tell(Drop(run_id))

    def _record(self, session: Session, news: News) -> str | None:
        """Write one piece of news; returns the run to stop, if it may not go on."""
        try:
            match news:
                case Received():
                    self._recorder.receive(session, news)
                case Looked():
                    self._recorder.look(session, news)
                case Ended():
                    self._recorder.end(session, news)
                case HostNews():
                    self._note(session, news)
        except Dropped:
            return None if isinstance(news, HostNews) else news.run_id
        return None

    def _note(self, session: Session, news: HostNews) -> None:
        now = utc_now()
        note_news(session, [news], actor=self._config.actor, now=now)
        host = states(session, [news.host]).get(news.host)
        if host is None:
            return
        if host.rests(now):
            self._resting.add(news.host)
        elif news.host in self._turns and self._turns[news.host].probe and not host.openings:
            self._turns[news.host] = dataclasses.replace(self._turns[news.host], probe=False)

    def _give_up(self, news: News, error: NetraError) -> None:
        """One piece of news cannot be written: its run ends as failed, and nothing else is lost."""
        _logger.error("news_not_written", reason=str(error), kind=type(news).__name__)
        if isinstance(news, HostNews | Ended):
            raise error
        with self._database.write() as session:
            self._recorder.end(session, Ended(news.run_id, Ending(RunOutcome.FAILED, f"tidak tersimpan: {error}")))
        self._tell(Drop(news.run_id))

    def _answer(self, question: Question) -> object:
        match question:
            case TurnQuestion(host=host):
                return self._turn(host)
            case EditsQuestion():
                with self._database.read() as session:
                    return self._recorder.unknown_edits(session, question)
            case UnlistedQuestion():
                with self._database.read() as session:
                    return self._recorder.unlisted(session, question)

    def _turn(self, host: str) -> Turn | Resting:
        """Leave to ask a host beside those of the runs: where a redirect or a connector leads."""
        now = utc_now()
        with self._database.write() as session:
            turns = take_hosts(session, [host], self._worker, now=now, lease=self._config.lease)
            known = states(session, [host]).get(host)
        if host in turns:
            self._turns.setdefault(host, turns[host])
            self._aside[host] = time.monotonic() + ASIDE_SECONDS
            return turns[host]
        if known is not None and known.rest_until is not None and known.rest_until > now:
            return Resting(known.rest_until, known.rest_reason)
        return Resting(now + self._config.lease, "host sedang ditanya proses lain")

    def _forget(self, message: Ended) -> None:
        for host, jobs in list(self._jobs.items()):
            if jobs.pop(message.run_id, None) is not None and not jobs:
                del self._jobs[host]

    def _keep(self) -> None:
        """Renew what this worker holds."""
        if time.monotonic() - self._kept_at < KEEP_SECONDS:
            return
        self._kept_at, now = time.monotonic(), utc_now()
        with self._database.write() as session:
            renew_claims(session, self._worker, now=now, lease=self._config.lease)
            renew_leases(session, self._worker, now=now, lease=self._config.lease)

    def _watch(self) -> None:
        """A fetcher that died, fell silent or grew too large is replaced; what it held is interrupted."""
        if self._fetcher is None:
            return
        trouble = self._fetcher.trouble(self._config)
        if trouble:
            _logger.error("fetcher_ended", reason=trouble, runs=sum(map(len, self._jobs.values())))
            self._listen()
            self._retire()
            time.sleep(PAUSE_AFTER_DEATH)

    def _retire(self) -> None:
        """End the fetcher and interrupt the runs it still holds."""
        if self._fetcher is not None:
            self._fetcher.end()
            self._fetcher = None
        left = [run_id for jobs in self._jobs.values() for run_id in jobs]
        self._jobs.clear()
        with self._database.write() as session:
            for run_id in left:
                run = session.get_one(Run, run_id)
                if run.outcome is RunOutcome.RUNNING:
                    interrupt(session, run, actor=self._config.actor, now=utc_now())
            release_hosts(session, self._turns, self._worker)
        self._turns.clear()
        self._resting.clear()
        self._aside.clear()

    def _close(self) -> None:
        """Write what is already in the pipe, then end the fetcher."""
        while self._listen():
            pass
        self._retire()

    def _tell(self, message: Work | Drop | Reply) -> None:
        if self._fetcher is not None:
            self._fetcher.tell(message)


class _Fetcher:
    """The fetching process, seen from outside."""

    def __init__(self, config: CrawlConfig) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=fetch_for, args=(theirs, config), daemon=True)
        self._process.start()
        theirs.close()
        self._started_at = self._heard_at = time.monotonic()

    def tell(self, message: Work | Drop | Reply) -> None:
        """Send; a dead fetcher is noticed by `trouble`."""
        with contextlib.suppress(OSError):
            self._connection.send(message)

    def drain(self) -> list[FromFetcher]:
        """What it said: at least waits a moment, at most takes one group. Whoever asks is not kept waiting."""
        found: list[FromFetcher] = []
        size, wait, until = 0, POLL_SECONDS, 0.0
        with contextlib.suppress(EOFError, OSError):
            while len(found) < GROUP_MESSAGES and size < GROUP_BYTES and self._connection.poll(wait):
                message: FromFetcher = self._connection.recv()
                found.append(message)
                size += _size(message)
                until = until or time.monotonic() + GATHER_SECONDS
                wait = 0.0 if isinstance(message, Question) else max(0.0, until - time.monotonic())
        if found:
            self._heard_at = time.monotonic()
        return [message for message in found if not isinstance(message, Heartbeat)]

    def is_worn(self, config: CrawlConfig) -> bool:
        """Whether it should make room for a fresh one as soon as it is idle."""
        return time.monotonic() - self._started_at > config.process_seconds

    def trouble(self, config: CrawlConfig) -> str:
        """Why it must end now; empty when all is well."""
        if not self._process.is_alive():
            return f"ended with code {self._process.exitcode}"
        if time.monotonic() - self._heard_at > config.silence_seconds:
            return f"silent for {config.silence_seconds:g} seconds"
        if _resident_bytes(self._process.pid) > config.process_bytes:
            return f"holds more than {config.process_bytes >> 20} MiB"
        return ""

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()
        self._connection.close()


def _size(message: FromFetcher) -> int:
    return len(message.response.answer.body) if isinstance(message, Received) else 0


def _resident_bytes(pid: int | None) -> int:
    """Resident memory of a process; 0 where /proc does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096
    except (OSError, IndexError, ValueError):
        return 0
