"""One page in one fresh browser context: open, let it load, check the text, keep the page, take the picture."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Dialog, Page, Request, Response, Route
from playwright.async_api import Error as PlaywrightError

from crawler.capturing import job as job_words
from crawler.capturing.config import BrowserDied, CaptureConfig
from crawler.capturing.found_text import FOUND_RATIO, text_ratio
from crawler.capturing.job import PAGE_FILE, SCREENSHOT_FILE, Job, Shot
from crawler.capturing.proxy import GuardProxy
from crawler.capturing.world import QUESTION_SECONDS, PageState, PageWorld
from crawler.config import CrawlConfig
from crawler.guard import MAX_URL_CHARACTERS, Guard, Refused, endpoint
from models.captures import CaptureQuality

RENDERING_URL = "http://rendering.invalid/"
MAX_REFUSED_SHOWN = 20
POLL_SECONDS = 0.25
SCREENSHOT_SECONDS = 15.0
KEPT_HEADERS = ("content-type", "content-language", "date", "etag", "last-modified", "server", "location")
_GONE = frozenset({404, 410})
_FIRST_ERROR_STATUS = 400
_OPEN_SCHEMES = ("http:", "https:", "data:", "blob:", "about:")


async def photograph(browser: Browser, proxy: GuardProxy, guard: Guard, config: CaptureConfig, job: Job) -> Shot:
    """Do one job in a context of its own, which is gone afterwards.

    Raises:
        BrowserDied: the browser is no longer there.
    """
    started = time.monotonic()
    await proxy.begin()
    try:
        context = await browser.new_context(**_context_options(browser, config, job))
    except PlaywrightError as error:
        raise BrowserDied(str(error)) from error
    sitting = _Sitting(context, proxy, config, job)
    try:
        shot = await (sitting.rendering() if job.html is not None else sitting.live_page(guard))
    finally:
        with contextlib.suppress(PlaywrightError, TimeoutError):
            await asyncio.wait_for(context.close(), QUESTION_SECONDS)
    return dataclasses.replace(shot, details={**shot.details, "seconds": round(time.monotonic() - started, 3)})


def _context_options(browser: Browser, config: CaptureConfig, job: Job) -> dict[str, Any]:
    # The browser says who it is: its own name, then ours with an address to complain to.
    agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{browser.version}"
    return {
        "viewport": {"width": config.width, "height": config.height},
        "device_scale_factor": 1,
        "locale": "id-ID",
        "timezone_id": "Asia/Jakarta",
        "user_agent": f"{agent} Safari/537.36 {CrawlConfig(contact=config.contact).user_agent}",
        "java_script_enabled": job.html is None,
        "accept_downloads": False,
        "service_workers": "block",
        "reduced_motion": "reduce",
    }


class _Sitting:
    """One context, one page, and what was noticed on the way."""

    def __init__(self, context: BrowserContext, proxy: GuardProxy, config: CaptureConfig, job: Job) -> None:
        self.context, self.proxy, self.config, self.job = context, proxy, config, job
        self.directory = Path(job.directory)
        self.wanted_url = job.url
        self.answer: Response | None = None
        self.crash = asyncio.Event()
        self.details: dict[str, Any] = {"viewport": [config.width, config.height]}

    async def live_page(self, guard: Guard) -> Shot:
        """The job's URL as the public sees it."""
        try:
            guard.check_url(self.job.url)
        except Refused as refused:
            return Shot(CaptureQuality.BROKEN, job_words.ADDRESS_REFUSED, details={"error": str(refused)})
        await self.context.route("**/*", _only_web)
        page = await self._open_page()
        world = await PageWorld.of(page)
        looking = asyncio.ensure_future(self._look(page, world))
        crashing = asyncio.ensure_future(self.crash.wait())
        await asyncio.wait((looking, crashing), return_when=asyncio.FIRST_COMPLETED)
        crashing.cancel()
        if looking.done():
            return looking.result()
        looking.cancel()
        return self._shot(page, job_words.BROWSER_DIED, 0.0)

    async def _look(self, page: Page, world: PageWorld) -> Shot:
        problem, ratio = await self._visit(page), 0.0
        if problem is None:
            state = await self._settle(world)
            ratio = text_ratio(self.job.text, state.text)
            problem = self._judge(state, ratio)
            await self._keep_page(world)
        if problem is None:
            await self._draw_curtains(world)
        if not await self._keep_screenshot(world):
            problem = problem or job_words.NO_SCREENSHOT
        return self._shot(page, problem, ratio)

    async def rendering(self) -> Shot:
        """Our own HTML: no script, no network."""
        html = self.job.html or ""

        async def serve(route: Route) -> None:
            if route.request.url == RENDERING_URL:
                await route.fulfill(body=html, content_type="text/html; charset=utf-8")
            else:
                await route.abort()

        await self.context.route("**/*", serve)
        page = await self._open_page()
        await page.goto(RENDERING_URL, timeout=self.config.navigation_seconds * 1000)
        world = await PageWorld.of(page)
        ratio = text_ratio(self.job.text, (await world.state()).text)
        self._write(PAGE_FILE, html.encode())
        if not await self._keep_screenshot(world):
            return Shot(CaptureQuality.BROKEN, job_words.NO_SCREENSHOT, details=self.details)
        return Shot(CaptureQuality.RENDERING, text_ratio=ratio, details=self.details)

    async def _open_page(self) -> Page:
        page = await self.context.new_page()
        page.on("dialog", _dismiss)
        page.on("crash", self._note_crash)
        page.on("request", self._note_request)
        page.on("response", self._note_response)
        self.context.on("page", _close)
        return page

    def _note_crash(self, _page: Page) -> None:
        self.crash.set()

    def _note_request(self, request: Request) -> None:
        if request.is_navigation_request() and request.frame.parent_frame is None:
            self.wanted_url = request.url

    def _note_response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame.parent_frame is None:
            self.answer = response

    async def _visit(self, page: Page) -> str | None:
        """Go to the URL until the first bytes of the answer; the reason why not, in a reviewer's words."""
        try:
            await page.goto(self.job.url, wait_until="commit", timeout=self.config.navigation_seconds * 1000)
        except PlaywrightError as error:
            self.details["error"] = error.message.splitlines()[0][:500]
            return self._why_unopened(error.message)
        return None

    def _why_unopened(self, message: str) -> str:
        if problem := self._lost():
            return problem
        if "ERR_CERT" in message:
            return job_words.CERTIFICATE_BAD
        return job_words.TIME_OVER if "Timeout" in message else job_words.PAGE_UNOPENED

    def _lost(self) -> str | None:
        """Why the page as a whole never came, or went away."""
        address = self._main_address()
        if address in self.proxy.traffic.refused:
            return job_words.ADDRESS_REFUSED
        if address in self.proxy.traffic.unreachable:
            return job_words.SITE_SILENT
        return None

    def _main_address(self) -> tuple[str, int] | None:
        try:
            return endpoint(self.wanted_url)
        except Refused:
            return None

    async def _settle(self, world: PageWorld) -> PageState:
        """Wait for the text, scroll once through so that lazy images load, and read the page at rest."""
        deadline = time.monotonic() + self.config.text_seconds
        state = await world.state()
        while not self._has_text(state) and time.monotonic() < deadline and not self._is_error():
            await asyncio.sleep(POLL_SECONDS)
            state = await world.state()
        scrolled = await world.scroll_through(self.config.max_height, self.config.settle_seconds)
        self.details["scrolled_through"] = scrolled
        await _patiently(world.page.wait_for_load_state("networkidle"), self.config.settle_seconds / 2)
        return await world.state()

    def _has_text(self, state: PageState) -> bool:
        return text_ratio(self.job.text, state.text) >= FOUND_RATIO

    def _is_error(self) -> bool:
        return self.answer is not None and self.answer.status >= _FIRST_ERROR_STATUS

    async def _draw_curtains(self, world: PageWorld) -> None:
        """Take overlays away from before the text; put them back if the text goes with them."""
        hidden = await world.hide_curtains()
        if hidden and not self._has_text(await world.state()):
            await world.show_curtains()
            hidden = 0
        self.details["overlays_hidden"] = hidden

    def _judge(self, state: PageState, ratio: float) -> str | None:
        """Why this page is no evidence, or None when it is."""
        status = 0 if self.answer is None else self.answer.status
        if problem := self._lost():
            return problem
        if status >= _FIRST_ERROR_STATUS:
            return (job_words.PAGE_GONE if status in _GONE else job_words.PAGE_ERROR).format(status=status)
        return None if ratio >= FOUND_RATIO else self._why_missing(state)

    def _why_missing(self, state: PageState) -> str:
        if self.proxy.traffic.exhausted:
            return job_words.PAGE_TOO_LARGE
        if state.asks_password:
            return job_words.PAGE_LOGIN
        return job_words.TEXT_MISSING if state.text.strip() else job_words.PAGE_EMPTY

    async def _keep_page(self, world: PageWorld) -> None:
        """The page as MHTML; its DOM where Chromium cannot."""
        with contextlib.suppress(PlaywrightError, TimeoutError):
            self._write(PAGE_FILE, await world.snapshot())
            self.details["page_format"] = "multipart/related"
            return
        with contextlib.suppress(PlaywrightError, TimeoutError):
            self._write(PAGE_FILE, (await asyncio.wait_for(world.page.content(), QUESTION_SECONDS)).encode())
            self.details["page_format"] = "text/html"

    async def _keep_screenshot(self, world: PageWorld) -> bool:
        """The whole page from its top, at most `max_height` high; whether it could be made."""
        whole = (await world.state()).height
        height = max(self.config.height, min(whole, self.config.max_height))
        self.details |= {"page_height": whole, "cut": whole > height}
        try:
            image = await world.page.screenshot(
                full_page=True,
                clip={"x": 0, "y": 0, "width": self.config.width, "height": height},
                animations="disabled",
                caret="hide",
                timeout=SCREENSHOT_SECONDS * 1000,
            )
        except PlaywrightError as error:
            self.details["screenshot_error"] = error.message.splitlines()[0][:500]
            return False
        self._write(SCREENSHOT_FILE, image)
        return True

    def _write(self, name: str, data: bytes) -> None:
        """Whole or not at all: after a hard kill the stage keeps what lies here."""
        half = self.directory / f".{name}"
        half.write_bytes(data)
        half.rename(self.directory / name)

    def _shot(self, page: Page, problem: str | None, ratio: float) -> Shot:
        traffic = self.proxy.traffic
        refused = [f"{host}:{port}: {reason}" for (host, port), reason in traffic.refused.items()]
        self.details |= {"bytes_received": traffic.received, "refused": refused[:MAX_REFUSED_SHOWN]}
        if self.answer is not None:
            headers = self.answer.headers
            self.details["status"] = self.answer.status
            self.details["headers"] = {name: headers[name][:500] for name in KEPT_HEADERS if name in headers}
        quality = CaptureQuality.PAGE if problem is None else CaptureQuality.BROKEN
        return Shot(quality, problem or "", page.url[:MAX_URL_CHARACTERS], ratio, self.crash.is_set(), self.details)


async def _patiently(step: Awaitable[None], seconds: float) -> None:
    with contextlib.suppress(PlaywrightError, TimeoutError):
        await asyncio.wait_for(step, seconds)


async def _only_web(route: Route) -> None:
    """The second wall: other schemes never leave the page."""
    with contextlib.suppress(PlaywrightError):
        await (route.continue_() if route.request.url.startswith(_OPEN_SCHEMES) else route.abort())


async def _dismiss(dialog: Dialog) -> None:
    with contextlib.suppress(PlaywrightError):
        await dialog.dismiss()


async def _close(popup: Page) -> None:
    with contextlib.suppress(PlaywrightError):
        await popup.close()
