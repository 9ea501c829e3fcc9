"""One run, from its first request to its ending. What it meets is handed on at once; it keeps nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from typing import Protocol
from urllib.parse import urlsplit

from crawler.config import CrawlConfig
from crawler.guard import endpoint
from crawler.registry import source_named
from crawler.source import Ask, Blocked, Gone, KnownPost, Page, Source
from crawler.wire import Ending, Job, Looked, Received, Response
from models.canonical import sha256_hex
from models.errors import BadInput
from models.observations import Sight
from models.posts import ParsedPost
from models.targets import RunOutcome

MAX_HISTORIES = 20
"""Edited posts of one page whose earlier texts are asked for; the others keep what we saw ourselves."""
MAX_DETOURS = 3
"""Other requests a connector may try in place of one that was refused."""
LOOK_BACK_SHARE = 0.5
"""Part of a run's time for asking after single posts; those left over come first in the next look back."""
FAILURES_TO_STOP = 3
"""Posts in a row that could not be asked for, after which the rest is left to another day."""

NOT_MODIFIED = 304
_GONE = frozenset({404, 410})
_BLOCKED = frozenset({401, 403, 451})
_REDIRECT = range(300, 400)


class RunOver(Exception):
    """The run ends here, as `ending` says.

    `again`: asking once more may help first. `against_host`: the fault is the server's, and counts for its breaker.
    """

    def __init__(self, outcome: RunOutcome, reason: str, *, again: bool = False, against_host: bool = False) -> None:
        super().__init__(reason)
        self.ending = Ending(outcome, reason)
        self.again, self.against_host = again, against_host


class Line(Protocol):
    """The walk's connection to servers and to the coordinator."""

    async def fetch(self, job: Job, ask: Ask, source: Source) -> Response:
        """The response to use, of any status. Raises: RunOver: there will be none in this run."""
        ...

    async def send(self, news: Received | Looked) -> None:
        """Hand on; waits while the coordinator is behind."""
        ...

    async def unknown_edits(self, job: Job, texts: dict[str, str]) -> set[str]:
        """Of these posts (external id to SHA-256 of the text), whose text is not stored."""
        ...

    async def unlisted(self, job: Job, since: dt.datetime) -> list[KnownPost]:
        """Which known posts this run has not met."""
        ...


@dataclasses.dataclass(slots=True)
class _Looks:
    """Asking after one post: the last request for it, and the answer."""

    ask: Ask
    response: Response | None = None


class Walk:
    """Walks one run over a line."""

    def __init__(self, job: Job, line: Line, config: CrawlConfig) -> None:
        self._job = job
        self._line = line
        self._config = config
        self._watermark = job.watermark

    async def run(self) -> Ending:
        """Walk to the end.

        Raises:
            RunOver: it ends before that.
        """
        try:
            source = source_named(self._job.source)
            ask = source.begin(self._job.address, self._watermark, self._job.looks_back_to)
        except BadInput as error:
            raise RunOver(RunOutcome.FAILED, f"alamat tidak dapat di-crawl: {error}") from error
        self._require_ways(source, ask)
        try:
            ending = await self._pages(source, ask)
        except Gone as gone:
            return Ending(RunOutcome.GONE, f"akun tidak ada lagi: {gone}")
        except Blocked as blocked:
            return Ending(RunOutcome.BLOCKED, f"akun tidak diperlihatkan kepada kami: {blocked}")
        except BadInput as error:
            return Ending(RunOutcome.FAILED, f"isi tidak dikenali: {error}")
        if self._job.looks_back_to is not None:
            await self._look_back(source, self._job.looks_back_to)
        return ending

    def _require_ways(self, source: Source, ask: Ask) -> None:
        if source.needs_tls and urlsplit(ask.url).scheme != "https" and endpoint(ask.url) not in self._config.allowed:
            raise RunOver(RunOutcome.REFUSED, f"alamat {self._job.source} harus https")
        if source.needs_token and not self._config.tokens.get(self._job.source):
            raise RunOver(RunOutcome.REFUSED, f"token {self._job.source} belum diisi: [crawl.tokens] di netra.toml")

    async def _pages(self, source: Source, ask: Ask) -> Ending:
        changed, detours = False, 0
        for _ in range(self._config.max_pages):
            response = await self._line.fetch(self._job, ask, source)
            if response.status == NOT_MODIFIED and ask.conditional and self._job.validators.get(ask.url):
                await self._keep(ask, response)
                break
            if not _is_success(response):
                detours += 1
                ask = await self._detour(source, ask, response, detours, listed=changed)
                continue
            page = await self._read(source, ask, response)
            changed = True
            if page.following is None:
                break
            ask = page.following
        else:
            return Ending(
                RunOutcome.DONE, f"batas {self._config.max_pages} halaman; dilanjutkan pada proses berikutnya"
            )
        return Ending(RunOutcome.DONE if changed else RunOutcome.UNCHANGED)

    async def _read(self, source: Source, ask: Ask, response: Response) -> Page:
        """Understand a page, get the histories of its new edits, and hand all on."""
        try:
            page = source.read(self._job.address, self._watermark, ask, response.answer)
        except BadInput as error:
            await self._keep(ask, response, str(error))
            raise
        except (Gone, Blocked):
            await self._keep(ask, response)
            raise
        await self._histories(source, page)
        self._watermark = page.watermark
        await self._line.send(Received(self._job.run_id, ask, response, page))
        return page

    async def _detour(self, source: Source, ask: Ask, response: Response, detours: int, *, listed: bool) -> Ask:
        """What to ask instead of a request that was refused.

        Of an account that has just been listed, a missing page is a server's fault and no sign that it is gone.
        """
        await self._keep(ask, response)
        try:
            other = source.refused(self._job.address, self._watermark, ask, response.status, response.answer)
        except BadInput as error:
            raise RunOver(RunOutcome.FAILED, str(error)) from error
        if other is not None and detours <= MAX_DETOURS:
            return other
        if not listed:
            _raise_for(response.status)
        raise RunOver(RunOutcome.FAILED, f"server menjawab HTTP {response.status}")

    async def _histories(self, source: Source, page: Page) -> None:
        """Store the texts that edited posts had before we met them, ahead of the page that shows the last one."""
        if not page.histories:
            return
        texts = {post.external_id: sha256_hex(post.text.encode()) for post in page.parsed.posts}
        asked = {key: texts[key] for key in page.histories if key in texts}
        unknown = await self._line.unknown_edits(self._job, asked)
        for key in sorted(unknown)[:MAX_HISTORIES]:
            await self._history(source, page.histories[key])

    async def _history(self, source: Source, ask: Ask) -> None:
        """Without its history, an edited post keeps the texts we saw ourselves: no reason to lose the page."""
        response = await self._line.fetch(self._job, ask, source)
        earlier, problem = None, ""
        if _is_success(response):
            try:
                earlier = source.read(self._job.address, self._watermark, ask, response.answer)
            except (BadInput, Gone, Blocked) as error:
                problem = str(error)
        if earlier is not None and not earlier.parsed.posts:
            earlier = None
        await self._line.send(Received(self._job.run_id, ask, response, earlier, problem, history=earlier is not None))

    async def _look_back(self, source: Source, since: dt.datetime) -> None:
        """Ask by itself for every recent post that no page listed."""
        failures, deadline = 0, time.monotonic() + self._config.run_seconds * LOOK_BACK_SHARE
        for post in await self._line.unlisted(self._job, since):
            if time.monotonic() > deadline:
                return
            ask = source.recheck(self._job.address, self._watermark, post)
            if ask is None:
                continue
            sight = await self._look(source, ask, post)
            failures = failures + 1 if sight is Sight.FAILED else 0
            if failures == FAILURES_TO_STOP:
                return

    async def _look(self, source: Source, ask: Ask, post: KnownPost) -> Sight:
        looks, found = _Looks(ask), None
        sight, reason = Sight.SEEN_AGAIN, ""
        try:
            found = await self._reread(source, looks)
        except Gone as gone:
            sight, reason = Sight.DELETED, str(gone)
        except Blocked as blocked:
            sight, reason = Sight.BLOCKED, str(blocked)
        except (RunOver, BadInput) as error:
            sight, reason = Sight.FAILED, str(error)
        looked = Looked(self._job.run_id, post.external_id, sight, reason, looks.ask, looks.response, found)
        await self._line.send(looked)
        return sight

    async def _reread(self, source: Source, looks: _Looks) -> ParsedPost | None:
        for _ in range(1 + MAX_DETOURS):
            looks.response = await self._line.fetch(self._job, looks.ask, source)
            answer, status = looks.response.answer, looks.response.status
            if _is_success(looks.response):
                return source.reread(self._job.address, self._watermark, looks.ask, answer)
            other = source.refused(self._job.address, self._watermark, looks.ask, status, answer)
            if other is None:
                _raise_for(status)
                break
            looks.ask = other
        raise RunOver(RunOutcome.FAILED, f"server menjawab HTTP {status}")

    async def _keep(self, ask: Ask, response: Response, problem: str = "") -> None:
        await self._line.send(Received(self._job.run_id, ask, response, problem=problem))


def _is_success(response: Response) -> bool:
    return 200 <= response.status < 300  # noqa: PLR2004 - RFC 9110 §15.3


def _raise_for(status: int) -> None:
    """The rules for all platforms.

    Raises:
        Gone, Blocked: what a status means everywhere (RFC 9110 §15.5, RFC 7725).
    """
    if status in _GONE:
        raise Gone(f"server menjawab HTTP {status}")
    if status in _BLOCKED:
        raise Blocked(f"server menjawab HTTP {status}")
