"""What a page says about itself for link previews: one article (https://ogp.me)."""

from __future__ import annotations

from crawler.pages.document import Document, absolute
from crawler.pages.items import PageItem, page_item
from crawler.pages.moments import read_moment
from crawler.text.html import html_to_text

MAX_TAGS = 1_000

_ARTICLES = ("article", "video", "blog", "post", "status", "photo")
"""Beginnings of `og:type` that name one post; `website` and `profile` name what lists them."""


def read_opengraph(document: Document, zone: str) -> list[PageItem]:
    """The article the page is; none where it says that it is something else."""
    said = _properties(document)
    published = said.get("article:published_time", "")
    if not (said.get("og:type", "").lower().startswith(_ARTICLES) or published):
        return []
    title, text = html_to_text(said.get("og:title", "")), html_to_text(said.get("og:description", ""))
    if not title and not text:
        return []
    item = page_item(
        0,
        locator="meta[property^=og:]",
        title=title,
        body=text,
        link=absolute(document.url, said.get("og:url")) or document.canonical or document.url,
        shown_at=document.url,
        author=said.get("article:author", ""),
        published=read_moment(published, zone),
        updated=read_moment(said.get("article:modified_time") or said.get("og:updated_time", ""), zone),
    )
    return [item]


def _properties(document: Document) -> dict[str, str]:
    """The first value of each property."""
    found: dict[str, str] = {}
    for _, meta in zip(range(MAX_TAGS), document.root.iter("meta"), strict=False):
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        found.setdefault(name, (meta.get("content") or "").strip())
    return found
