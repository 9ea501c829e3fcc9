"""The office's news as RSS 2.0 and Atom (RFC 4287), built with an XML writer so that nothing needs escaping by hand."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from pipeline.demo.wording import text_html
from pipeline.demo.world import DOMAIN, ArticleSpec, OfficeSpec

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
register_namespace("atom", ATOM)
register_namespace("content", CONTENT)


def rss(office: OfficeSpec, started: dt.datetime, base: str) -> bytes:
    """The feed as most offices publish it. `base` is the square's address without a slash at the end."""
    root = Element("rss", version="2.0")
    channel = SubElement(root, "channel")
    _text(channel, "title", office.short)
    _text(channel, "link", f"{base}/dinas")
    _text(channel, "description", office.tagline)
    _text(channel, "language", "id")
    _text(channel, "lastBuildDate", format_datetime(last_change(office, started), usegmt=True))
    SubElement(channel, f"{{{ATOM}}}link", rel="self", type="application/rss+xml", href=f"{base}/dinas/feed.xml")
    for article in office.articles:
        item = SubElement(channel, "item")
        _text(item, "title", article.title)
        _text(item, "link", article_url(article, base))
        _text(item, "guid", _tag(article)).set("isPermaLink", "false")
        _text(item, "category", article.section)
        _text(item, "pubDate", format_datetime(started - article.ago, usegmt=True))
        _text(item, "description", summary(article))
        _text(item, f"{{{CONTENT}}}encoded", text_html(article.body, base))
    return _bytes(root)


def atom(office: OfficeSpec, started: dt.datetime, base: str) -> bytes:
    """The same articles as Atom."""
    root = Element(f"{{{ATOM}}}feed")
    _text(root, f"{{{ATOM}}}title", office.short)
    _text(root, f"{{{ATOM}}}id", f"tag:{DOMAIN},2026:dinas")
    _text(root, f"{{{ATOM}}}updated", last_change(office, started).isoformat())
    _text(SubElement(root, f"{{{ATOM}}}author"), f"{{{ATOM}}}name", office.name)
    SubElement(root, f"{{{ATOM}}}link", rel="self", href=f"{base}/dinas/atom.xml")
    for article in office.articles:
        entry = SubElement(root, f"{{{ATOM}}}entry")
        _text(entry, f"{{{ATOM}}}title", article.title)
        _text(entry, f"{{{ATOM}}}id", _tag(article))
        SubElement(entry, f"{{{ATOM}}}link", rel="alternate", type="text/html", href=article_url(article, base))
        _text(entry, f"{{{ATOM}}}published", (started - article.ago).isoformat())
        _text(entry, f"{{{ATOM}}}updated", changed_at(article, started).isoformat())
        _text(entry, f"{{{ATOM}}}summary", summary(article))
        _text(entry, f"{{{ATOM}}}content", text_html(article.body, base)).set("type", "html")
    return _bytes(root)


def article_url(article: ArticleSpec, base: str) -> str:
    """The page of an article."""
    return f"{base}/dinas/berita/{article.slug}"


def summary(article: ArticleSpec) -> str:
    """Its first paragraph."""
    return article.body.split("\n\n")[0]


def changed_at(article: ArticleSpec, started: dt.datetime) -> dt.datetime:
    """When the article took its present form."""
    return started - (article.ago if article.edited is None else article.edited)


def last_change(office: OfficeSpec, started: dt.datetime) -> dt.datetime:
    """When anything in the feed last changed."""
    return max(changed_at(article, started) for article in office.articles)


def _tag(article: ArticleSpec) -> str:
    return f"tag:{DOMAIN},2026:dinas/{article.slug}"


def _text(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = str(text)
    return child


def _bytes(root: Element) -> bytes:
    raw: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return raw
