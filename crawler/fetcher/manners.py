"""The manners of one fetching process: which hosts it may ask, when, and what it tells the others about them.

Leave to ask a host comes from the coordinator, who shares hosts with all other processes through the database
(`models.hosts`). What is learned here, pauses, failures, budgets, goes back there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import math
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from crawler.config import CrawlConfig
from crawler.wire import Resting
from models.clock import utc_now
from models.hosts import BUDGET_WINDOW, HostNews, Turn

NEWS_EVERY = 50
"""Requests to one host after which the others hear of it."""

LEAVE_SECONDS = 30.0
"""How long leave holds for a host that no run is for: where a redirect or a connector leads."""

PROBE_REQUESTS = 2
"""What a probe consists of: robots.txt, and one page."""
PROBE_PAUSE = dt.timedelta(seconds=60)
"""How long others wait for the answer to the first request after a breaker half opened."""

AskTurn = Callable[[str], Awaitable[Turn | Resting]]
SendNews = Callable[[HostNews], Awaitable[None]]


class HostResting(Exception):
    """`host` is not to be asked before `until`."""

    def __init__(self, host: str, until: dt.datetime, reason: str) -> None:
        super().__init__(reason)
        self.host = host
        self.until = until


@dataclasses.dataclass(slots=True)
class _Known:
    """One host. What is known of it outlasts the leave to ask it, which holds until `granted_until` (monotonic).

    `asked_at` (monotonic): the last request, or its end. `spent`: requests since `window_began` (monotonic), at first
    what others spent in the hour. `rested_at`: when `resting` was learned; a leave taken later ends it. `probing`: no
    answer came yet since the breaker half opened. `requests`, `failures` and `succeeded` are what the others have not
    heard of.
    """

    crawl_delay: float
    asked_at: float
    spent: int
    window_began: float
    lock: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    granted_until: float = 0.0
    probing: bool = False
    resting: Resting | None = None
    rested_at: dt.datetime | None = None
    requests: int = 0
    failures: int = 0
    succeeded: bool = False
    answers: bool = False


class Manners:
    """Every request passes `wait_turn`; `succeeded`, `failed`, `rest` and `crawl_delay` say what came of it."""

    def __init__(self, config: CrawlConfig, ask_turn: AskTurn, send_news: SendNews) -> None:
        self._config = config
        self._ask_turn = ask_turn
        self._send = send_news
        self._hosts: dict[str, _Known] = {}

    def grant(self, turn: Turn, seconds: float = math.inf) -> None:
        """The coordinator handed out leave to ask this host; what other processes saw of it comes along."""
        known = self._hosts.get(turn.host)
        if known is None:
            known = self._hosts[turn.host] = _Known(turn.crawl_delay, -math.inf, turn.spent, time.monotonic())
        known.granted_until = time.monotonic() + seconds
        known.crawl_delay = max(known.crawl_delay, turn.crawl_delay)
        known.spent = max(known.spent, turn.spent)
        known.probing = turn.probe and not known.answers
        if turn.not_before is not None:
            ago = max(0.0, (utc_now() - turn.not_before).total_seconds())
            known.asked_at = max(known.asked_at, time.monotonic() - ago)
        if known.rested_at is not None and turn.taken_at is not None and turn.taken_at > known.rested_at:
            known.resting = known.rested_at = None

    async def forget(self, host: str) -> None:
        """Nothing is left to ask this host: tell what was seen; the next request needs a new leave."""
        known = self._hosts.get(host)
        if known is not None:
            known.granted_until = 0.0
            await self._tell(host, known)

    async def wait_turn(self, host: str) -> None:
        """Wait until the host may be asked; whoever else wants to ask it waits behind.

        Raises:
            HostResting: that is too long to wait for, or another process asks it.
        """
        known = await self._granted(host)
        async with known.lock:
            if known.probing and known.requests >= PROBE_REQUESTS:
                raise HostResting(host, utc_now() + PROBE_PAUSE, "satu permintaan percobaan sedang berjalan")
            self._check_budget(known, self._config.limits(host).per_hour)
            await self._sit_out(host, known)
            known.asked_at, known.requests, known.spent = time.monotonic(), known.requests + 1, known.spent + 1
        if known.requests >= NEWS_EVERY:
            await self._tell(host, known)

    async def rest(self, host: str, until: dt.datetime, reason: str) -> None:
        """The host asked to be left alone until then."""
        known = self._hosts.get(host)
        if known is not None:
            self._begin_rest(known, Resting(until, reason))
            await self._tell(host, known)

    async def succeeded(self, host: str) -> None:
        """It answered."""
        known = self._hosts.get(host)
        if known is None:
            return
        news, known.asked_at = not known.answers, time.monotonic()  # the pause begins when the server is done
        known.succeeded, known.answers, known.probing, known.failures = True, True, False, 0
        if news:
            await self._tell(host, known)

    async def failed(self, host: str, reason: str) -> None:
        """It did not answer, or only with an error of its own."""
        known = self._hosts.get(host)
        if known is not None:
            known.asked_at, known.failures, known.answers, known.succeeded = time.monotonic(), 1, False, False
            if known.probing:
                self._begin_rest(known, Resting(utc_now() + PROBE_PAUSE, reason))
            await self._tell(host, known, failure=reason)

    async def crawl_delay(self, host: str, seconds: float | None) -> None:
        """Its robots.txt asks for this pause between two requests (`Crawl-delay`, not in RFC 9309, but widely used)."""
        wanted = min(seconds or 0.0, self._config.longest_crawl_delay)
        known = self._hosts.get(host)
        if known is not None and known.crawl_delay != wanted:
            known.crawl_delay = wanted
            await self._tell(host, known)

    async def _granted(self, host: str) -> _Known:
        known = self._hosts.get(host)
        if known is None or known.granted_until < time.monotonic():
            answer = await self._ask_turn(host)
            if isinstance(answer, Resting):
                raise HostResting(host, answer.until, answer.reason)
            self.grant(answer, LEAVE_SECONDS)
        return self._hosts[host]

    def _check_budget(self, known: _Known, budget: int) -> None:
        if time.monotonic() - known.window_began >= BUDGET_WINDOW.total_seconds():
            known.spent, known.window_began = 0, time.monotonic()
        if budget and known.spent >= budget and known.resting is None:
            reason = f"anggaran {budget} permintaan per jam habis"
            self._begin_rest(known, Resting(utc_now() + BUDGET_WINDOW, reason))

    @staticmethod
    def _begin_rest(known: _Known, resting: Resting) -> None:
        known.resting, known.rested_at = resting, utc_now()

    async def _sit_out(self, host: str, known: _Known) -> None:
        """Wait for the pauses that are due, as long as they are short."""
        now = utc_now()
        if known.resting is not None and known.resting.until > now:
            if (known.resting.until - now).total_seconds() > self._config.longest_wait:
                await self._tell(host, known)
                raise HostResting(host, known.resting.until, known.resting.reason)
            await asyncio.sleep((known.resting.until - now).total_seconds())
        known.resting = known.rested_at = None
        pause = max(known.crawl_delay, self._config.limits(host).delay)
        await asyncio.sleep(max(0.0, known.asked_at + pause - time.monotonic()))

    async def _tell(self, host: str, known: _Known, *, failure: str = "") -> None:
        news = HostNews(
            host,
            requests=known.requests,
            failures=known.failures,
            failure=failure,
            rest_until=None if known.resting is None else known.resting.until,
            rest_reason="" if known.resting is None else known.resting.reason,
            crawl_delay=known.crawl_delay,
            succeeded=known.succeeded,
        )
        known.requests = known.failures = 0
        known.succeeded = False
        await self._send(news)


def host_name(url: str) -> str:
    """The host that a URL names, as `models.hosts` knows it."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
