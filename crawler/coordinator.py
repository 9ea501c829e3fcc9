"""The coordinator: claims queued runs, hands them to a fetching process, and writes what comes back.

It alone holds the database. What arrives together is written in one transaction (group commit), so that the disk is
asked to be sure once for many pages; an error in one of them is found by writing each by itself.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Collection, Iterable, Sequence

import structlog
from sqlalchemy.orm import Session

from crawler.config import CrawlConfig
from crawler.holdings import Holdings
from crawler.recorder import Dropped, Recorder, job_of
from crawler.remote import Fetcher, wait_for
from crawler.wire import (
    Drop,
    EditsQuestion,
    Ended,
    Ending,
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
from models.claims import claim_runs, interrupt, overspent, renew_claims, take_back, wait_shortly, waiting_hosts
from models.clock import utc_now
from models.database import Database
from models.errors import Conflict, NetraError, StorageError
from models.hosts import HostNews, Turn, note_news, release_hosts, renew_leases, states, take_hosts
from models.targets import Run, RunOutcome, close_run

AHEAD = 2
"""Runs of one host that the fetcher holds, so that it never waits for the database between two."""
FEED_SECONDS = 0.2
IDLE_SECONDS = 0.5
KEEP_SECONDS = 15.0
PAUSE_AFTER_DEATH = 1.0
CLOSING_SECONDS = 5.0
WRITES = 3
"""Attempts at what somebody else changed at the same moment."""

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
        self._recorder = Recorder(config.actor, worker, dt.timedelta(days=config.look_back_days))
        self._fetchers: list[Fetcher] = []
        self._held = Holdings()
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
                if self._held.busy or self._waits_shortly():
                    busy_at = time.monotonic()
                elif time.monotonic() - busy_at >= self._config.linger_seconds:
                    break
                if self._only is not None and time.monotonic() - began > self._config.total_seconds:
                    _logger.warning("crawl_out_of_time", seconds=self._config.total_seconds)
                    break
                if not self._listen() and not self._held.busy:
                    stop.wait(IDLE_SECONDS)
                self._keep()
                self._watch()
        except BaseException:
            self._end_fetchers()  # what they say after something could not be written must not be written either
            raise
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
        """Claim runs where the fetchers run low; returns how many."""
        if time.monotonic() - self._fed_at < FEED_SECONDS and self._held.busy:
            return 0
        self._fed_at = time.monotonic()
        newest = self._fetchers[-1] if self._fetchers and not self._fetchers[-1].is_worn() else None
        with self._database.write() as session:
            jobs = self._claim(session, newest)
        if jobs and newest is None:
            newest = Fetcher(self._config)
            self._fetchers.append(newest)
        for job in jobs:
            if newest is not None:
                newest.tell(Work(job, self._held.give(job, newest)))
        return len(jobs)

    def _claim(self, session: Session, newest: Fetcher | None) -> list[Job]:
        now = utc_now()
        self._take_hosts(session, now)
        claimed = claim_runs(
            session, self._held.wanted(AHEAD, newest), self._worker,
            actor=self._config.actor, now=now, lease=self._config.lease, only=self._only,
        )  # fmt: skip
        spent = overspent(session, self._config.caps, now) if self._config.caps else ()
        for run, target in claimed:
            if target.source in spent:
                reason = f"batas belanja bulan ini untuk {target.source} tercapai"
                close_run(session, run, RunOutcome.REFUSED, actor=self._config.actor, reason=reason, at=now)
        jobs = [job_of(run, target) for run, target in claimed if run.outcome is RunOutcome.RUNNING]
        idle = set(self._held.idle()) - {job.host for job in jobs}
        release_hosts(session, idle, self._worker)
        self._held.let_go(idle)
        return jobs

    def _take_hosts(self, session: Session, now: dt.datetime) -> None:
        """Hold more hosts while there is room; see which of those that are held were told to rest, or woken."""
        for name, host in states(session, self._held.hosts).items():
            self._held.rest(name, resting=host.rests(now))
        room = self._config.hosts_at_once - self._held.busy
        if room > 0:
            waiting = waiting_hosts(
                session, self._worker, besides=self._held.hosts, now=now, limit=room, only=self._only
            )
            self._held.take(take_hosts(session, waiting, self._worker, now=now, lease=self._config.lease).values())

    def _listen(self) -> int:
        """Take what the fetchers say, write it, answer their questions; returns how many messages there were."""
        if not self._fetchers:
            return 0
        wait_for(self._fetchers)
        return sum(self._hear(fetcher) for fetcher in list(self._fetchers))

    def _hear(self, fetcher: Fetcher) -> int:
        messages = fetcher.drain()
        news = [message for message in messages if isinstance(message, News)]
        if news:
            self._write(news)
        for message in messages:
            if isinstance(message, Question):
                fetcher.tell(Reply(message.number, self._answer(message, fetcher)))
            elif isinstance(message, Ended):
                self._held.end(message.run_id)
        return len(messages)

    def _write(self, news: Sequence[News], attempt: int = 1) -> None:
        """All in one transaction; if that fails, each in its own."""
        try:
            with self._database.write() as session:
                self._recorder.open(session, {one.run_id for one in news if not isinstance(one, HostNews)})
                dropped = [self._record(session, one) for one in news]
        except StorageError:
            raise
        except NetraError as error:
            if len(news) > 1:
                for one in news:
                    self._write([one])
            elif isinstance(error, Conflict) and attempt < WRITES:
                self._write(news, attempt + 1)
            else:
                self._give_up(news[0], error)
            return
        self._drop(run_id for run_id in dropped if run_id is not None)

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
        if host is not None:
            self._held.rest(news.host, resting=host.rests(now))
            if not host.openings:
                self._held.proven(news.host)

    def _give_up(self, news: News, error: NetraError) -> None:
        """One piece of news cannot be written: its run ends as failed, and nothing else is lost."""
        _logger.error("news_not_written", reason=str(error), kind=type(news).__name__)
        if isinstance(news, HostNews):
            return
        with self._database.write() as session:
            self._recorder.end(session, Ended(news.run_id, Ending(RunOutcome.FAILED, f"tidak tersimpan: {error}")))
        self._drop([news.run_id])

    def _drop(self, run_ids: Iterable[str]) -> None:
        """Stop walking runs that have been ended."""
        for run_id in run_ids:
            fetcher = self._held.fetcher_of(run_id)
            if fetcher is not None:
                fetcher.tell(Drop(run_id))

    def _answer(self, question: Question, fetcher: Fetcher) -> object:
        match question:
            case TurnQuestion(host=host):
                return self._turn(host, fetcher)
            case EditsQuestion():
                with self._database.read() as session:
                    return self._recorder.unknown_edits(session, question)
            case UnlistedQuestion():
                with self._database.read() as session:
                    return self._recorder.unlisted(session, question)

    def _turn(self, host: str, fetcher: Fetcher) -> Turn | Resting:
        """Leave to ask a host beside those of the runs: where a redirect or a connector leads."""
        now = utc_now()
        taken_by_others = Resting(now + self._config.lease, "host sedang ditanya proses lain")
        if self._held.belongs_to_another(host, fetcher):
            return taken_by_others
        with self._database.write() as session:
            turns = take_hosts(session, [host], self._worker, now=now, lease=self._config.lease)
            known = states(session, [host]).get(host)
        if host in turns:
            self._held.aside(turns[host], fetcher)
            return turns[host]
        if known is not None and known.rest_until is not None and known.rest_until > now:
            return Resting(known.rest_until, known.rest_reason)
        return taken_by_others

    def _keep(self) -> None:
        """Renew what this worker holds, let go of what was taken while it slept, take back what the dead held."""
        if time.monotonic() - self._kept_at < KEEP_SECONDS:
            return
        self._kept_at, now = time.monotonic(), utc_now()
        with self._database.write() as session:
            renew_claims(session, self._worker, now=now, lease=self._config.lease)
            mine = renew_leases(session, self._worker, now=now, lease=self._config.lease)
            take_back(session, actor=self._config.actor, now=now)
        lost = set(self._held.hosts) - mine
        if lost:
            _logger.warning("hosts_lost", hosts=len(lost))
            self._drop(run_id for host in lost for run_id in self._held.runs_on(host))
            self._interrupt(self._held.let_go(lost))

    def _watch(self) -> None:
        """Replace fetchers that died, fell silent or grew too large; end worn ones that have nothing left."""
        for fetcher in list(self._fetchers):
            trouble = fetcher.trouble()
            if trouble:
                _logger.error("fetcher_ended", reason=trouble, runs=len(self._held.runs_of(fetcher)))
                self._hear(fetcher)
                self._retire(fetcher)
                time.sleep(PAUSE_AFTER_DEATH)
            elif fetcher.is_worn() and not self._held.hosts_of(fetcher):
                self._retire(fetcher)

    def _retire(self, fetcher: Fetcher) -> None:
        """End a fetcher and interrupt the runs it still walks."""
        fetcher.end()
        self._fetchers.remove(fetcher)
        hosts = self._held.hosts_of(fetcher)
        with self._database.write() as session:
            release_hosts(session, hosts, self._worker)
        self._interrupt(self._held.let_go(hosts))

    def _interrupt(self, run_ids: Sequence[str]) -> None:
        with self._database.write() as session:
            for run_id in run_ids:
                run = session.get_one(Run, run_id)
                if run.outcome is RunOutcome.RUNNING and run.worker == self._worker:
                    interrupt(session, run, actor=self._config.actor, now=utc_now())

    def _close(self) -> None:
        """Write what is already said, then end everything."""
        deadline = time.monotonic() + CLOSING_SECONDS
        try:
            while self._listen() and time.monotonic() < deadline:
                pass
        finally:
            self._end_fetchers()
        with self._database.write() as session:
            release_hosts(session, self._held.hosts, self._worker)

    def _end_fetchers(self) -> None:
        """End them at once; their runs are interrupted, if the database takes that."""
        for fetcher in self._fetchers:
            fetcher.end()
        self._fetchers.clear()
        self._interrupt(self._held.runs_of())
