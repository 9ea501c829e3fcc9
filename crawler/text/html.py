"""HTML from outside into the plain text a person would read."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from models.base import storable

MAX_HTML_CHARACTERS = 500_000

_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer"),
        *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "tr", "ul"),
    }
)
_LINES = frozenset({"br", "li", "option"})
_UNSEEN = frozenset({"head", "noscript", "script", "style", "template", "textarea", "title"})
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_SPACES = re.compile(r" {2,}")
_SPACED_BREAK = re.compile(r" ?\n ?")
_TAG = re.compile(r"<[^<>]*>")
_WIDE_BREAK = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """The visible text of an HTML fragment: paragraphs an empty line apart, `br` and `li` on lines of their own.

    Text inside links stays where it is, so mentions, hashtags and addresses read as the author wrote them.
    Never raises; at most `MAX_HTML_CHARACTERS` are read.
    """
    html = storable(html[:MAX_HTML_CHARACTERS])
    if "<" not in html and "&" not in html:
        return _tidy(_BLANKS.sub(" ", html))
    parser = etree.HTMLParser(target=_Writer(), encoding="utf-8", no_network=True, huge_tree=True)  # type: ignore[call-overload]
    try:
        # The wrapping elements keep the parser from dropping leading blanks and text outside any element.
        return _tidy(str(etree.fromstring(f"<body><span>{html}".encode(), parser)))
    except etree.LxmlError:
        return _tidy(_TAG.sub(" ", html))


def _tidy(text: str) -> str:
    return _WIDE_BREAK.sub("\n\n", _SPACED_BREAK.sub("\n", _SPACES.sub(" ", text))).strip()


class _Writer:
    """Receives the parser's events in order, so depth costs no stack."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._unseen = 0

    def start(self, tag: str, _attributes: Any) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag in _LINES:
            self._parts.append("\n")

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self._parts.append("\n\n")

    def data(self, data: str) -> None:
        if not self._unseen:
            self._parts.append(_BLANKS.sub(" ", data))

    def comment(self, _text: str) -> None:
        """Comments are not seen."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Neither are processing instructions."""

    def close(self) -> str:
        return "".join(self._parts)
