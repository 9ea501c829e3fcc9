"""Label rows that are probably labelled wrongly: confident learning's off-diagonal rule.

Northcutt, Jiang and Chuang, “Confident Learning: Estimating Uncertainty in Dataset Labels” (2021, arXiv:1911.00068,
§3). Scores are out of fold: each row is scored by linear models that never saw its text. Why the rule is written out
here: docs/decisions/0011-likely-label-errors.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from classifier.labels.exported import LabelRow
from classifier.network.linear import fit_linear
from models.errors import BadInput

FOLDS = 5
LEAST_OF_A_KIND = 10
"""With fewer rows of either kind no model learns what a wrong one looks like."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A row whose label the scores contradict. `given_probability` is the score of the label it carries."""

    row: LabelRow
    likely: Literal["none", "partisan"]
    given_probability: float


def find_suspects(rows: Sequence[LabelRow]) -> list[Suspect]:
    """The suspects, the most suspicious first.

    Raises:
        BadInput: too few rows of either kind.
    """
    sided = np.array([row.partisan for row in rows], dtype=bool)
    if min(int(sided.sum()), int((~sided).sum())) < LEAST_OF_A_KIND:
        raise BadInput(f"at least {LEAST_OF_A_KIND} rows that take a side and {LEAST_OF_A_KIND} that do not are needed")
    scores = _out_of_fold([row.masked for row in rows], sided)
    given = np.where(sided, scores, 1 - scores)
    places = [int(place) for place in np.flatnonzero(off_diagonal(scores, sided))]
    places.sort(key=lambda place: (given[place], rows[place].id))
    return [
        Suspect(rows[place], "none" if rows[place].partisan else "partisan", float(given[place])) for place in places
    ]


def off_diagonal(scores: Floats, sided: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which rows fall off the diagonal of the confident joint, for two classes.

    A row is confidently of a class if its probability reaches the mean probability among the rows given that class;
    of two such classes the likelier counts (eq. 1 and 2). `scores` are probabilities of the side, shape (rows,).
    """
    probabilities = np.stack([1 - scores, scores], axis=1)
    labels = sided.astype(int)
    thresholds = np.array([probabilities[labels == kind, kind].mean() for kind in (0, 1)])
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    likely = confident.argmax(axis=1)
    found: npt.NDArray[np.bool_] = (confident.max(axis=1) >= 0) & (likely != labels)
    return found


def _out_of_fold(texts: Sequence[str], sided: npt.NDArray[np.bool_]) -> Floats:
    """Probabilities of the side, each by a model that saw no copy of the text."""
    folds = np.array([_fold(text) for text in texts])
    scores = np.zeros(len(texts))
    for fold in range(FOLDS):
        held = folds == fold
        if not held.any():
            continue
        if len(set(sided[~held].tolist())) == 1:
            raise BadInput("the rows are copies of too few texts")
        model = fit_linear([text for text, out in zip(texts, held, strict=True) if not out], sided[~held])
        logits = model.logits(text for text, out in zip(texts, held, strict=True) if out)
        scores[held] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return scores


def _fold(text: str) -> int:
    """The fold of a text by its words, so that copies share one and nothing depends on the order of the file."""
    words = " ".join(text.casefold().split())
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big") % FOLDS
