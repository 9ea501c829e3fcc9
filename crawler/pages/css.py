"""CSS selectors on pages from outside, at a cost that is counted.

cssselect reads the selector. Matching is done here and not by XPath: XPath has no limit that could be set, and what
a selector costs there is up to whoever wrote the page.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import cssselect
from cssselect import parser

from models.errors import BadInput

MAX_SELECTOR_CHARACTERS = 300
MAX_ALTERNATIVES = 8
"""Selectors in a list: `h2, .body`."""

MAX_STEPS = 2_000_000
"""Comparisons spent on one page, by all selectors together (a second or two)."""

_VALUES: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "~=": lambda value, wanted: wanted in value.split(),
    "|=": lambda value, wanted: value == wanted or value.startswith(f"{wanted}-"),
    "^=": lambda value, wanted: bool(wanted) and value.startswith(wanted),
    "$=": lambda value, wanted: bool(wanted) and value.endswith(wanted),
    "*=": lambda value, wanted: bool(wanted) and wanted in value,
}


@dataclasses.dataclass(slots=True)
class Budget:
    """Steps left for one page.

    Raises (in `spend`):
        BadInput: none are left.
    """

    left: int = MAX_STEPS

    def spend(self, steps: int = 1) -> None:
        """Take steps."""
        self.left -= steps
        if self.left < 0:
            raise BadInput("selektor terlalu mahal untuk halaman sebesar ini; buatlah lebih sederhana")


def compile_css(css: str) -> tuple[Any, ...]:
    """The selectors of a list, read and found to be of the kinds that `select` knows.

    Known are types, classes, ids, attributes, `:not()`, `:is()`, `:first-child`, `:last-child`, `:nth-child()` and
    the four combinators.

    Raises:
        BadInput: not CSS, too long, or of another kind; says which.
    """
    if len(css) > MAX_SELECTOR_CHARACTERS:
        raise BadInput(f"paling panjang {MAX_SELECTOR_CHARACTERS} karakter")
    try:
        selectors = cssselect.parse(css)
    except (cssselect.SelectorError, RecursionError) as error:
        raise BadInput(f"{css!r} bukan selektor CSS: {error}") from error
    if len(selectors) > MAX_ALTERNATIVES:
        raise BadInput(f"paling banyak {MAX_ALTERNATIVES} alternatif")
    for selector in selectors:
        if selector.pseudo_element:
            raise BadInput(f"'::{selector.pseudo_element}' tidak dikenal; nama atribut ditulis @nama")
        _check(selector.parsed_tree)
    return tuple(selector.parsed_tree for selector in selectors)


def select(root: Any, compiled: tuple[Any, ...], budget: Budget) -> Iterator[Any]:
    """The elements below `root` that match, in document order; what stands above `root` counts for combinators."""
    for element in root.iterdescendants():
        if isinstance(element.tag, str) and any(_matches(element, node, budget) for node in compiled):
            yield element


def _check(node: Any) -> None:
    if isinstance(node, parser.Function):
        if node.name != "nth-child":
            raise BadInput(f"':{node.name}()' tidak dikenal")
        try:
            parser.parse_series(node.arguments)
        except ValueError as error:
            raise BadInput(f"':nth-child()': {error}") from error
    elif isinstance(node, parser.Pseudo):
        if node.ident not in {"first-child", "last-child"}:
            raise BadInput(f"':{node.ident}' tidak dikenal")
    elif type(node) not in _MATCHERS:
        raise BadInput(f"{node.canonical()!r} tidak dikenal")
    for inner in _inner(node):
        _check(inner)


def _inner(node: Any) -> Iterator[Any]:
    if not isinstance(node, parser.Element):
        yield node.selector
    if isinstance(node, parser.CombinedSelector | parser.Negation):
        yield node.subselector
    if isinstance(node, parser.Matching):
        yield from node.selector_list


def _matches(element: Any, node: Any, budget: Budget) -> bool:
    budget.spend()
    return _MATCHERS[type(node)](element, node, budget)


def _element(element: Any, node: Any, _budget: Budget) -> bool:
    return node.element is None or element.tag == node.element.lower()


def _class(element: Any, node: Any, budget: Budget) -> bool:
    return node.class_name in (element.get("class") or "").split() and _matches(element, node.selector, budget)


def _hash(element: Any, node: Any, budget: Budget) -> bool:
    return element.get("id") == node.id and _matches(element, node.selector, budget)


def _attribute(element: Any, node: Any, budget: Budget) -> bool:
    value = element.get(node.attrib.lower())
    if node.operator == "exists":
        found = value is not None
    elif value is None:
        found = node.operator == "!="
    else:
        wanted = node.value.value
        if node.flag == "i":
            value, wanted = value.lower(), wanted.lower()
        found = _VALUES[node.operator](value, wanted)
    return found and _matches(element, node.selector, budget)


def _negation(element: Any, node: Any, budget: Budget) -> bool:
    return not _matches(element, node.subselector, budget) and _matches(element, node.selector, budget)


def _matching(element: Any, node: Any, budget: Budget) -> bool:
    inner = any(_matches(element, one, budget) for one in node.selector_list)
    return inner and _matches(element, node.selector, budget)


def _pseudo(element: Any, node: Any, budget: Budget) -> bool:
    neighbour = element.getprevious() if node.ident == "first-child" else element.getnext()
    return neighbour is None and _matches(element, node.selector, budget)


def _function(element: Any, node: Any, budget: Budget) -> bool:
    step, first = parser.parse_series(node.arguments)
    place = 1
    for _ in element.itersiblings(preceding=True):
        budget.spend()
        place += 1
    fits = place == first if step == 0 else (place - first) % step == 0 and (place - first) // step >= 0
    return fits and _matches(element, node.selector, budget)


def _combined(element: Any, node: Any, budget: Budget) -> bool:
    if not _matches(element, node.subselector, budget):
        return False
    return any(_matches(other, node.selector, budget) for other in _COMBINED[node.combinator](element))


def _parent(element: Any) -> Iterator[Any]:
    parent = element.getparent()
    if parent is not None:
        yield parent


def _previous(element: Any) -> Iterator[Any]:
    previous = element.getprevious()
    if previous is not None:
        yield previous


_COMBINED: dict[str, Callable[[Any], Iterator[Any]]] = {
    " ": lambda element: element.iterancestors(),
    ">": _parent,
    "+": _previous,
    "~": lambda element: element.itersiblings(preceding=True),
}

_MATCHERS: dict[type, Callable[[Any, Any, Budget], bool]] = {
    parser.Element: _element,
    parser.Class: _class,
    parser.Hash: _hash,
    parser.Attrib: _attribute,
    parser.Negation: _negation,
    parser.Matching: _matching,
    parser.Pseudo: _pseudo,
    parser.Function: _function,
    parser.CombinedSelector: _combined,
}
