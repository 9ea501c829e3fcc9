"""Is the post's text on the page? Words in their order decide, not bytes: pages break lines, cut links, draw emoji."""

from __future__ import annotations

import re
import unicodedata

FOUND_RATIO = 0.85
MAX_PAGE_CHARACTERS = 2_000_000
_SHINGLE = 3
# Bounded, possessive repeats that begin at a name's first letter: hostile pages must not make the search slow.
_LINK = re.compile(r"(?:https?://|www\.)\S+|(?<![\w-])[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}/\S*", re.IGNORECASE)
_SHORTCODE = re.compile(r":\w+:")
_MENTION_HOST = re.compile(r"(?<=@)([\w.-]+)@[\w.-]+")
_WORD = re.compile(r"\w+")
_ELLIPSES = ("…", "...")


def words(text: str) -> list[str]:
    """The words of `text` as a reader compares them.

    NFKC and case are folded; zero-width, bidirectional and other invisible characters, links (pages shorten them),
    emoji and their shortcodes (pages draw them) and the server part of mentions do not count.
    """
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    plain = _SHORTCODE.sub(" ", _LINK.sub(" ", visible))
    return _WORD.findall(_MENTION_HOST.sub(r"\1", plain).casefold())


def text_ratio(text: str, page: str) -> float:
    """The share (0–1) of `text` that stands on `page`, counted in runs of three words.

    A word cut by "…" at the end of `text` does not count. Texts without a word (emoji alone) are looked for as they
    are, without blanks; a text of which nothing can be compared gives 0.
    """
    page = page[:MAX_PAGE_CHARACTERS]
    wanted = words(_without_cut_word(text)) or words(text)
    if not wanted:
        symbols = "".join(_LINK.sub("", text).split())
        return float(bool(symbols) and symbols in "".join(page.split()))
    size = min(_SHINGLE, len(wanted))
    wanted_runs = _runs(wanted, size)
    return len(wanted_runs & _runs(words(page), size)) / len(wanted_runs)


def _runs(sequence: list[str], size: int) -> set[tuple[str, ...]]:
    return set(zip(*(sequence[start:] for start in range(size)), strict=False))


def _without_cut_word(text: str) -> str:
    whole = text.rstrip()
    if not whole.endswith(_ELLIPSES):
        return text
    last = whole.split()[-1]
    return whole[: -len(last)]
