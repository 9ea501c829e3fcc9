"""Text that a printed page can show as it is: what has no shape, or hides, is written out as `⟨U+202E NAME⟩`.

Bidirectional controls and zero-width characters change what a reader sees without changing what was written
(Unicode Technical Report 36); characters that no bundled font has would be empty boxes. `fonts/coverage.txt`
lists the ranges that typst's built-in fonts and Noto Emoji draw; a test prints them all.
"""

from __future__ import annotations

import bisect
import functools
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FONTS = Path(__file__).with_name("fonts")
MAX_MARKS = 2
"""Combining marks shown on one letter; towers of them (“zalgo”) run over the lines around them."""

MAX_CHARACTERS, MAX_LINES = 12_000, 250
"""Of one text on paper, about four pages: the whole of it is in the evidence and in the JSON."""

_PLAIN = ((0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0x17F), (0x2010, 0x2027), (0x2192, 0x2192), (0x27E8, 0x27E9))
"""The letters of the form itself, which never fail together."""

_JOINER = "\N{ZERO WIDTH JOINER}"
_JOINED = ("So", "Sk", "Mn")


def printable(text: str) -> str:
    """`text` with every character that would not be seen written out by name."""
    return "".join(_shape(text, place) for place in range(len(text)))


def shortened(text: str) -> str:
    """`text` cut to what paper takes, saying so where it was cut."""
    kept = "\n".join(text[:MAX_CHARACTERS].split("\n", MAX_LINES)[:MAX_LINES])
    left = len(text) - len(kept)
    return f"{kept}\n[dipotong: {left} karakter lagi; lengkapnya pada berkas bukti]" if left else text


def plain(text: str) -> str:
    """`text` with everything but ordinary Latin letters and punctuation written out by name."""
    return "".join(char if char == "\n" or _within(_PLAIN, ord(char)) else _named(char) for char in text)


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a JSON value with `change` applied to every string in it (not to keys)."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [map_texts(each, change) for each in value]
    if isinstance(value, dict):
        return {key: map_texts(each, change) for key, each in value.items()}
    return value


@functools.cache
def coverage() -> Sequence[tuple[int, int]]:
    """First and last code point of each range that the fonts draw, ascending."""
    lines = (FONTS / "coverage.txt").read_text(encoding="ascii").split()
    return [(int(first, 16), int(last, 16)) for first, _, last in (line.partition("-") for line in lines)]


def _shape(text: str, place: int) -> str:
    char = text[place]
    if char == "\n":
        return char
    if char == "\t":
        return "    "
    if char == _JOINER and not _joins_emoji(text, place):
        return _named(char)
    if _within(coverage(), ord(char)) and not _towers(text, place):
        return char
    return _named(char)


def _joins_emoji(text: str, place: int) -> bool:
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return len(around) > 1 and all(unicodedata.category(char) in _JOINED for char in around)


def _towers(text: str, place: int) -> bool:
    before = text[max(0, place - MAX_MARKS) : place + 1]
    return len(before) > MAX_MARKS and all(unicodedata.combining(char) for char in before)


def _within(ranges: Sequence[tuple[int, int]], point: int) -> bool:
    place = bisect.bisect_right(ranges, (point, sys.maxunicode)) - 1
    return place >= 0 and ranges[place][0] <= point <= ranges[place][1]


def _named(char: str) -> str:
    return f"⟨U+{ord(char):04X} {unicodedata.name(char, '').strip()}".rstrip() + "⟩"
