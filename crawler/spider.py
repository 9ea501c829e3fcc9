"""The spider: walks each run from its first request to its end, one run at a time on each host."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import datetime as dt
import functools
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

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
from crawler.guard import Guard, Refused, endpoint
from crawler.middleware import RobotsRefusedError, RobotsUnreadableError
from crawler.pacing import TOO_MANY_REQUESTS, UNAVAILABLE, pause_until
from crawler.recorder import MAX_HEADER_CHARACTERS, Ending, Job, Recorder, Response
from crawler.registry import source_named
from crawler.source import Answer, Ask
from models.clock import utc_now
from models.errors import BadInput, NoMandate, StorageError
from models.posts import storable
from models.targets import RunOutcome

NAME_LOOKUPS = 32
"""Threads for DNS, so that dead name servers of a few hosts do not hold up the others."""

MAX_DETAIL_CHARACTERS = 200

_NOT_MODIFIED = 304
_GONE = frozenset({404, 410})
_WORTH_RETRYING = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_RETRY_JITTER = 0.5

_logger = structlog.get_logger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")


class RunOver(Exception):
    """The run ends here, as `ending` says; `again` is whether asking once more may help first."""

    def __init__(
        self, outcome: RunOutcome, reason: str, due_at: dt.datetime | None = None, *, again: bool = False
    ) -> None:
        super().__init__(reason)
        self.ending = Ending(outcome, reason, due_at)
        self.again = again


class TargetSpider(scrapy.Spider):
    """Crawls the given open runs. `failure` is what stopped the whole crawl, if something did."""

    name = "netra"

    def __init__(self, *, config: CrawlConfig, recorder: Recorder, run_ids: Sequence[str]) -> None:
        super().__init__()
        self.config = config
        self.failure: BaseException | None = None
        self._exceptions = Guard(config.allowed).allowed
        self._recorder = recorder
        self._run_ids = run_ids
        self._writer = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._paused: dict[str, dt.datetime] = {}

    async def start(self) -> AsyncIterator[Any]:
        """Scrapy's entry: crawl everything; requests are made by hand, so that a run reads from top to bottom."""
        asyncio.get_running_loop().set_default_executor(concurrent.futures.ThreadPoolExecutor(NAME_LOOKUPS))
        try:
            async with asyncio.timeout(self.config.total_seconds):
                await self._crawl_hosts()
        except TimeoutError:
            _logger.warning("crawl_out_of_time", seconds=self.config.total_seconds)
        except ExceptionGroup as group:
            self.failure = group.exceptions[0]
        except Exception as error:  # noqa: BLE001 - kept for `crawl`, which raises it where the caller sees it
            self.failure = error
        return
        yield  # Scrapy wants a generator

    def settle(self) -> None:
        """Wait until everything handed to the writer is written."""
        self._writer.shutdown(wait=True)

    async def _crawl_hosts(self) -> None:
        queues: dict[str, collections.deque[str]] = collections.defaultdict(collections.deque)
        for run_id, address in await self._write(self._recorder.open_runs, self._run_ids):
            queues[_host(address)].append(run_id)
        free = asyncio.Semaphore(self.config.hosts_at_once)
        async with asyncio.TaskGroup() as hosts:
            for queue in queues.values():
                hosts.create_task(self._crawl_host(queue, free))

    async def _crawl_host(self, queue: collections.deque[str], free: asyncio.Semaphore) -> None:
        async with free:
            for run_id in queue:
                ending = await self._crawl_run(run_id)
                await self._write(self._recorder.end, run_id, ending)

    async def _crawl_run(self, run_id: str) -> Ending:
        """Walk one run; whatever goes wrong in it ends this run and no other."""
        try:
            async with asyncio.timeout(self.config.run_seconds):
                return await self._walk(await self._write(self._recorder.open, run_id))
        except RunOver as over:
            return over.ending
        except TimeoutError:
            return Ending(RunOutcome.FAILED, f"batas waktu {self.config.run_seconds:g} detik habis")
        except NoMandate as error:
            return Ending(RunOutcome.REFUSED, str(error))
        except BadInput as error:
            return Ending(RunOutcome.FAILED, f"isi tidak dikenali: {error}")
        except StorageError:
            raise
        except Exception as error:
            _logger.exception("run_failed", run=run_id)
            return Ending(RunOutcome.FAILED, f"kesalahan tak terduga: {type(error).__name__}: {error}")

    async def _walk(self, job: Job) -> Ending:
        try:
            source = source_named(job.source)
            ask = source.begin(job.address, job.watermark)
        except BadInput as error:
            raise RunOver(RunOutcome.FAILED, f"alamat tidak dapat di-crawl: {error}") from error
        if source.needs_tls and urlsplit(ask.url).scheme != "https" and endpoint(ask.url) not in self._exceptions:
            raise RunOver(RunOutcome.REFUSED, f"alamat {job.source} harus https")
        changed = False
        for _ in range(self.config.max_pages):
            response = await self._fetch(job, ask, source.accept)
            if response.status == _NOT_MODIFIED:
                await self._write(self._recorder.note, job, response)
                break
            job, page = await self._write(self._recorder.receive, job, source, ask, response)
            changed = True
            if page.following is None:
                break
            ask = page.following
        else:
            return Ending(RunOutcome.DONE, f"batas {self.config.max_pages} halaman; dilanjutkan pada proses berikutnya")
        return Ending(RunOutcome.DONE if changed else RunOutcome.UNCHANGED)

    async def _fetch(self, job: Job, ask: Ask, accept: str) -> Response:
        """Ask until there is an answer to use: 2xx, or 304 to a conditional request.

        Raises:
            RunOver: there will be none in this run.
        """
        host = _host(ask.url)
        for attempt in range(self.config.attempts):
            last = attempt + 1 == self.config.attempts
            await self._wait_for(host)
            try:
                response = await self._download(_request(job, ask, accept))
            except RunOver as over:
                if last or not over.again:
                    raise
            else:
                until = self._heed(host, response)
                if _usable(response, ask):
                    return response
                await self._write(self._recorder.note, job, response)
                _give_up_on(response.status, until, last=last)
            await asyncio.sleep(self.config.retry_delay * 2**attempt * random.uniform(1, 1 + _RETRY_JITTER))  # noqa: S311
        raise RunOver(RunOutcome.FAILED, "server tidak menjawab")

    async def _download(self, request: scrapy.Request) -> Response:
        try:
            return _as_response(await self.crawler.engine.download_async(request))
        except RobotsRefusedError as error:
            raise RunOver(RunOutcome.REFUSED, f"robots.txt melarang alamat ini ({error})") from error
        except Refused as error:
            if isinstance(error.__cause__, OSError):  # no answer to the name lookup, which may pass
                raise RunOver(RunOutcome.FAILED, f"nama host tidak dikenal: {error}", again=True) from error
            raise RunOver(RunOutcome.REFUSED, f"alamat ditolak penjaga: {error}") from error
        except IgnoreRequest as error:
            reason = "robots.txt tidak dapat dibaca" if isinstance(error, RobotsUnreadableError) else "jawaban ditolak"
            raise RunOver(RunOutcome.FAILED, f"{reason}: {str(error)[:MAX_DETAIL_CHARACTERS]}") from error
        except DownloadCancelledError as error:
            raise RunOver(RunOutcome.FAILED, f"jawaban terlalu besar: {_short(error)}") from error
        except tuple(_PASSING) as error:
            raise RunOver(RunOutcome.FAILED, f"{_PASSING[type(error)]}: {_short(error)}", again=True) from error

    async def _wait_for(self, host: str) -> None:
        """Stay away from the host for as long as it asked; end the run if that is too long to wait."""
        until = self._paused.get(host)
        if until is None:
            return
        seconds = (until - utc_now()).total_seconds()
        if seconds > self.config.longest_wait:
            raise _asked_to_wait(until)
        await asyncio.sleep(max(0.0, seconds))

    def _heed(self, host: str, response: Response) -> dt.datetime | None:
        """Remember until when the host wants to be left alone, for this run and those after it."""
        until = pause_until(response.status, response.answer.headers, utc_now())
        if until is not None:
            self._paused[host] = until
        return until

    async def _write(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Do blocking work in the one thread that writes, while other hosts go on."""
        call = functools.partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._writer, call)


_PASSING: dict[type[Exception], str] = {
    DownloadTimeoutError: "server terlalu lambat",
    DownloadConnectionRefusedError: "sambungan ditolak",
    CannotResolveHostError: "nama host tidak dikenal",
    DownloadFailedError: "sambungan terputus",
    ResponseDataLossError: "jawaban terpotong",
}
"""What may be over a moment later."""


def _give_up_on(status: int, until: dt.datetime | None, *, last: bool) -> None:
    """End the run unless asking again may help."""
    if status in _GONE:
        raise RunOver(RunOutcome.GONE, f"tidak ditemukan lagi di server (HTTP {status})")
    if until is not None and status in {TOO_MANY_REQUESTS, UNAVAILABLE}:
        if last:
            raise _asked_to_wait(until)
    elif last or status not in _WORTH_RETRYING:
        raise RunOver(RunOutcome.FAILED, f"server menjawab HTTP {status}")


def _asked_to_wait(until: dt.datetime) -> RunOver:
    return RunOver(RunOutcome.FAILED, f"diminta menunggu sampai {until:%Y-%m-%d %H:%M:%S} UTC", until)


def _request(job: Job, ask: Ask, accept: str) -> scrapy.Request:
    headers = {"Accept": accept}
    known = job.validators.get(ask.url, {}) if ask.conditional else {}
    if "etag" in known:
        headers["If-None-Match"] = known["etag"]
    if "last-modified" in known:
        headers["If-Modified-Since"] = known["last-modified"]
    return scrapy.Request(ask.url, headers=headers, dont_filter=True)


def _as_response(response: scrapy.http.Response) -> Response:
    headers = {
        name.decode("latin-1").lower(): storable(b", ".join(values).decode("latin-1"))[:MAX_HEADER_CHARACTERS]
        for name, values in response.headers.items()
    }
    return Response(response.status, Answer(response.url, headers, response.body))


def _usable(response: Response, ask: Ask) -> bool:
    if response.status == _NOT_MODIFIED:
        return ask.conditional
    return 200 <= response.status < 300  # noqa: PLR2004 - RFC 9110 §15.3


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:MAX_DETAIL_CHARACTERS]
