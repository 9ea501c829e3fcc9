"""What every request and every answer must satisfy, before and after any page: an ASGI layer.

Host and Origin are checked against the configured origins (DNS rebinding, OWASP CSRF cheat sheet), bodies are
bounded, and every answer carries the same strict headers. Nothing inline is allowed, so a hostile post that
slipped through escaping could still not run or restyle anything.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from review_ui.config import UiConfig

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""`data:` images are the toolbar signs inside the picture viewer's stylesheet."""

ANSWER_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

TROUBLE = (
    "Ada gangguan di sistem; tidak ada data yang setengah tersimpan.\nSomething is wrong; nothing was half-saved.\n"
)

_log = logging.getLogger(__name__)

UPLOAD_PATH = "/daftar"
"""The one address that takes a file."""

_SAFE_METHODS = frozenset({"GET", "HEAD"})
_KNOWN_METHODS = _SAFE_METHODS | {"POST"}


class Shield:
    """Refuses foreign hosts, foreign origins and large bodies; hardens every answer."""

    def __init__(self, app: ASGIApp, config: UiConfig) -> None:
        self._app = app
        self._config = config

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI 3)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        harden = _hardening(send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, harden)
            return
        try:
            await self._app(scope, _Bounded(receive, self._limit(scope)), harden)
        except Exception:  # noqa: BLE001 - the last line before the wire
            # Handled here and not further out, so that even this answer carries the headers.
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await PlainTextResponse(TROUBLE, 500)(scope, receive, harden)

    def _limit(self, scope: Scope) -> int:
        """How many bytes a body may have."""
        config = self._config
        return config.max_upload_bytes if scope["path"] == UPLOAD_PATH else config.max_body_bytes

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        origin = self._config.origin_of(headers.get("host", ""))
        if origin is None:
            return PlainTextResponse("This address is not served here.\n", 421)
        if scope["method"] not in _KNOWN_METHODS:
            return PlainTextResponse("Method not allowed.\n", 405)
        if scope["method"] not in _SAFE_METHODS and not _from_ourselves(headers, origin):
            return PlainTextResponse("Requests from other sites are refused.\n", 403)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._limit(scope):
            return PlainTextResponse("The request is too large.\n", 413)
        return None


def _from_ourselves(headers: Headers, origin: str) -> bool:
    """Whether the browser says the request was made by our own page; silence is refused."""
    site, sender = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and sender is None:
        return False
    return site in (None, "same-origin") and sender in (None, origin)


def _hardening(send: Send) -> Send:
    async def harden(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in ANSWER_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return harden


class _Bounded:
    """A body that ends the connection once it is longer than allowed, whatever its Content-Length said."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                return {"type": "http.disconnect"}
        return message
