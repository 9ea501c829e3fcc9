"""Any public page: what it says about itself, or what an operator's selectors find (`crawler.pages.selectors`).

An address is the page's URL, with the selectors in its fragment. The watermark is `{"posts": […]}`, by which moved
and edited posts are recognised as those of a feed are; their ids are scoped by the URL alone, so that mending the
selectors leaves every post the one it was.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from crawler.feeds.identity import Known, normal_link, recognise, remembered
from crawler.pages.document import read_document
from crawler.pages.items import PageItem
from crawler.pages.readers import read_page
from crawler.pages.selectors import Selectors, split_address
from crawler.source import Answer, Ask, Blocked, Gone, KnownPost, Page, Parsed, Source, Unparsed, unparsed
from models.errors import BadInput
from models.posts import ParsedPost

_SIGN_IN = re.compile(r"/(?:log-?in|sign-?in|masuk|auth|checkpoint)(?:[/.]|$)", re.IGNORECASE)


class PublicPage(Source):
    """The connector; see `crawler.source.Source`."""

    accept = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
    needs_tls = False

    def begin(self, address: str, watermark: Mapping[str, Any], since: dt.datetime | None = None) -> Ask:
        """Ask for the page, if it changed."""
        del watermark, since
        url, _ = split_address(address)
        return Ask(url, conditional=True)

    def read(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> Page:
        """Read the page and remember its posts.

        Raises:
            BadInput: nothing is understood, or another site has answered.
            Gone: it led to the site's front page.
            Blocked: it led to a sign-in page.
        """
        del ask
        url, selectors = split_address(address)
        _check_way(url, answer.url)
        content_type = answer.headers.get("content-type", "")
        parsed, memory = parse_posts(
            answer.body,
            url=url,
            selectors=selectors,
            final_url=answer.url,
            memory=remembered(watermark.get("posts")),
            content_type=content_type,
        )
        return Page(parsed, {"posts": [known.as_row() for known in memory]})

    def recheck(self, address: str, watermark: Mapping[str, Any], post: KnownPost) -> Ask | None:
        """Posts with an address of their own can be asked for; the page itself has just been read."""
        if post.url and normal_link(post.url) == normal_link(split_address(address)[0]):
            return None
        return super().recheck(address, watermark, post)

    def reread(self, address: str, watermark: Mapping[str, Any], ask: Ask, answer: Answer) -> ParsedPost | None:
        """A page of its own shows more than a list does, so its text is no edit; where it led to says enough."""
        del address, watermark
        _check_way(ask.url, answer.url)
        return None


def parse_posts(
    body: bytes,
    *,
    url: str,
    selectors: Selectors | None = None,
    final_url: str = "",
    memory: list[Known] | None = None,
    content_type: str = "",
) -> tuple[Parsed, list[Known]]:
    """Read one state of the page at `url`, recognising the posts in `memory`; returns the new memory with it.

    Raises:
        BadInput: no page, or nothing in it is understood.
    """
    document = read_document(body, url=final_url or url, content_type=content_type)
    _, items = read_page(document, selectors or Selectors({}))
    return recognised_posts(url, items, memory or [])


def recognised_posts(url: str, items: list[PageItem], memory: list[Known]) -> tuple[Parsed, list[Known]]:
    """The items of the page at `url` as posts with their lasting ids, and the memory to keep."""
    places = {item.position: item for item in items}
    strange = [Unparsed(item.locator, "unggahan tanpa teks") for item in items if not item.text]
    known, remember = recognise(url, [item for item in items if item.text], memory)
    posts: list[ParsedPost] = []
    for external_id, item in known:
        try:
            posts.append(_post(external_id, places[item.position]))
        except BadInput as error:
            strange.append(unparsed(places[item.position].locator, error))
    return Parsed(tuple(posts), tuple(strange)), remember


def _post(external_id: str, item: PageItem) -> ParsedPost:
    return ParsedPost(
        external_id=external_id,
        text=item.text,
        url=item.shown_at,
        posted_at=item.published or item.updated,
        locator=item.locator,
        author=item.author,
        edited_at=item.updated if item.updated != item.published else None,
        is_repost=item.is_repost,
    )


def _check_way(asked: str, answered: str) -> None:
    """Judge where redirects led: what stands there may be nobody's page, or somebody else's."""
    before, after = urlsplit(asked), urlsplit(answered)
    if _host(before.hostname) != _host(after.hostname):
        raise BadInput(f"halaman dialihkan ke situs lain, {after.hostname}; periksa dan ajukan alamat barunya")
    if _SIGN_IN.search(after.path) and not _SIGN_IN.search(before.path):
        raise Blocked("halaman meminta login")
    if before.path.strip("/") and not after.path.strip("/") and not after.query:
        raise Gone("halaman dialihkan ke beranda situs")


def _host(name: str | None) -> str:
    """The host without the prefix that a site's forms for phones and desktops differ by."""
    return re.sub(r"^(?:www|m|mobile|amp)\.", "", name or "")
