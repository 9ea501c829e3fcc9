"""The pages of the square and of the office, made to be photographed; a few misbehave, as `Quirk` says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.demo import drawings, feeds, wording
from pipeline.demo.mastodon_api import base_of, conditional, content_html, followers, status_url
from pipeline.demo.timeline import Account, Square, Status, page
from pipeline.demo.world import DOMAIN, HERE, Quirk

PAGE_SIZE = 20
BUSY_TAGS = 5
FRAGMENT_SIZE = 6
SVG = "image/svg+xml"

ROBOTS = """\
User-agent: *
Disallow: /interact/
Disallow: /media_proxy/
"""


class Pages:
    """Renders the templates with what every page needs."""

    def __init__(self, square: Square) -> None:
        self._square = square
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._templates.filters.update(
            ago=lambda moment: wording.how_long_ago(moment, square.started),
            long_time=wording.long_time,
            month_year=wording.month_year,
        )

    def render(self, name: str, request: Request, *, status_code: int = 200, **values: Any) -> HTMLResponse:
        """One page."""
        base = base_of(request)
        tags = Counter(tag for status in self._square.public() for tag in wording.hashtags(status.text))
        html = self._templates.get_template(name).render(
            base=base,
            domain=DOMAIN,
            office=self._square.world.office,
            busy_tags=tags.most_common(BUSY_TAGS),
            neighbours=list(self._square.accounts.values())[:BUSY_TAGS],
            shown_html=lambda status, alone: shown_html(status, base, alone=alone),
            original=lambda status: self._square.named(status.spec.reblog) if status.spec.reblog else status,
            url=lambda status: status_url(status, base),
            replies=lambda status: len(self._square.replies_to(status)),
            followers=followers,
            Quirk=Quirk,
            **values,
        )
        return HTMLResponse(html, status_code=status_code)

    def missing(self, request: Request) -> HTMLResponse:
        """The page of what is not, or no longer, there."""
        return self.render("missing.html", request, status_code=404)


def shown_html(status: Status, base: str, *, alone: bool) -> Markup:
    """What a page shows of a post, which is not always what the API said; hostile markup runs on its own page only."""
    if status.spec.quirk is Quirk.LYING:
        return wording.text_html(status.spec.shown, base)
    if not alone:
        return wording.text_html(status.text, base)
    return Markup(content_html(status, base))  # noqa: S704 - escaped by `text_html`, or hostile on purpose


def square_routes(square: Square, pages: Pages) -> APIRouter:
    """Home, tags, profiles, posts and pictures."""
    router = APIRouter()

    @router.get("/")
    def home(request: Request, max_id: int | None = None) -> Response:
        return _list(pages, request, "home.html", [s for s in square.public() if not s.spec.reply_to], max_id)

    @router.get("/tags/{tag}")
    def tagged(request: Request, tag: str, max_id: int | None = None) -> Response:
        found = [s for s in square.public() if tag.lower() in map(str.lower, wording.hashtags(s.text))]
        return _list(pages, request, "tag.html", found, max_id, tag=tag) if found else pages.missing(request)

    @router.get("/@{handle}")
    def profile(request: Request, handle: str, max_id: int | None = None) -> Response:
        account = square.accounts.get(handle.lower())
        if account is None:
            return pages.missing(request)
        own = square.by(account)
        return _list(pages, request, "profile.html", own, max_id, account=account, count=len(own))

    @router.get("/@{handle}/{status_id}")
    def post(request: Request, handle: str, status_id: int) -> Response:
        status = square.status(status_id)
        if status is None or status.account.handle != handle.lower():
            return pages.missing(request)
        return pages.render("post.html", request, status=status, answers=square.replies_to(status))

    @router.get("/lagi/{number}")
    def more(request: Request, number: int) -> Response:
        everything = [status for status in square.public() if status.spec.quirk is None]
        start = number * FRAGMENT_SIZE % len(everything)
        return pages.render("more.html", request, statuses=everything[start : start + FRAGMENT_SIZE])

    return router


def picture_routes(square: Square) -> APIRouter:
    """Avatars, headers, posters, the emblem, the style sheet and robots.txt."""
    router = APIRouter()
    style = (HERE / "static" / "square.css").read_bytes()

    def known(handle: str) -> Account | None:
        return square.accounts.get(handle.lower())

    @router.get("/avatars/{handle}.svg")
    def avatar(request: Request, handle: str) -> Response:
        account = known(handle)
        return _picture(request, None if account is None else drawings.avatar(handle, account.spec.name))

    @router.get("/headers/{handle}.svg")
    def header(request: Request, handle: str) -> Response:
        return _picture(request, None if known(handle) is None else drawings.header(handle))

    @router.get("/media/{status_id}.svg")
    def media(request: Request, status_id: int) -> Response:
        status = square.status(status_id)
        return _picture(request, None if status is None or status.image is None else drawings.draw(status.image))

    @router.get("/seruni.svg")
    def emblem(request: Request) -> Response:
        return _picture(request, drawings.flower())

    @router.get("/square.css")
    def css(request: Request) -> Response:
        return conditional(request, style, "text/css; charset=utf-8", {})

    @router.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse(ROBOTS)

    return router


def office_routes(square: Square, pages: Pages) -> APIRouter:
    """The official office: its front page, articles and feeds."""
    router = APIRouter(prefix="/dinas")
    office, started = square.world.office, square.started
    articles = [(article, started - article.ago, feeds.changed_at(article, started)) for article in office.articles]

    @router.get("")
    def front(request: Request) -> Response:
        return pages.render("office.html", request, articles=articles)

    @router.get("/berita/{slug}")
    def article(request: Request, slug: str) -> Response:
        found = next((item for item in articles if item[0].slug == slug), None)
        if found is None:
            return pages.missing(request)
        return pages.render("article.html", request, article=found[0], published=found[1], changed=found[2])

    @router.get("/feed.xml")
    def rss(request: Request) -> Response:
        raw = feeds.rss(office, started, base_of(request))
        return conditional(request, raw, "application/rss+xml; charset=utf-8", {})

    @router.get("/atom.xml")
    def atom(request: Request) -> Response:
        raw = feeds.atom(office, started, base_of(request))
        return conditional(request, raw, "application/atom+xml; charset=utf-8", {})

    return router


def _list(
    pages: Pages, request: Request, name: str, statuses: Sequence[Status], max_id: int | None, **values: Any
) -> Response:
    found = page(statuses, limit=PAGE_SIZE, max_id=max_id)
    older = found[-1].id if found and found[-1] is not statuses[-1] else None
    return pages.render(name, request, statuses=found, older=older, **values)


def _picture(request: Request, svg: str | None) -> Response:
    if svg is None:
        return PlainTextResponse("tidak ada", status_code=404)
    return conditional(request, svg.encode(), SVG, {})
