"""What a model makes of labelled posts: scores, flags, acts, and whether it names the right target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.assess import Model, Score
from classifier.evaluation.labelled import LabelledText, Lean
from classifier.evaluation.metrics import Bools, Floats
from classifier.evaluation.sides import Side
from classifier.text.mask import Masker
from classifier.training.watch import Watch
from models.contest import ContestSpec

BATCH = 256
_LEANS: Mapping[str, Lean] = {"support": "support", "mobilise": "support", "attack": "attack"}


@dataclass(frozen=True)
class Asked:
    """Labelled posts with all that is known of them but the model's answer.

    `sides` is the candidate each names (None: nobody, or several); `targets` the labelled target as the model would
    call it (None: not labelled, or nobody whom the contest lists).
    """

    rows: Sequence[LabelledText]
    contests: Mapping[str, ContestSpec]
    sides: Sequence[Side | None]
    targets: Sequence[str | None]

    @property
    def partisan(self) -> Bools:
        """Which authors take a side."""
        return np.array([row.partisan for row in self.rows], dtype=bool)

    def contest_of(self, row: LabelledText) -> ContestSpec:
        """The contest of the row's source."""
        return self.contests[row.source]


@dataclass(frozen=True)
class Answered:
    """The model's answers in the order of the rows; flagged from `threshold` on."""

    scores: Floats
    threshold: float
    leans: Sequence[Lean | None]
    named: Sequence[frozenset[str]]
    """For each row the targets whom the model says the author is for or against."""

    @property
    def flags(self) -> Bools:
        """Which rows are flagged."""
        return self.scores >= self.threshold


def ask_about(rows: Sequence[LabelledText], contests: Mapping[str, ContestSpec]) -> Asked:
    """Find out by masking whom the rows and their labelled targets name."""
    maskers = {source: Masker(contest) for source, contest in contests.items()}
    sides = [_side(row, maskers[row.source], contests[row.source].name) for row in rows]
    return Asked(rows, contests, sides, [_target(row, maskers[row.source]) for row in rows])


def only_number(masker: Masker, text: str) -> int | None:
    """The ballot number of the candidate named, where it is exactly one; parties are no side, several may share one."""
    numbers = {target.key for target in masker.mask(text).targets if isinstance(target.key, int)}
    return numbers.pop() if len(numbers) == 1 else None


def _side(row: LabelledText, masker: Masker, contest: str) -> Side | None:
    number = row.side if row.side is not None else only_number(masker, row.text)
    return None if number is None else (contest, number)


def _target(row: LabelledText, masker: Masker) -> str | None:
    """Files write targets in lower case; "calon" before it makes a name of what may be an ordinary word."""
    found = masker.mask(f"calon {row.target}").targets if row.target else ()
    return found[0].name if found else None


def answers(model: Model, asked: Asked, watch: Watch) -> Answered:
    """Score every row, contest by contest."""
    found: dict[int, Score] = {}
    for places in watch.each(list(batches(asked, range(len(asked.rows)))), "Menilai baris"):
        contest = asked.contest_of(asked.rows[places[0]])
        scored = model.assess([asked.rows[place].text for place in places], contest, explain=False)
        found.update(zip(places, scored, strict=True))
    scores = [found[place] for place in range(len(asked.rows))]
    return Answered(
        scores=np.array([score.score for score in scores]),
        threshold=model.threshold,
        leans=[_LEANS.get(score.act) for score in scores],
        named=[frozenset(t.name for t in score.targets if t.stance != "neutral") for score in scores],
    )


def batches(asked: Asked, places: Sequence[int]) -> Iterator[list[int]]:
    """Positions in `places`, in batches whose rows are of one source."""
    by_source: dict[str, list[int]] = {}
    for at, place in enumerate(places):
        by_source.setdefault(asked.rows[place].source, []).append(at)
    for same in by_source.values():
        yield from (same[at : at + BATCH] for at in range(0, len(same), BATCH))
