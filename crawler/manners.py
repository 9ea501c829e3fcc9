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

AskTurn = Callable[[str], Awaitable[Turn | Resting]]
SendNews = Callable[[HostNews], Awaitable[None]]


class HostResting(Exception):
    """The host is not to be asked before `until`."""

    def __init__(self, until: dt.datetime, reason: str) -> None:
        super().__init__(reason)
        self.until = until


@dataclasses.dataclass(slots=True)
class _Known:
    """`granted_until` (monotonic seconds): how long the leave holds; what is known of the host outlasts it.

    `spent`: requests since `window_began` (monotonic seconds), at first what others spent in the hour.
    """

    crawl_delay: float
    asked_at: dt.datetime | None
    spent: int
    window_began: float
    granted_until: float = 0.0
    resting: Resting | None = None
    requests: int = 0
    failures: int = 0
    succeeded: bool = False
    failing: bool = False


class Manners:
    """Every request passes `wait_turn`; `succeeded`, `failed`, `rest` and `crawl_delay` say what came of it."""

    def __init__(self, config: CrawlConfig, ask_turn: AskTurn, send_news: SendNews) -> None:
        self._config = config
        self._ask_turn = ask_turn
        self._send = send_news
        self._hosts: dict[str, _Known] = {}

    def grant(self, turn: Turn, seconds: float = math.inf) -> None:
        """The coordinator handed out leave to ask this host."""
        known = self._hosts.get(turn.host)
        if known is None:
            known = self._hosts[turn.host] = _Known(turn.crawl_delay, turn.not_before, turn.spent, time.monotonic())
        known.granted_until = time.monotonic() + seconds

    async def forget(self, host: str) -> None:
        """Nothing is left to ask this host: tell what was seen; the next request needs a new leave."""
        known = self._hosts.get(host)
        if known is not None:
            known.granted_until = 0.0
            await self._tell(host, known)

    async def wait_turn(self, host: str) -> None:
        """Wait until the host may be asked.

        Raises:
            HostResting: that is too long to wait for, or another process asks it.
        """
        known = self._hosts.get(host)
        if known is None or known.granted_until < time.monotonic():
            answer = await self._ask_turn(host)
            if isinstance(answer, Resting):
                raise HostResting(answer.until, answer.reason)
            self.grant(answer, LEAVE_SECONDS)
            known = self._hosts[host]
        self._check_budget(host, known)
        await self._sit_out(host, known)
        known.asked_at, known.requests, known.spent = utc_now(), known.requests + 1, known.spent + 1
        if known.requests >= NEWS_EVERY:
            await self._tell(host, known)

    async def rest(self, host: str, until: dt.datetime, reason: str) -> None:
        """The host asked to be left alone until then."""
        known = self._hosts.get(host)
        if known is not None:
            known.resting = Resting(until, reason)
            await self._tell(host, known)

    async def succeeded(self, host: str) -> None:
        """It answered."""
        known = self._hosts.get(host)
        if known is None:
            return
        news = known.failing or not known.succeeded
        known.succeeded, known.failing, known.failures = True, False, 0
        if news:
            await self._tell(host, known)

    async def failed(self, host: str, reason: str) -> None:
        """It did not answer, or only with an error of its own."""
        known = self._hosts.get(host)
        if known is None:
            return
        known.failures, known.failing, known.succeeded = 1, True, False
        await self._tell(host, known, failure=reason)

    async def crawl_delay(self, host: str, seconds: float | None) -> None:
        """Its robots.txt asks for this pause between two requests (`Crawl-delay`, not in RFC 9309, but widely used)."""
        wanted = min(seconds or 0.0, self._config.longest_crawl_delay)
        known = self._hosts.get(host)
        if known is not None and known.crawl_delay != wanted:
            known.crawl_delay = wanted
            await self._tell(host, known)

    def _check_budget(self, host: str, known: _Known) -> None:
        budget = self._config.limits(host).per_hour
        if time.monotonic() - known.window_began >= BUDGET_WINDOW.total_seconds():
            known.spent, known.window_began = 0, time.monotonic()
        if budget and known.spent >= budget and known.resting is None:
            known.resting = Resting(utc_now() + BUDGET_WINDOW, f"anggaran {budget} permintaan per jam habis")

    async def _sit_out(self, host: str, known: _Known) -> None:
        """Wait for the pauses that are due, as long as they are short."""
        now = utc_now()
        if known.resting is not None and known.resting.until > now:
            if (known.resting.until - now).total_seconds() > self._config.longest_wait:
                await self._tell(host, known)
                raise HostResting(known.resting.until, known.resting.reason)
            await asyncio.sleep((known.resting.until - now).total_seconds())
        known.resting = None
        if known.asked_at is not None:
            pause = max(known.crawl_delay, self._config.limits(host).delay)
            await asyncio.sleep(max(0.0, pause - (utc_now() - known.asked_at).total_seconds()))

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
        await self._send(news)


def host_name(url: str) -> str:
    """The host that a URL names, as `models.hosts` knows it."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
