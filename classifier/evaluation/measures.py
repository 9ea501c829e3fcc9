"""The figures of an evaluation, over all rows or some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from classifier.evaluation.answers import Answered, Asked
from classifier.evaluation.metrics import (
    LEAST,
    Bools,
    Figure,
    Floats,
    Metric,
    auc,
    average_precision,
    calibration_error,
    f1_at,
    figures,
    precision_among,
    share,
    unknown,
)
from classifier.evaluation.sides import ContestSides, Side, false_positives_by_side
from models.intervals import wilson

TOP = 50

MEASURES: Mapping[str, str] = {
    "auc": "AUC",
    "average_precision": "Presisi rata-rata",
    "f1": "F1",
    "precision_top": f"Presisi {TOP} teratas",
    "false_positives": "Positif palsu",
    "recall": "Recall",
    "lean": "Dukung/serang benar",
    "target": "Sasaran benar",
    "calibration_error": "ECE",
}
"""Every figure, and what cards call it."""


@dataclass(frozen=True)
class Group:
    """Some rows and the figures over them."""

    rows: int
    partisan: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class SideGaps:
    """One contest's rates by side: `false_positives` over rows without a side taken, `recall` over those with one."""

    contest: str
    false_positives: ContestSides | None
    recall: ContestSides | None


def measure_groups(asked: Asked, answered: Answered, keys: Sequence[str]) -> dict[str, Group]:
    """The figures of every group of rows with the same key, in order of appearance; rows without key are left out."""
    names = dict.fromkeys(key for key in keys if key)
    return {name: measure(asked, answered, np.array([key == name for key in keys])) for name in names}


def measure(asked: Asked, answered: Answered, here: Bools) -> Group:
    """The figures over the rows that `here` chooses."""
    partisan, scores, flags = asked.partisan[here], answered.scores[here], answered.flags[here]
    right_lean, right_target = _right_lean(asked, answered, here), _right_target(asked, answered, here)
    found = {
        **_rankings(scores, partisan, answered.threshold),
        "false_positives": share(flags[~partisan]),
        "recall": share(flags[partisan]),
        "lean": share(right_lean),
        "target": share(right_target),
    }
    return Group(int(here.sum()), int(partisan.sum()), {name: found[name] for name in MEASURES})


def _rankings(scores: Floats, partisan: Bools, threshold: float) -> dict[str, Figure]:
    """What needs both classes, and the calibration error, which does not."""
    both: dict[str, Metric] = {
        "auc": auc,
        "average_precision": average_precision,
        "f1": f1_at(threshold),
        "precision_top": precision_among(TOP),
    }
    found = {name: unknown(why) for name in both} if (why := _too_few(partisan)) else figures(both, scores, partisan)
    top = found["precision_top"]
    if len(scores) < TOP:
        found["precision_top"] = unknown(f"hanya {len(scores)} baris")
    elif top.value == 1:
        found["precision_top"] = Figure(1.0, *wilson(1.0, TOP))
    if len(scores) < LEAST:
        return found | {"calibration_error": unknown(f"hanya {len(scores)} baris")}
    return found | figures({"calibration_error": calibration_error}, scores, partisan)


def _too_few(partisan: Bools) -> str:
    count, others = int(partisan.sum()), int((~partisan).sum())
    if count < LEAST:
        return f"hanya {count} baris memihak"
    return f"hanya {others} baris tidak memihak" if others < LEAST else ""


def _right_lean(asked: Asked, answered: Answered, here: Bools) -> Bools:
    """For or against, where the label says which and the model flagged."""
    rows = zip(here, asked.rows, answered.leans, strict=True)
    return np.array([row.lean == lean for chosen, row, lean in rows if chosen and row.lean and lean], dtype=bool)


def _right_target(asked: Asked, answered: Answered, here: Bools) -> Bools:
    """Whether the labelled target is among those that the model names, where it flagged and the contest lists it."""
    rows = zip(here, asked.rows, asked.targets, answered.named, answered.flags, strict=True)
    return np.array(
        [target in named for chosen, row, target, named, flag in rows if chosen and row.partisan and target and flag],
        dtype=bool,
    )


def side_gaps(asked: Asked, answered: Answered) -> list[SideGaps]:
    """False positives and recall by the candidate named, and how far apart the sides of a contest lie."""
    false = {c.contest: c for c in false_positives_by_side(answered.flags, asked.partisan, asked.sides)}
    # The same count over partisan rows is the recall.
    recall = {c.contest: c for c in false_positives_by_side(answered.flags, ~asked.partisan, asked.sides)}
    return [SideGaps(name, false.get(name), recall.get(name)) for name in sorted(false.keys() | recall.keys())]


def side_names(sides: Sequence[Side | None]) -> list[str]:
    """A key for each row: contest and ballot number; empty where it names nobody or several."""
    return [f"{side[0]}, nomor {side[1]}" if side else "" for side in sides]
