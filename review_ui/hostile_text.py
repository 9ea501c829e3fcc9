"""Post text on a page: escaped, its direction isolated, and its invisible characters made visible.

Right-to-left overrides and zero-width characters change what a reader sees without changing what was written
(Unicode Technical Report 36, Trojan Source). They are replaced by a labelled box, so they have no effect here.
"""

from __future__ import annotations

import collections
import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

_JOINER = "\N{ZERO WIDTH JOINER}"
_BREAKS = "\n\t"
_PLAIN_SPACE = str.maketrans(_BREAKS, "  ")
_SHAPELESS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks by category that nevertheless show nothing."""
_SLOT = re.compile(r"(?<!\w)(?P<stem>CALON|PARTAI|SLOGAN|NOMOR)(?:_(?P<number>[1-9]))?(?!\w)")
_STRENGTHS = ((0.5, "strong"), (0.2, "middle"), (0.0, "slight"))
MAX_DIFF_WORDS = 2_000
MAX_DIFF_PAIRS = 20_000
"""Comparing is cubic where the same words come again and again; texts with more words, or more places where a word
of one stands in the other, are shown whole.
"""


def safe_text(text: str) -> Markup:
    """`text` as HTML that shows what is there."""
    return Markup("<bdi dir='auto'>{}</bdi>").format(_revealed(text))


def with_slots(masked: str, words: Mapping[str, str]) -> Markup:
    """A masked text as HTML, each slot (`CALON_1`) boxed and in words (`words` by its stem: “Calon {n}”)."""
    parts = [
        Markup('<span class="slot">{}</span>').format(words[match[0]].format(n=match[1]).rstrip())
        if match is not None
        else _revealed(part)
        for part, match in _slots(masked)
    ]
    return Markup("<bdi dir='auto'>{}</bdi>").format(Markup("").join(parts))


def highlighted(text: str, spans: Sequence[Sequence[float]]) -> Markup:
    """`text` with the model's spans (`[start, end, weight]`, in characters) marked by strength; overlaps take the
    heavier one and spans outside the text are ignored.
    """
    weights = [0.0] * len(text)
    for start, end, weight in spans:
        for place in range(max(0, int(start)), min(len(text), int(end))):
            weights[place] = max(weights[place], weight)
    heaviest = max(weights, default=0.0) or 1.0
    parts = [_marked(text[start:end], weights[start] / heaviest) for start, end in _runs(weights)]
    return Markup("<bdi dir='auto'>{}</bdi>").format(Markup("").join(parts))


def difference(before: str, after: str) -> Markup:
    """`after` with what was added and removed since `before`, word by word."""
    old, new = _words(before), _words(after)
    if max(len(old), len(new)) > MAX_DIFF_WORDS or _pairs(old, new) > MAX_DIFF_PAIRS:
        return Markup("<del>{}</del> <ins>{}</ins>").format(safe_text(before), safe_text(after))
    parts: list[Markup] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(_revealed("".join(old[i:j])))
            continue
        if i < j:
            parts.append(Markup("<del>{}</del>").format(_revealed("".join(old[i:j]))))
        if k < m:
            parts.append(Markup("<ins>{}</ins>").format(_revealed("".join(new[k:m]))))
    return Markup("<bdi dir='auto'>{}</bdi>").format(Markup("").join(parts))


def excerpt(text: str, length: int) -> str:
    """The first `length` characters on one line, with an ellipsis when there is more."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _revealed(text: str) -> Markup:
    """Escaped text in which every character without a shape has a labelled box."""
    if text.translate(_PLAIN_SPACE).isprintable() and _BLANKS.isdisjoint(text):
        return escape(text)  # nearly every post, and a hundred times faster
    return Markup("").join(_shape(text, place) for place in range(len(text)))


def _shape(text: str, place: int) -> Markup:
    char = text[place]
    if char in _BREAKS or (char not in _BLANKS and unicodedata.category(char) not in _SHAPELESS):
        return escape(char)
    if char == _JOINER and _joins_emoji(text, place):
        return escape(char)
    name = unicodedata.name(char, "CONTROL CHARACTER")
    return Markup('<span class="ghost" title="{}">U+{:04X}</span>').format(name, ord(char))


def _joins_emoji(text: str, place: int) -> bool:
    """Whether the joiner at `place` builds an emoji such as a family, its honest use."""
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    joinable = ("So", "Sk", "Mn")
    return len(around) > 1 and all(unicodedata.category(char) in joinable for char in around)


def _slots(masked: str) -> Iterable[tuple[str, tuple[str, str] | None]]:
    """The text in order, in pieces: plain ones, and slots as (stem, number)."""
    end = 0
    for match in _SLOT.finditer(masked):
        yield masked[end : match.start()], None
        yield match.group(), (match["stem"], match["number"] or "")
        end = match.end()
    yield masked[end:], None


def _runs(weights: Sequence[float]) -> Iterable[tuple[int, int]]:
    start = 0
    for place in range(1, len(weights) + 1):
        if place == len(weights) or weights[place] != weights[start]:
            yield start, place
            start = place


def _marked(text: str, share: float) -> Markup:
    if share <= 0:
        return _revealed(text)
    strength = next(name for least, name in _STRENGTHS if share > least)
    return Markup('<mark class="{}">{}</mark>').format(strength, _revealed(text))


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    """How many pairs of places, one in each text, hold the same word."""
    counts = collections.Counter(new)
    return sum(counts[word] for word in old)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\S+\s*", text)
