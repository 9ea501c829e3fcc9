"""The spider: walks the runs it is given, one at a time on each host, and speaks for them to servers."""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
import random
from collections.abc import AsyncIterator
from typing import Any

import scrapy
import structlog
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)

from crawler.config import CrawlConfig
from crawler.fetcher.headers import headers_of
from crawler.fetcher.hotline import Hotline
from crawler.fetcher.manners import HostResting, Manners, host_name
from crawler.fetcher.middleware import RobotsRefusedError, RobotsUnreadableError
from crawler.fetcher.pacing import TOO_MANY_REQUESTS, UNAVAILABLE, pause_until
from crawler.fetcher.walk import RunOver, Walk
from crawler.guard import Refused
from crawler.source import Answer, Ask, KnownPost, Source
from crawler.wire import Ended, Ending, Job, Looked, Received, Response
from models.clock import utc_now
from models.targets import RunOutcome

MAX_DETAIL_CHARACTERS = 200
UNTRUSTED = "sertifikat TLS tidak sah"

_WORTH_RETRYING = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_SERVER_ERROR = 500
_RETRY_JITTER = 0.5

_logger = structlog.get_logger(__name__)


class TargetSpider(scrapy.Spider):
    """Walks every run the hotline brings, until it closes."""

    name = "netra"

    def __init__(self, *, config: CrawlConfig, hotline: Hotline) -> None:
        super().__init__()
        self.config = config
        self.manners = Manners(config, hotline.turn, hotline.send)
        self._hotline = hotline
        self._queues: dict[str, collections.deque[Job]] = {}
        self._walks: dict[str, asyncio.Task[Ending]] = {}

    async def start(self) -> AsyncIterator[Any]:
        """Scrapy's entry; requests are made by hand, so that a run reads from top to bottom."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as hosts:
            self._hotline.open(loop, self._drop)
            async for job, turn in self._hotline.work():
                self.manners.grant(turn)
                if job.host in self._queues:
                    self._queues[job.host].append(job)
                else:
                    self._queues[job.host] = collections.deque([job])
                    hosts.create_task(self._crawl_host(job.host))
            for walk in self._walks.values():
                walk.cancel()
        return
        yield  # Scrapy wants a generator

    def _drop(self, run_id: str) -> None:
        """Stop walking a run that was ended elsewhere."""
        walk = self._walks.get(run_id)
        if walk is not None:
            walk.cancel()

    async def _crawl_host(self, host: str) -> None:
        queue = self._queues[host]
        while queue:
            await self._crawl_run(queue.popleft())
        del self._queues[host]
        await self.manners.forget(host)

    async def _crawl_run(self, job: Job) -> None:
        """Walk one run; whatever goes wrong in it ends this run and no other."""
        walk = asyncio.ensure_future(self._guarded(job))
        self._walks[job.run_id] = walk
        try:
            ending: Ending | None = await walk
        except asyncio.CancelledError:
            ending = Ending(RunOutcome.INTERRUPTED, "dihentikan")
        except HostResting:
            ending = None
        del self._walks[job.run_id]
        await self._hotline.send(Ended(job.run_id, ending, returned=ending is None))

    async def _guarded(self, job: Job) -> Ending:
        line = _Line(self, job, self._hotline)
        try:
            async with asyncio.timeout(self.config.run_seconds):
                return await Walk(job, line, self.config).run()
        except RunOver as over:
            return over.ending
        except HostResting as resting:
            if resting.host == job.host and not line.asked:
                raise
            return _rested(resting)
        except TimeoutError:
            return Ending(RunOutcome.FAILED, f"batas waktu {self.config.run_seconds:g} detik habis")
        except Exception as error:
            _logger.exception("run_failed", run=job.run_id)
            return Ending(RunOutcome.FAILED, f"kesalahan tak terduga: {type(error).__name__}: {error}")


class _Line:
    """A walk's line to servers; see `crawler.fetcher.walk.Line`. `asked`: whether any answer came back yet."""

    def __init__(self, spider: TargetSpider, job: Job, hotline: Hotline) -> None:
        self.asked = False
        self._spider = spider
        self._config = spider.config
        self._job = job
        self._hotline = hotline

    async def send(self, news: Received | Looked) -> None:
        await self._hotline.send(news)

    async def unknown_edits(self, job: Job, texts: dict[str, str]) -> set[str]:
        return await self._hotline.unknown_edits(job.run_id, texts)

    async def unlisted(self, job: Job, since: dt.datetime) -> list[KnownPost]:
        return await self._hotline.unlisted(job.run_id, since)

    async def fetch(self, job: Job, ask: Ask, source: Source) -> Response:
        """Ask until there is an answer that asking again would not better.

        Raises:
            RunOver: there will be none in this run.
        """
        host = host_name(ask.url)
        for attempt in range(self._config.attempts):
            last = attempt + 1 == self._config.attempts
            try:
                response = await self._download(host, self._request(ask, source))
            except RunOver as over:
                if last or not over.again:
                    raise
            else:
                self.asked = True
                until = await self._heed(response)
                if last or not self._again(response, until):
                    if until is not None and response.status in {TOO_MANY_REQUESTS, UNAVAILABLE}:
                        await self.send(Received(job.run_id, ask, response))
                        raise _asked_to_wait(until)
                    return response
                await self.send(Received(job.run_id, ask, response))
            await asyncio.sleep(self._config.retry_delay * 2**attempt * random.uniform(1, 1 + _RETRY_JITTER))  # noqa: S311
        raise RunOver(RunOutcome.FAILED, "server tidak menjawab")

    async def _download(self, host: str, request: scrapy.Request) -> Response:
        manners = self._spider.manners
        try:
            response = _as_response(await self._spider.crawler.engine.download_async(request))
        except HostResting as resting:
            if self.asked or resting.host != self._job.host:
                raise RunOver(RunOutcome.FAILED, _rested(resting).reason) from resting
            raise
        except (IgnoreRequest, Refused, ValueError, DownloadCancelledError, *_PASSING) as error:
            over = _over(error)
            if over.against_host:
                await manners.failed(getattr(error, "asked_host", host), over.ending.reason)
            raise over from error
        host = host_name(response.answer.url)
        if response.status >= _SERVER_ERROR:
            await manners.failed(host, f"server menjawab HTTP {response.status}")
        else:
            await manners.succeeded(host)
        return response

    def _request(self, ask: Ask, source: Source) -> scrapy.Request:
        headers = {"Accept": source.accept}
        known = self._job.validators.get(ask.url, {}) if ask.conditional else {}
        if "etag" in known:
            headers["If-None-Match"] = known["etag"]
        if "last-modified" in known:
            headers["If-Modified-Since"] = known["last-modified"]
        if source.needs_token:
            headers["Authorization"] = f"Bearer {self._config.tokens[self._job.source]}"
        return scrapy.Request(ask.url, headers=headers, dont_filter=True)

    async def _heed(self, response: Response) -> dt.datetime | None:
        """Remember until when the host wants to be left alone, for this run and all others."""
        until = pause_until(response.status, response.answer.headers, utc_now())
        if until is not None:
            host = host_name(response.answer.url)
            await self._spider.manners.rest(host, until, f"server meminta jeda (HTTP {response.status})")
        return until

    def _again(self, response: Response, until: dt.datetime | None) -> bool:
        """Whether asking again in this run may help."""
        if until is not None and response.status in {TOO_MANY_REQUESTS, UNAVAILABLE}:
            return (until - utc_now()).total_seconds() <= self._config.longest_wait
        return response.status in _WORTH_RETRYING


_PASSING: dict[type[Exception], str] = {
    DownloadTimeoutError: "server terlalu lambat",
    DownloadConnectionRefusedError: "sambungan ditolak",
    CannotResolveHostError: "nama host tidak dikenal",
    DownloadFailedError: "sambungan terputus",
    ResponseDataLossError: "jawaban terpotong",
}
"""What may be over a moment later."""


def _asked_to_wait(until: dt.datetime) -> RunOver:
    return RunOver(RunOutcome.FAILED, f"diminta menunggu sampai {until:%Y-%m-%d %H:%M:%S} UTC")


def _rested(resting: HostResting) -> Ending:
    reason = f"host beristirahat sampai {resting.until:%Y-%m-%d %H:%M:%S} UTC: {resting}"
    return Ending(RunOutcome.FAILED, reason)


def _as_response(response: scrapy.http.Response) -> Response:
    return Response(response.status, Answer(response.url, headers_of(response), response.body))


def _over(error: Exception) -> RunOver:  # noqa: PLR0911 - one line for each way to fail
    """How a run ends whose request came to nothing."""
    failed, told = RunOutcome.FAILED, _short(error)
    match error:
        case RobotsRefusedError():
            return RunOver(RunOutcome.REFUSED, f"robots.txt melarang alamat ini ({error})")
        case Refused(__cause__=OSError()):  # no answer to the name lookup, which may pass
            return RunOver(failed, f"nama host tidak dikenal: {error}", again=True, against_host=True)
        case Refused():
            return RunOver(RunOutcome.REFUSED, f"alamat ditolak penjaga: {error}")
        case RobotsUnreadableError():
            untrusted = f" ({UNTRUSTED})" if _is_untrusted(error.__cause__) else ""
            return RunOver(failed, f"robots.txt tidak dapat dibaca{untrusted}: {told}")
        case IgnoreRequest():
            return RunOver(failed, f"jawaban ditolak: {told}")
        case DownloadCancelledError():
            return RunOver(failed, f"jawaban terlalu besar: {told}")
        case ValueError():
            return RunOver(failed, f"server menunjuk ke alamat yang rusak: {told}")
        case _:
            what = UNTRUSTED if _is_untrusted(error) else _PASSING[type(error)]
            return RunOver(failed, f"{what}: {told}", again=True, against_host=True)


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether TLS failed on the server's papers: expired, of another host, of an unknown issuer."""
    return "certificate" in repr(error).lower() or "VerificationError" in repr(error)


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:MAX_DETAIL_CHARACTERS]
