"""Measure a model on labelled posts that it was not trained on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifier.assess import Model
from classifier.evaluation.answers import Answered, Asked, answers, ask_about
from classifier.evaluation.baselines import baselines
from classifier.evaluation.capacity import Capacity, Stream, fill_capacity
from classifier.evaluation.faithful import FaithfulFigures, measure_faithful
from classifier.evaluation.labelled import read_labelled, require_contests
from classifier.evaluation.measures import Group, SideGaps, measure, measure_groups, side_gaps, side_names
from classifier.evaluation.metrics import BINS, LEAST, LEVEL, ROUNDS
from classifier.evaluation.renamed import RenamedFigures, measure_renamed
from classifier.training.watch import Watch
from models.canonical import sha256_hex
from models.contest import ContestSpec
from models.errors import BadInput

ALL = "Semua"
_DECIMALS = 6


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to measure beside the figures: the baselines, and thresholds for `reviews` a day on a stream."""

    baselines: bool = False
    reviews: float | None = None
    stream: Stream | None = None


@dataclasses.dataclass(frozen=True)
class Reviewing:
    """The threshold for a reviewers' day, at the prevalence assumed and at a third and thrice of it."""

    reviews: float
    posts: float
    at: Mapping[float, Capacity]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Everything measured. `groups` by kind (all, source, contest, register, side) and name."""

    model: str
    weights_sha256: str
    threshold: float
    file: str
    file_sha256: str
    groups: Mapping[str, Mapping[str, Group]]
    gaps: Sequence[SideGaps]
    renamed: RenamedFigures
    faithful: FaithfulFigures
    baselines: Mapping[str, Mapping[str, Group]]
    capacity: Reviewing | None
    asked: Asked
    answered: Answered

    def as_json(self) -> dict[str, Any]:
        """Everything but the rows, as JSON values; an undefined figure is null."""
        shown = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del shown["asked"], shown["answered"]
        rules = {"rounds": ROUNDS, "level": LEVEL, "bins": BINS, "least_rows": LEAST}
        found: dict[str, Any] = _plain({**shown, "rules": rules})
        return found


def evaluate(path: Path, contests: Mapping[str, ContestSpec], model: Model, wanted: Wanted, watch: Watch) -> Evaluation:
    """Measure a model on a labelled file.

    Raises:
        BadInput: the file is malformed or empty, a source has no contest, or a capacity is asked of one class only.
    """
    rows = read_labelled(path)
    require_contests(rows, contests, path)
    if wanted.stream is not None and len({row.partisan for row in rows}) == 1:
        raise BadInput("a threshold needs rows that take a side and rows that take none", path=path)
    asked = ask_about(rows, contests)
    answered = answers(model, asked, watch)
    others = baselines(asked, watch) if wanted.baselines else {}
    return Evaluation(
        model=model.label,
        weights_sha256=model.sha256,
        threshold=model.threshold,
        file=path.name,
        file_sha256=sha256_hex(path.read_bytes()),
        groups=_groups(asked, answered, watch),
        gaps=side_gaps(asked, answered),
        renamed=measure_renamed(model, asked, answered, watch),
        faithful=measure_faithful(model, asked, answered, watch),
        baselines={name: _by_source(asked, found) for name, found in others.items()},
        capacity=_capacity(asked, answered, wanted),
        asked=asked,
        answered=answered,
    )


def _groups(asked: Asked, answered: Answered, watch: Watch) -> dict[str, Mapping[str, Group]]:
    keys = {
        "source": [row.source for row in asked.rows],
        "contest": [asked.contest_of(row).name for row in asked.rows],
        "register": [row.register for row in asked.rows],
        "side": side_names(asked.sides),
    }
    found = {kind: measure_groups(asked, answered, keys[kind]) for kind in watch.each(list(keys), "Menghitung")}
    return {"all": {ALL: measure(asked, answered, _everything(asked))}, **found}


def _by_source(asked: Asked, answered: Answered) -> dict[str, Group]:
    sources = measure_groups(asked, answered, [row.source for row in asked.rows])
    return {**sources, ALL: measure(asked, answered, _everything(asked))}


def _everything(asked: Asked) -> Any:
    return np.ones(len(asked.rows), dtype=bool)


def _capacity(asked: Asked, answered: Answered, wanted: Wanted) -> Reviewing | None:
    if wanted.reviews is None or wanted.stream is None:
        return None
    middle = wanted.stream.prevalence
    streams = [dataclasses.replace(wanted.stream, prevalence=min(0.99, middle * by)) for by in (1 / 3, 1, 3)]
    return Reviewing(
        wanted.reviews,
        wanted.stream.posts,
        {s.prevalence: fill_capacity(answered.scores, asked.partisan, s, wanted.reviews) for s in streams},
    )


def _plain(value: Any) -> Any:
    """JSON values with rounded numbers; NaN becomes None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, _DECIMALS)
    return value
