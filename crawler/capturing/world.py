"""What may be asked of a page: from an isolated world (CDP `Page.createIsolatedWorld`), where the page's own scripts
cannot lie about its text, and with a time limit on every question.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from typing import Any, Self

from playwright.async_api import CDPSession, Page
from playwright.async_api import Error as PlaywrightError

MAX_FRAMES = 20
QUESTION_SECONDS = 5.0

_STATE = """(() => ({
  text: document.body ? document.body.innerText.slice(0, 2000000) : "",
  asks_password: document.querySelector("input[type=password]") !== null,
  height: Math.ceil(Math.max(document.documentElement.scrollHeight, document.body ? document.body.scrollHeight : 0)),
}))()"""

_SCROLL = """(async () => {
  const end = Date.now() + %(milliseconds)d;
  let top = 0;
  for (; top < Math.min(document.documentElement.scrollHeight, %(height)d) && Date.now() < end; top += innerHeight) {
    scrollTo({top, behavior: "instant"});
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  scrollTo({top: 0, behavior: "instant"});
  return top >= Math.min(document.documentElement.scrollHeight, %(height)d);
})()"""

# Consent walls and other curtains: fixed, visible, covering a quarter of the window.
_HIDE_CURTAINS = """(() => {
  const enough = innerWidth * innerHeight / 4;
  const curtains = [...document.querySelectorAll("body *")].filter((element) => {
    const style = getComputedStyle(element);
    if (style.position !== "fixed" || style.visibility === "hidden") return false;
    const box = element.getBoundingClientRect();
    const width = Math.min(box.right, innerWidth) - Math.max(box.left, 0);
    const height = Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
    return width > 0 && height > 0 && width * height >= enough;
  });
  for (const curtain of curtains) {
    curtain.setAttribute("data-netra-curtain", curtain.style.cssText);
    curtain.style.setProperty("display", "none", "important");
  }
  return curtains.length;
})()"""
_SHOW_CURTAINS = """(() => {
  for (const curtain of document.querySelectorAll("[data-netra-curtain]")) {
    curtain.style.cssText = curtain.getAttribute("data-netra-curtain");
    curtain.removeAttribute("data-netra-curtain");
  }
})()"""


@dataclasses.dataclass(frozen=True, slots=True)
class PageState:
    """What a reader would find: the visible text of the page and its frames, and its height in CSS pixels."""

    text: str = ""
    asks_password: bool = False
    height: int = 0


class PageWorld:
    """One page, questioned from outside its own scripts. A page that does not answer in time has an empty state."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self.page = page
        self._session = session

    @classmethod
    async def of(cls, page: Page) -> Self:
        """A line to `page` that survives its navigations."""
        return cls(page, await page.context.new_cdp_session(page))

    async def state(self) -> PageState:
        """The page as it is now."""
        found = PageState(**(await self._evaluate(_STATE) or {}))
        texts = [found.text]
        for frame in self.page.frames[1:MAX_FRAMES]:
            with contextlib.suppress(PlaywrightError, TimeoutError):
                texts.append(await asyncio.wait_for(frame.inner_text("body", timeout=1000), 1))
        return dataclasses.replace(found, text="\n".join(texts))

    async def scroll_through(self, max_height: int, seconds: float) -> bool:
        """Show every part once, down to `max_height`, and return to the top; False when there was no time for it."""
        scroll = _SCROLL % {"height": max_height, "milliseconds": int(seconds * 1000)}
        return bool(await self._evaluate(scroll, seconds + QUESTION_SECONDS))

    async def hide_curtains(self) -> int:
        """Hide what covers the window; how many elements that were."""
        return int(await self._evaluate(_HIDE_CURTAINS) or 0)

    async def show_curtains(self) -> None:
        """Undo `hide_curtains`."""
        await self._evaluate(_SHOW_CURTAINS)

    async def snapshot(self) -> bytes:
        """The page with its images and styles as one MHTML file (RFC 2557).

        Raises:
            playwright.async_api.Error, TimeoutError: Chromium cannot.
        """
        archive = await self._ask("Page.captureSnapshot", {"format": "mhtml"})
        return str(archive["data"]).encode("utf-8", "replace")

    async def _evaluate(self, expression: str, seconds: float = QUESTION_SECONDS) -> Any:
        """The value of `expression`; None when the page does not answer."""
        try:
            tree = await self._ask("Page.getFrameTree", {})
            frame = {"frameId": tree["frameTree"]["frame"]["id"], "worldName": "netra"}
            world = (await self._ask("Page.createIsolatedWorld", frame))["executionContextId"]
            question = {"expression": expression, "contextId": world, "returnByValue": True, "awaitPromise": True}
            return (await self._ask("Runtime.evaluate", question, seconds))["result"].get("value")
        except (PlaywrightError, TimeoutError):
            return None

    async def _ask(self, method: str, params: dict[str, Any], seconds: float = QUESTION_SECONDS) -> dict[str, Any]:
        return await asyncio.wait_for(self._session.send(method, params), seconds)
