"""Challenger against champion on the same labelled posts: the gate before a promotion.

The challenger passes if it is not worse anywhere that matters and treats the sides of a contest alike
(docs/decisions/0009-what-a-new-model-must-show.md gives the rule and its limits).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.assess import Model
from classifier.evaluation.labelled import LabelledText, read_labelled
from classifier.evaluation.metrics import ROUNDS, Bools
from classifier.evaluation.paired import (
    ALPHA,
    Answers,
    Difference,
    McNemar,
    holm,
    mcnemar,
    paired_bootstrap,
)
from classifier.evaluation.sides import LEAST_ROWS, ContestSides, Side, false_positives_by_side
from classifier.text.mask import Masker
from models.contest import ContestSpec
from models.errors import BadInput

LEAST_CLASS_ROWS = 30
"""AUC decides where a source has so many partisan rows, and so many others."""

MOST_GAP = 0.02
SEED = 1
_BATCH = 256
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class LabelledRows:
    """What is known of the rows: label, source, and whom each names (None: nobody, or several sides)."""

    partisan: Bools
    sources: Sequence[str]
    sides: Sequence[Side | None]

    def of(self, source: str | None) -> Bools:
        """Which rows are of this source; None means all."""
        return np.array([source in (None, here) for here in self.sources])


@dataclasses.dataclass(frozen=True)
class SourceResult:
    """Both models on the rows of one source (None: on all rows). `p_holm` is McNemar's p corrected over the sources."""

    source: str | None
    rows: int
    partisan: int
    measures: dict[str, Difference]
    mcnemar: McNemar
    p_holm: float

    @property
    def judged(self) -> bool:
        """Whether both classes are large enough for the AUC to decide."""
        return min(self.partisan, self.rows - self.partisan) >= LEAST_CLASS_ROWS

    @property
    def name(self) -> str:
        """As reasons call it."""
        return "semua baris" if self.source is None else self.source


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What was found; `reasons` (Indonesian, shown to people) are why the challenger may not be promoted."""

    sources: tuple[SourceResult, ...]
    challenger_sides: tuple[ContestSides, ...]
    champion_sides: tuple[ContestSides, ...]
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the challenger."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON values; an undefined figure is null."""
        return {
            "passed": self.passed,
            "reasons": list(self.reasons),
            "rules": {
                "alpha": ALPHA,
                "rounds": ROUNDS,
                "seed": SEED,
                "least_class_rows": LEAST_CLASS_ROWS,
                "least_side_rows": LEAST_ROWS,
                "most_gap": MOST_GAP,
            },
            "sources": [_plain(dataclasses.asdict(result) | {"judged": result.judged}) for result in self.sources],
            "sides": {
                "challenger": [_plain(dataclasses.asdict(contest)) for contest in self.challenger_sides],
                "champion": [_plain(dataclasses.asdict(contest)) for contest in self.champion_sides],
            },
        }


def compare(rows: LabelledRows, challenger: Answers, champion: Answers) -> Comparison:
    """Measure both and decide. The same rows and answers always give the same result."""
    names: list[str | None] = [*dict.fromkeys(rows.sources)]
    sources = tuple(_source_results(rows, challenger, champion, names if len(names) == 1 else [*names, None]))
    ours, theirs = (
        tuple(false_positives_by_side(answers.flags, rows.partisan, rows.sides, seed=SEED))
        for answers in (challenger, champion)
    )
    return Comparison(sources, ours, theirs, (*_worse(sources), *_uneven(ours)))


def _source_results(
    rows: LabelledRows, challenger: Answers, champion: Answers, names: Sequence[str | None]
) -> Iterator[SourceResult]:
    places = {str(number): rows.of(name) for number, name in enumerate(names)}
    tests = {
        key: mcnemar(rows.partisan[here], challenger.of(here).flags, champion.of(here).flags)
        for key, here in places.items()
    }
    corrected = holm({key: test.p for key, test in tests.items()})
    for name, (key, here) in zip(names, places.items(), strict=True):
        partisan = rows.partisan[here]
        measures = paired_bootstrap(partisan, challenger.of(here), champion.of(here), seed=SEED)
        yield SourceResult(name, len(partisan), int(partisan.sum()), measures, tests[key], corrected[key])


def _worse(sources: Sequence[SourceResult]) -> Iterator[str]:
    if not any(result.judged for result in sources):
        yield (
            f"Baris terlalu sedikit untuk menilai AUC: perlu sedikitnya {LEAST_CLASS_ROWS} baris memihak dan "
            f"{LEAST_CLASS_ROWS} baris tidak memihak."
        )
    for result in sources:
        auc, test = result.measures["auc"], result.mcnemar
        if result.judged and auc.high < 0:
            yield (
                f"{result.name}: AUC turun dari {_number(auc.champion)} ke {_number(auc.challenger)}, selang 95% "
                f"selisihnya {_number(auc.low)} sampai {_number(auc.high)}."
            )
        if test.only_champion > test.only_challenger and result.p_holm < ALPHA:
            yield (
                f"{result.name}: {test.only_champion} jawaban benar model sekarang menjadi salah, hanya "
                f"{test.only_challenger} sebaliknya (McNemar, p terkoreksi {_number(result.p_holm)})."
            )


def _uneven(contests: Sequence[ContestSides]) -> Iterator[str]:
    gaps = {contest.contest: contest.gap for contest in contests if contest.gap is not None}
    if not gaps:
        yield (
            f"Keadilan antarcalon tidak terukur: perlu sedikitnya {LEAST_ROWS} baris tidak memihak yang menyebut satu "
            "calon saja, untuk dua calon atau lebih dalam satu pemilihan."
        )
    for name, gap in gaps.items():
        if round(gap, _DECIMALS) > MOST_GAP:
            yield (
                f"{name}: salah tandai antarcalon berselisih {_number(100 * gap, 1)} poin, "
                f"paling banyak {_number(100 * MOST_GAP, 0)}."
            )


def _number(value: float, decimals: int = 3) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")


def _plain(value: Any) -> Any:
    """JSON values with rounded numbers; NaN becomes None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, _DECIMALS)
    return value


def read_comparable(path: Path, contests: Mapping[str, ContestSpec]) -> tuple[list[LabelledText], LabelledRows]:
    """Read a labelled file, and whom each row names in the contest of its source.

    Raises:
        BadInput: the file is malformed or empty, or a source has no contest.
    """
    texts = read_labelled(path)
    if not texts:
        raise BadInput("no rows to compare on", path=path)
    missing = sorted({row.source for row in texts} - contests.keys())
    if missing:
        raise BadInput(f"no contest given for {', '.join(missing)}", path=path)
    maskers = {source: Masker(contest) for source, contest in contests.items()}
    sides = [_only_side(maskers[row.source], contests[row.source].name, row.text) for row in texts]
    partisan = np.array([row.partisan for row in texts])
    return texts, LabelledRows(partisan, [row.source for row in texts], sides)


def _only_side(masker: Masker, contest: str, text: str) -> Side | None:
    """The candidate named, where it is exactly one; parties are no side, for several candidates may share one."""
    numbers = {target.key for target in masker.mask(text).targets if isinstance(target.key, int)}
    return (contest, numbers.pop()) if len(numbers) == 1 else None


def answers_of(
    model: Model, texts: Sequence[LabelledText], contests: Mapping[str, ContestSpec], advanced: Callable[[int], None]
) -> Answers:
    """The model's scores of the rows, in their order; `advanced` is told how many rows were scored."""
    scores = np.zeros(len(texts))
    for source, contest in contests.items():
        places = [place for place, row in enumerate(texts) if row.source == source]
        for at in range(0, len(places), _BATCH):
            batch = places[at : at + _BATCH]
            found = model.assess([texts[place].text for place in batch], contest, explain=False)
            scores[batch] = [score.score for score in found]
            advanced(len(batch))
    return Answers(scores, model.threshold)
