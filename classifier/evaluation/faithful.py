"""Whether the words that a model gives as its reasons are what moved its score.

The score is taken again without the three words of the heaviest spans, and without three words drawn at random
(comprehensiveness: DeYoung et al. 2020, arXiv:1911.03429).
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.assess import Model, Score
from classifier.evaluation.answers import Answered, Asked, batches
from classifier.evaluation.metrics import Figure, mean, ratio
from classifier.evaluation.renamed import replace
from classifier.training.watch import Watch

WORDS = 3
MOST_ROWS = 150
"""Explaining takes some thirty readings of a post; so many flagged rows, evenly spread, tell enough."""

_DRAWS = 5
_BATCH = 16
_WORD = re.compile(r"\S+")
_SEED = 20261126

Span = tuple[int, int]


@dataclass(frozen=True)
class FaithfulFigures:
    """How far the score (a probability) falls without the top words and without random ones, and the ratio of both."""

    rows: int
    top: Figure
    drawn: Figure
    ratio: Figure


def measure_faithful(model: Model, asked: Asked, answered: Answered, watch: Watch) -> FaithfulFigures:
    """Measure on flagged rows of more than `WORDS` words with reasons given."""
    flagged = np.flatnonzero(answered.flags)
    chosen = flagged[:: max(1, len(flagged) // MOST_ROWS)][:MOST_ROWS].tolist()
    drops = []
    for at in watch.each(_small(list(batches(asked, chosen))), "Menguji penjelasan"):
        drops += _drops(model, asked, [chosen[place] for place in at])
    top, drawn = np.array(drops).reshape(-1, 2).T
    return FaithfulFigures(len(top), mean(top), mean(drawn), ratio(top, drawn))


def _small(found: Sequence[list[int]]) -> list[list[int]]:
    return [batch[at : at + _BATCH] for batch in found for at in range(0, len(batch), _BATCH)]


def _drops(model: Model, asked: Asked, places: Sequence[int]) -> list[tuple[float, float]]:
    """For each row the fall without its top words, and the mean fall without random ones."""
    contest = asked.contest_of(asked.rows[places[0]])
    texts = [asked.rows[place].text for place in places]
    scores = model.assess(texts, contest)
    kept = [(text, score) for text, score in zip(texts, scores, strict=True) if top_words(text, score.spans)]
    shorter = [version for text, score in kept for version in _without(text, score)]
    after = np.array([score.score for score in model.assess(shorter, contest, explain=False)]).reshape(-1, 1 + _DRAWS)
    before = [score.score for _, score in kept]
    return [(was - now[0], was - now[1:].mean()) for was, now in zip(before, after, strict=True)]


def _without(text: str, score: Score) -> list[str]:
    """The text without its top words, then without words drawn at random."""
    draw = random.Random(f"{_SEED} {text}")  # noqa: S311 - sampling, no secret
    words = [match.span() for match in _WORD.finditer(text)]
    drawn = [draw.sample(words, WORDS) for _ in range(_DRAWS)]
    return [replace(text, [(*span, "") for span in sorted(gone)]) for gone in (top_words(text, score.spans), *drawn)]


def top_words(text: str, spans: Sequence[tuple[int, int, float]]) -> list[Span]:
    """The `WORDS` words of the heaviest spans; none where there are not so many, or no others to draw from."""
    words = [match.span() for match in _WORD.finditer(text)]
    found: list[Span] = []
    for start, end, _weight in sorted(spans, key=lambda span: -span[2]):
        found += [word for word in words if word[0] < end and word[1] > start and word not in found]
    return found[:WORDS] if len(found) >= WORDS and len(words) > WORDS else []
