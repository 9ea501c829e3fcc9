"""The part of Mastodon's REST API that a reader of public accounts meets (docs.joinmastodon.org, 4.x).

Lookup, statuses with `Link` paging, one status, its edit history; rate-limit headers, weak ETags, JSON errors.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from models.clock import utc_now
from pipeline.demo.timeline import Account, Square, Status, page
from pipeline.demo.wording import hashtags, text_html
from pipeline.demo.world import DOMAIN

DEFAULT_LIMIT = 20
MAX_LIMIT = 40
RATE_LIMIT = 300
RATE_WINDOW = dt.timedelta(minutes=5)
MEDIA_SIZE = (1200, 675)

Json = dict[str, Any]


class RateLimit:
    """Counts requests in fixed windows, as Mastodon does for one address."""

    def __init__(self, allowed: int = RATE_LIMIT) -> None:
        self._allowed = allowed
        self._window_ends = utc_now()
        self._used = 0

    def spend(self) -> tuple[bool, dict[str, str]]:
        """Count one request; whether it may pass, and the headers that tell the client where it stands."""
        now = utc_now()
        if now >= self._window_ends:
            seconds = int(RATE_WINDOW.total_seconds())
            self._window_ends = dt.datetime.fromtimestamp((int(now.timestamp()) // seconds + 1) * seconds, dt.UTC)
            self._used = 0
        self._used += 1
        return self._used <= self._allowed, {
            "X-RateLimit-Limit": str(self._allowed),
            "X-RateLimit-Remaining": str(max(0, self._allowed - self._used)),
            "X-RateLimit-Reset": _iso(self._window_ends),
        }


def mastodon_routes(square: Square) -> APIRouter:
    """The routes below `/api/v1`."""
    router = APIRouter(prefix="/api/v1")

    @router.get("/accounts/lookup")
    def lookup(request: Request, acct: str = "") -> Response:
        name, _, host = acct.removeprefix("@").partition("@")
        account = square.accounts.get(name.lower()) if host in ("", DOMAIN, request.url.netloc) else None
        return _not_found() if account is None else _json(request, account_json(account, square, base_of(request)))

    @router.get("/accounts/{account_id}")
    def one_account(request: Request, account_id: str) -> Response:
        account = square.account_with_id(_number(account_id) or 0)
        return _not_found() if account is None else _json(request, account_json(account, square, base_of(request)))

    @router.get("/accounts/{account_id}/statuses")
    def statuses(request: Request, account_id: str) -> Response:
        account = square.account_with_id(_number(account_id) or 0)
        return _not_found() if account is None else _statuses(request, square, account)

    @router.get("/statuses/{status_id}")
    def one_status(request: Request, status_id: str) -> Response:
        status = square.status(_number(status_id) or 0)
        return _not_found() if status is None else _json(request, status_json(status, square, base_of(request)))

    @router.get("/statuses/{status_id}/history")
    def history(request: Request, status_id: str) -> Response:
        status = square.status(_number(status_id) or 0)
        return _not_found() if status is None else _json(request, history_json(status, square, base_of(request)))

    @router.get("/{rest:path}")
    def unknown(rest: str) -> Response:  # noqa: ARG001 - the path parameter
        return _not_found()

    return router


def base_of(request: Request) -> str:
    """The square's own address as the client wrote it, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def status_url(status: Status, base: str) -> str:
    """The page of a post."""
    return f"{base}/@{status.account.handle}/{status.id}"


def account_json(account: Account, square: Square, base: str) -> Json:
    """Mastodon's Account entity."""
    own = square.by(account)
    picture, header = f"{base}/avatars/{account.handle}.svg", f"{base}/headers/{account.handle}.svg"
    return {
        "id": str(account.id),
        "username": account.handle,
        "acct": account.handle,
        "display_name": account.spec.name,
        "locked": False,
        "bot": False,
        "discoverable": True,
        "group": False,
        "created_at": _iso(account.joined),
        "note": text_html(account.spec.bio, base),
        "url": f"{base}/@{account.handle}",
        "uri": f"{base}/users/{account.handle}",
        "avatar": picture,
        "avatar_static": picture,
        "header": header,
        "header_static": header,
        "followers_count": followers(account),
        "following_count": followers(account) // 3,
        "statuses_count": len(own),
        "last_status_at": own[0].created_at.date().isoformat() if own else None,
        "emojis": [],
        "fields": [],
    }


def followers(account: Account) -> int:
    """An invented count, the same on every start."""
    return 40 + zlib.crc32(account.handle.encode()) % 700


def status_json(status: Status, square: Square, base: str) -> Json:
    """Mastodon's Status entity; a reblog carries the other's post and no words of its own."""
    parent = square.named(status.spec.reply_to) if status.spec.reply_to else None
    original = square.named(status.spec.reblog) if status.spec.reblog else None
    uri = f"{base}/users/{status.account.handle}/statuses/{status.id}"
    return {
        "id": str(status.id),
        "created_at": _iso(status.created_at),
        "in_reply_to_id": None if parent is None else str(parent.id),
        "in_reply_to_account_id": None if parent is None else str(parent.account.id),
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "id",
        "uri": uri if original is None else f"{uri}/activity",
        "url": status_url(status, base) if original is None else f"{uri}/activity",
        "replies_count": len(square.replies_to(status)),
        "reblogs_count": status.id // 65_536 % 7,
        "favourites_count": status.id // 65_536 % 31,
        "edited_at": None if status.edited_at is None else _iso(status.edited_at),
        "content": content_html(status, base) if original is None else content_html(original, base),
        "reblog": None if original is None else status_json(original, square, base),
        "application": {"name": "Web", "website": None},
        "account": account_json(status.account, square, base),
        "media_attachments": _media(status, base),
        "mentions": [],
        "tags": [{"name": tag.lower(), "url": f"{base}/tags/{tag.lower()}"} for tag in hashtags(status.text)],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def history_json(status: Status, square: Square, base: str) -> list[Json]:
    """Mastodon's StatusEdit entities, oldest first."""
    texts = [(status.created_at, content_html(status, base))]
    if status.edit is not None and status.edited_at is not None:
        texts = [(status.created_at, str(text_html(status.edit.was, base))), (status.edited_at, texts[0][1])]
    return [
        {
            "content": content,
            "spoiler_text": "",
            "sensitive": False,
            "created_at": _iso(moment),
            "account": account_json(status.account, square, base),
            "media_attachments": _media(status, base),
            "emojis": [],
        }
        for moment, content in texts
    ]


def content_html(status: Status, base: str) -> str:
    """The post's HTML; a hostile one comes unsanitised, as from a server that was taken over."""
    return status.spec.html or str(text_html(status.text, base))


def _statuses(request: Request, square: Square, account: Account) -> Response:
    query = request.query_params
    limit = min(MAX_LIMIT, max(1, _number(query.get("limit")) or DEFAULT_LIMIT))
    listed = [
        status
        for status in square.listed(account)
        if not (status.spec.reblog and _truth(query.get("exclude_reblogs")))
        and not (status.spec.reply_to and _truth(query.get("exclude_replies")))
    ]
    found = page(
        listed,
        limit=limit,
        max_id=_number(query.get("max_id")),
        since_id=_number(query.get("since_id")),
        min_id=_number(query.get("min_id")),
    )
    square.served(found)
    base = base_of(request)
    link = _links(request, found, limit)
    return _json(request, [status_json(status, square, base) for status in found], {"Link": link} if link else {})


def _links(request: Request, found: Sequence[Status], limit: int) -> str:
    """`next` while a page is full, `prev` while it is not empty: a client cannot know more (RFC 8288)."""
    kept = {name: value for name, value in request.query_params.items() if not name.endswith("_id")}
    address = f"{base_of(request)}{request.url.path}"
    links = []
    if len(found) == limit:
        links.append(f'<{address}?{urlencode({**kept, "max_id": found[-1].id})}>; rel="next"')
    if found:
        links.append(f'<{address}?{urlencode({**kept, "min_id": found[0].id})}>; rel="prev"')
    return ", ".join(links)


def _media(status: Status, base: str) -> list[Json]:
    if status.image is None:
        return []
    width, height = MEDIA_SIZE
    address = f"{base}/media/{status.id}.svg"
    return [
        {
            "id": str(status.id + 1),
            "type": "image",
            "url": address,
            "preview_url": address,
            "remote_url": None,
            "meta": {"original": {"width": width, "height": height, "size": f"{width}x{height}"}},
            "description": status.image.alt,
            "blurhash": None,
        }
    ]


def _json(request: Request, body: Json | list[Json], headers: dict[str, str] | None = None) -> Response:
    raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return conditional(request, raw, "application/json; charset=utf-8", headers or {})


def conditional(request: Request, raw: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """`raw` with a weak ETag, or 304 when the client has it already (RFC 9110 §13.1.2)."""
    tag = f'W/"{hashlib.sha256(raw).hexdigest()[:32]}"'
    headers = {**headers, "ETag": tag, "Cache-Control": "max-age=0, private, must-revalidate", "Vary": "Accept"}
    known = [item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")]
    if tag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    return Response(raw, media_type=media_type, headers=headers)


def _not_found() -> Response:
    return Response(b'{"error":"Record not found"}', status_code=404, media_type="application/json; charset=utf-8")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 - ids are 64 bits


def _truth(text: str | None) -> bool:
    return text in ("true", "1")


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
