"""Text that a printed page can show as it is: what has no shape, or hides, is written out as `⟨U+202E NAME⟩`.

Bidirectional controls and zero-width characters change what a reader sees without changing what was written
(Unicode Technical Report 36); characters that no bundled font has would be empty boxes. `fonts/coverage.txt`
lists the ranges that typst's built-in fonts and Noto Emoji draw; a test prints them all.
"""

from __future__ import annotations

import bisect
import functools
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FONTS = Path(__file__).with_name("fonts")
MAX_MARKS = 2
"""Combining marks shown on one letter; towers of them (“zalgo”) run over the lines around them."""

_JOINER = "\N{ZERO WIDTH JOINER}"
_JOINED = ("So", "Sk", "Mn")


def printable(text: str) -> str:
    """`text` with every character that would not be seen written out by name."""
    return "".join(_shape(text, place) for place in range(len(text)))


def ascii_only(text: str) -> str:
    """`text` with everything outside ASCII written out by number."""
    return "".join(char if char == "\n" or " " <= char <= "~" else f"<U+{ord(char):04X}>" for char in text)


def map_texts(value: Any, change: Any) -> Any:
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
    if _covered(ord(char)) and not _towers(text, place):
        return char
    return _named(char)


def _joins_emoji(text: str, place: int) -> bool:
    around = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    return len(around) > 1 and all(unicodedata.category(char) in _JOINED for char in around)


def _towers(text: str, place: int) -> bool:
    before = text[max(0, place - MAX_MARKS) : place + 1]
    return len(before) > MAX_MARKS and all(unicodedata.combining(char) for char in before)


def _covered(point: int) -> bool:
    place = bisect.bisect_right(coverage(), (point, 0x110000)) - 1
    return place >= 0 and coverage()[place][0] <= point <= coverage()[place][1]


def _named(char: str) -> str:
    return f"⟨U+{ord(char):04X} {unicodedata.name(char, '').strip()}".rstrip() + "⟩"
