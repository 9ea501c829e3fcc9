"""What on a page looks like posts, for an operator who seeks selectors: elements that come again and again."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import re
from typing import Any

from lxml import etree

from crawler.pages.css import Budget, select
from crawler.pages.document import Document
from crawler.pages.selectors import Selectors

MAX_HINTS = 8
MAX_SAMPLE_CHARACTERS = 120
MAX_PIECES = 100
LEAST_TEXT = 20
"""Characters of a post's element, on average; menus have fewer."""

_NAME = re.compile(r"-?[A-Za-z_][A-Za-z0-9_-]{0,60}")
_MACHINE_MADE = re.compile(r"\d{2}|^[a-z]{1,2}$|^(?:css|sc|jsx)-")
_UNSEEN = ("head", "script", "style", "noscript", "template", "svg", "option")
_TELLING = (("time", "datetime"), ("a", "href"), ("meta", "content"))


@dataclasses.dataclass(frozen=True, slots=True)
class Hint:
    """A selector that may serve as `part`, how many elements it finds, and what the first of them shows."""

    part: str
    selector: str
    count: int
    sample: str


def item_hints(document: Document) -> tuple[Hint, ...]:
    """Selectors of elements that stand beside each other and hold text, those with the most text first.

    Takes the document apart.
    """
    groups: dict[tuple[Any, str], list[Any]] = collections.defaultdict(list)
    etree.strip_elements(document.root, *_UNSEEN, with_tail=False)
    for element in document.root.iterdescendants():
        if isinstance(element.tag, str):
            groups[element.getparent(), _name(element)].append(element)
    found: dict[str, Hint] = {}
    weights: dict[str, int] = {}
    for (_, name), elements in groups.items():
        sizes = [len(text) for text in map(_text, elements[:20])] if len(elements) > 1 else []
        if sizes and sum(sizes) >= LEAST_TEXT * len(sizes) and sum(sizes) > weights.get(name, 0):
            weights[name] = sum(sizes)
            found[name] = Hint("item", name, len(elements), _sample(_text(elements[0])))
    return tuple(found[name] for name in sorted(found, key=lambda name: -weights[name])[:MAX_HINTS])


def field_hints(document: Document, selectors: Selectors) -> tuple[Hint, ...]:
    """What stands inside the operator's items: times, links, and elements with a class, most frequent first.

    Raises:
        BadInput: matching costs more than a page may cost.
    """
    items = list(itertools.islice(select(document.root, selectors.fields["item"].compiled, Budget()), 20))
    counts: collections.Counter[str] = collections.Counter()
    samples: dict[str, str] = {}
    for item in items:
        seen = {_described(element): element for element in item.iterdescendants() if isinstance(element.tag, str)}
        for name in filter(None, seen):
            counts[name] += 1
            samples.setdefault(name, _sample(_shown(seen[name], name)))
    usual = (name for name, _ in counts.most_common(60) if samples[name])
    return tuple(
        Hint(_part(name), name, counts[name], samples[name]) for name in itertools.islice(usual, 2 * MAX_HINTS)
    )


def _name(element: Any) -> str:
    """Tag and classes that people gave; `article.post`."""
    names = [name for name in (element.get("class") or "").split() if _NAME.fullmatch(name)]
    return ".".join([element.tag, *[name for name in names if not _MACHINE_MADE.search(name)][:2]])


def _described(element: Any) -> str:
    """A selector for a field, empty for elements that nothing tells apart."""
    name = _name(element)
    for tag, attribute in _TELLING:
        if element.tag == tag and element.get(attribute):
            return f"{name}@{attribute}"
    return name if "." in name or element.tag in {"h1", "h2", "h3", "h4", "p", "time", "blockquote"} else ""


def _part(name: str) -> str:
    if name.startswith("time"):
        return "time"
    return "link" if name.endswith("@href") else "text"


def _shown(element: Any, name: str) -> str:
    _, sign, attribute = name.rpartition("@")
    return str(element.get(attribute)) if sign else _text(element)


def _text(element: Any) -> str:
    """The beginning of its text; pieces are counted, because elements inside elements would be read again and again."""
    return " ".join(" ".join(itertools.islice(element.itertext(), MAX_PIECES)).split())


def _sample(text: str) -> str:
    return text if len(text) <= MAX_SAMPLE_CHARACTERS else f"{text[: MAX_SAMPLE_CHARACTERS - 1]}…"
