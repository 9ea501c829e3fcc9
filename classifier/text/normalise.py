"""Undo what hides words from a reader of text: look-alikes, invisible signs, stretching, digits for letters.

Every step keeps, for each character of the result, where it came from, so that highlights point into the
original post. Hashtags, emoji, digits and letter case stay.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_KEYCAP = "\u20e3"
_VARIATION = "\ufe0e\ufe0f"
_JOINER = "\u200d"

# Cyrillic and Greek letters that look like Latin ones (after Unicode TR 39's confusables).
_LOOKALIKES = str.maketrans(
    "АВСЕНІЈКМОРЅТУХасеіјорѕухԁһԛԝкмтвгпΑΒΕΖΗΙΚΜΝΟΡΤΥΧανορυικıɑɡ",
    "ABCEHIJKMOPSTYXaceijopsyxdhqwkmtbrnABEZHIKMNOPTYXavopuikiag",
)
_ALAY = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t"}
_CIRCLED = {
    chr(start + digit): str(digit + 1)
    for start in (0x2460, 0x2776, 0x2780, 0x278A)  # ① ❶ ➀ ➊
    for digit in range(9)
}

_PLAIN_RUN = re.compile(r"[\n\t -~]+(?=[\n\t -~]|\Z)")
"""What NFKC leaves as it is; a mark that follows could still join the last character, so that one stays out."""
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_REPEATED_SIGN = re.compile(r"([^\w\s])\1{3,}")
_SPACED_OUT = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-]){3,}[^\W\d_](?!\w)")
_INNER_DIGIT = re.compile(r"[#@]\w+|(?<=[^\W\d_])[013457](?=[^\W\d_])")
_BLANKS = re.compile(r"[^\S\n]*\n\s*|[^\S\n]{2,}|[\t\r\x0b\x0c\x85\xa0]")


@dataclass(frozen=True)
class Aligned:
    """Text with, for each character and for its end, the offset in the original text (ascending)."""

    text: str
    origin: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Aligned:
        """The text as it is."""
        return cls(text, tuple(range(len(text) + 1)))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]` lies in the original."""
        return self.origin[start], self.origin[end]

    def edit(self, edits: list[tuple[int, int, str]]) -> Aligned:
        """Replace disjoint ascending ranges `(start, end, new text)`; a new text maps onto its whole range."""
        if not edits:
            return self
        pieces: list[str] = []
        origin: list[int] = []
        at = 0
        for start, end, new in edits:
            pieces += (self.text[at:start], new)
            origin += self.origin[at:start]
            origin += [self.origin[start]] * len(new)
            at = end
        pieces.append(self.text[at:])
        origin += self.origin[at:]
        return Aligned("".join(pieces), tuple(origin))

    def sub(self, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> Aligned:
        """Replace every match of `pattern` by what `new` makes of it; what stays the same keeps its own offsets."""
        made = [(match, new(match)) for match in pattern.finditer(self.text)]
        return self.edit([(*match.span(), text) for match, text in made if text != match.group()])


def normalise(text: str) -> Aligned:
    """Return the plain form of a post with its offset map.

    In order: compatibility forms and invisible signs (NFKC, Unicode TR 15), look-alike letters, circled
    digits and keycaps (`2️⃣` becomes `2⃣`), letters spelt out with gaps, stretching (`menaaang`), digits
    inside words (`p4sl0n`; not `jalan2`, `covid19`), runs of signs, white space.
    """
    aligned = _compose(text)
    for step in (_unmask_lookalikes, _close_gaps, _shorten, _read_alay_digits, _tidy_space):
        aligned = step(aligned)
    return aligned


def _compose(text: str) -> Aligned:
    pieces: list[str] = []
    origin: list[int] = []
    at = 0
    for run in (*_PLAIN_RUN.finditer(text), None):
        start, end = run.span() if run else (len(text), len(text))
        for first, after in _clusters(text, at, start):
            plain = _plain_cluster(text, first, after)
            pieces.append(plain)
            origin += [first] * len(plain)
        pieces.append(text[start:end])
        origin += range(start, end)
        at = end
    return Aligned("".join(pieces), (*origin, len(text)))


def _clusters(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Base characters with the marks that follow them: the units within which NFKC composes."""
    starts = [at for at in range(begin, end) if at == begin or not unicodedata.combining(text[at])]
    return itertools.pairwise([*starts, end])


def _plain_cluster(text: str, start: int, end: int) -> str:
    cluster = text[start:end]
    if cluster[0] in _CIRCLED:
        return _CIRCLED[cluster[0]] + _KEYCAP
    if cluster == _JOINER and _joins_emoji(text, start):
        return cluster
    marks = _plain_marks(cluster[1:])
    plain = unicodedata.normalize("NFKC", cluster[0] + marks)
    return "".join(sign for sign in plain if not _is_invisible(sign))


def _plain_marks(marks: str) -> str:
    """Drop stacked marks beyond two ("zalgo") and marks struck through letters."""
    return "".join(mark for mark in marks if not "\u0334" <= mark <= "\u0338")[:2]


def _joins_emoji(text: str, at: int) -> bool:
    if not 0 < at < len(text) - 1:
        return False
    return all(unicodedata.category(sign) in {"So", "Sk", "Mn"} for sign in (text[at - 1], text[at + 1]))


def _is_invisible(sign: str) -> bool:
    if sign in "\n\t":
        return False
    return sign in _VARIATION or unicodedata.category(sign) in {"Cf", "Cc", "Co", "Cs"}


def _unmask_lookalikes(aligned: Aligned) -> Aligned:
    """Write look-alike letters in Latin where a word mixes scripts or consists of look-alikes only."""
    if aligned.text.isascii():
        return aligned
    return aligned.sub(_FOREIGN_WORD, lambda match: _latin(match.group()))


_FOREIGN_WORD = re.compile(r"\w*[\u0370-\u052fıɑɡ]\w*")


def _latin(word: str) -> str:
    plain = word.translate(_LOOKALIKES)
    mixed = any(sign.isascii() for sign in word)
    return plain if mixed or plain.isascii() else word


def _close_gaps(aligned: Aligned) -> Aligned:
    return aligned.sub(_SPACED_OUT, lambda match: re.sub(r"[ .\-]", "", match.group()))


def _shorten(aligned: Aligned) -> Aligned:
    shorter = aligned.sub(_STRETCHED, lambda match: match.group(1))
    return shorter.sub(_REPEATED_SIGN, lambda match: match.group(1) * 3)


def _read_alay_digits(aligned: Aligned) -> Aligned:
    return aligned.sub(_INNER_DIGIT, _letter_for)


def _letter_for(match: re.Match[str]) -> str:
    """`1` is read as l between a consonant that takes it and a vowel (cob1os), else as i (p1lih)."""
    if match.group()[0] in "#@":  # in a tag a digit begins a word: #Nomor1Menang
        return match.group()
    before, after = match.string[match.start() - 1].lower(), match.string[match.end()].lower()
    if match.group() == "1" and before in "bcfgo" and after in "aiueo":
        return "l"
    return _ALAY[match.group()]


def _tidy_space(aligned: Aligned) -> Aligned:
    tidy = aligned.sub(_BLANKS, lambda match: "\n" if "\n" in match.group() else " ")
    text = tidy.text
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    if start >= end:
        return Aligned("", tidy.origin[-1:])
    return Aligned(text[start:end], tidy.origin[start : end + 1])
