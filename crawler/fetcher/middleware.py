"""What every request passes on its way out: the guard, and the site's robots.txt.

The guard judges each request anew, redirects included, and looks its host up once; the connection is then made to
one of those addresses and to no other, because Twisted's resolver is replaced by one that knows only them. A name
that points elsewhere a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution
from zope.interface import implementer

from crawler.config import PRODUCT
from crawler.fetcher.headers import headers_of
from crawler.fetcher.manners import HostResting, host_name
from crawler.fetcher.pacing import pause_until
from crawler.fetcher.robots import parse_robots
from crawler.guard import Guard, Refused, canonical_host, endpoint
from models.clock import utc_now

MAX_ORIGINS = 4_000
"""Sites whose rules are remembered; the one asked for longest ago is forgotten."""
ROBOTS_SECONDS = 24 * 3600.0
UNREADABLE_SECONDS = 300.0
"""How long a robots.txt counts as unreadable before it is asked for again."""

_OK, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500
_TOO_MANY_REQUESTS = 429


class RobotsRefusedError(IgnoreRequest):
    """The site's robots.txt forbids this address."""


class RobotsUnreadableError(IgnoreRequest):
    """The site's robots.txt cannot be had, so everything counts as forbidden (RFC 9309 §2.3.1.4)."""


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Nothing is under way: answers are given at once."""


@implementer(IHostnameResolver)
class PinnedNames:
    """Twisted's resolver, reduced to the addresses the guard has passed for (host, port)."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, int], list[str]] = {}

    def pin(self, host: str, port: int, addresses: list[str]) -> None:
        """From now on `host` means these addresses on this port."""
        self._addresses[host, port] = addresses

    def resolveHostName(  # noqa: N802 - Twisted's interface
        self,
        receiver: Any,
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803
        transportSemantics: str = "TCP",  # noqa: N803
    ) -> _Resolution:
        """Hand out the pinned addresses; none for any other name, which makes the connection fail."""
        del addressTypes
        resolution = _Resolution(hostName)
        receiver.resolutionBegan(resolution)
        for address in self._addresses.get((_canonical(hostName), portNumber), ()):
            family = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(family(transportSemantics, address, portNumber))
        receiver.resolutionComplete()
        return resolution


def _canonical(name: str) -> str:
    try:
        return canonical_host(name)
    except Refused:
        return ""


class GuardMiddleware:
    """Refuses requests to inner addresses, whoever caused them, and pins the ones that pass."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._names = PinnedNames()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> GuardMiddleware:
        """Scrapy's constructor."""
        middleware = cls(Guard(crawler.spider.config.allowed))
        # When the spider opens, Scrapy has put its own resolver in place; before that, ours would be replaced.
        crawler.signals.connect(middleware.install, signals.spider_opened)
        return middleware

    def install(self) -> None:
        """Make the reactor know only pinned names."""
        from twisted.internet import reactor  # noqa: PLC0415 - exists only once Scrapy has installed it

        reactor.installNameResolver(self._names)

    async def process_request(self, request: Request) -> None:
        """Judge the request.

        Raises:
            Refused: it would leave the public network.
        """
        self._guard.check_url(request.url)
        host, port = endpoint(request.url)
        self._names.pin(host, port, await self._guard.resolve(host, port))


class MannersMiddleware:
    """Waits for the host's turn before every request: also those for robots.txt and those that redirects make."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> MannersMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait.

        Raises:
            HostResting: it would take too long.
        """
        await self._crawler.spider.manners.wait_turn(host_name(request.url))

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Note which host failed: after a redirect it is not the one that was asked first."""
        exception.asked_host = host_name(request.url)  # type: ignore[attr-defined]


class RobotsMiddleware:
    """Asks each site's robots.txt and obeys it, for feeds and APIs as well (RFC 9309); keeps it for a day (§2.4)."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._rules: dict[str, tuple[float, asyncio.Future[Protego]]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Scrapy's constructor."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let pass what the site allows.

        Raises:
            RobotsRefusedError: it forbids this address.
            RobotsUnreadableError: nobody can say.
            HostResting: the host is not to be asked now.
        """
        if request.meta.get("robots"):
            return
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        rules = await self._rules_of(origin)
        if host_name(origin) in self._crawler.spider.config.robots_waived:
            return
        if not rules.can_fetch(request.url, PRODUCT):
            raise RobotsRefusedError(origin)

    async def _rules_of(self, origin: str) -> Protego:
        now = time.monotonic()
        kept_at, future = self._rules.get(origin, (-ROBOTS_SECONDS, None))
        if future is None or now - kept_at >= (UNREADABLE_SECONDS if _has_failed(future) else ROBOTS_SECONDS):
            future = asyncio.ensure_future(self._fetch(origin))
            self._rules.pop(origin, None)
            self._rules[origin] = now, future
            if len(self._rules) > MAX_ORIGINS:
                del self._rules[next(iter(self._rules))]
        try:
            return await asyncio.shield(future)
        except HostResting:
            self._rules.pop(origin, None)
            raise

    async def _fetch(self, origin: str) -> Protego:
        request = Request(f"{origin}/robots.txt", meta={"robots": True})
        manners, host = self._crawler.spider.manners, host_name(origin)
        try:
            response: Response = await self._crawler.engine.download_async(request)
        except HostResting:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            await manners.failed(host, f"robots.txt: {reason}")
            raise RobotsUnreadableError(reason) from error
        until = pause_until(response.status, headers_of(response), utc_now())
        if until is not None:
            await manners.rest(host, until, f"server meminta jeda (robots.txt, HTTP {response.status})")
        if response.status >= _SERVER_ERROR:
            await manners.failed(host, f"robots.txt: HTTP {response.status}")
        if response.status >= _SERVER_ERROR or response.status == _TOO_MANY_REQUESTS:
            raise RobotsUnreadableError(f"HTTP {response.status}")
        # RFC 9309 §2.3.1.3: what is not there forbids nothing.
        rules = await asyncio.to_thread(parse_robots, response.body if response.status == _OK else b"")
        await manners.crawl_delay(host, rules.crawl_delay(PRODUCT))
        return rules


def _has_failed(future: asyncio.Future[Protego]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)
