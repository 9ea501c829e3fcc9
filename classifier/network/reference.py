"""What a model's text looks like: counts over masked posts, and those of the text held out of its training.

`reference.json` lies beside a checkpoint and is no part of it: a score does not depend on it, and a model without one
still works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from tokenizers import Tokenizer

from classifier.network.linear import LinearModel
from classifier.text.mask import MASK_TOKENS
from models.drift import LENGTH_BINS, SCORE_BINS, Tally, length_bin, score_bin
from models.errors import BadInput

FILE = "reference.json"
UNKNOWN_PIECES = ("<unk>", "[UNK]")
"""How tokenizers call a piece that they cannot spell."""

_UNIT = re.compile(r"[\w@#]+")
_SLOTS = frozenset(MASK_TOKENS)
_LEAST_LETTERS = 2


@dataclass(frozen=True)
class Vocabulary:
    """What a model can read: the pieces of its tokenizer, and the words of its linear part."""

    tokenizer: Tokenizer
    linear: LinearModel

    @classmethod
    def load(cls, directory: Path) -> Vocabulary:
        """Read it from a model's directory, without the transformer.

        Raises:
            BadInput: a file is missing or damaged.
        """
        try:
            tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
            return cls(tokenizer, LinearModel.load(directory))
        except Exception as error:  # tokenizers raises bare Exception
            raise BadInput(f"not a readable model: {str(error).splitlines()[0]}", path=directory) from error

    def tally(self, texts: Sequence[str], scores: Sequence[float], flagged: Sequence[bool]) -> Tally:
        """Count over masked texts with their scores (0 to 1) and whether each was flagged."""
        encoded = [found.ids for found in self.tokenizer.encode_batch(list(texts))]
        unknown = {self.tokenizer.token_to_id(piece) for piece in UNKNOWN_PIECES}
        units = [_UNIT.findall(text) for text in texts]
        words = [word for text in units for word in _words(text)]
        return Tally(
            posts=len(texts),
            flagged=sum(flagged),
            scores=_histogram(map(score_bin, scores), SCORE_BINS),
            lengths=_histogram((length_bin(len(ids)) for ids in encoded), LENGTH_BINS),
            words=len(words),
            unknown_words=sum(f"w{word}" not in self.linear.index for word in words),
            pieces=sum(map(len, encoded)),
            unknown_pieces=sum(piece in unknown for ids in encoded for piece in ids),
            naming=_naming(units),
        )


def reference_of(texts: Sequence[str], scores: Sequence[float], threshold: float, vocabulary: Vocabulary) -> Tally:
    """What later posts are set against: `texts` are masked and held out of training (words that were trained on are
    known by definition), `scores` what the finished model says of them.
    """
    return vocabulary.tally(texts, scores, [score >= threshold for score in scores])


def save_reference(directory: Path, reference: Tally) -> None:
    """Write it beside a checkpoint."""
    (directory / FILE).write_text(reference.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load_reference(directory: Path) -> Tally | None:
    """The reference beside a checkpoint; None where there is none.

    Raises:
        BadInput: it is damaged.
    """
    path = directory / FILE
    try:
        return Tally.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BadInput(f"not a readable reference: {str(error).splitlines()[0]}", path=path) from error


def _words(units: Sequence[str]) -> Iterator[str]:
    """The words of a masked text as the linear model counts them; no slots, handles, tags or numbers."""
    for unit in units:
        if unit not in _SLOTS and unit.isalpha() and len(unit) >= _LEAST_LETTERS:
            yield unit.lower()


def _histogram(places: Iterator[int], bins: int) -> tuple[int, ...]:
    counts = [0] * bins
    for place in places:
        counts[place] += 1
    return tuple(counts)


def _naming(texts: Sequence[Sequence[str]]) -> dict[str, int]:
    kinds = [{unit.partition("_")[0] for unit in units if unit in _SLOTS} for units in texts]
    return {kind: sum(kind in found for found in kinds) for kind in sorted(set().union(*kinds))}
