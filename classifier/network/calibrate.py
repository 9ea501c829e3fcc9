"""From two log-odds to one calibrated probability and a threshold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.errors import BadInput

Floats = npt.NDArray[np.float64]

MISSED = 0.1
"""Of each class at most this share lies outside its conformal set."""
_SAME_F1 = 0.005


@dataclass(frozen=True)
class Odds:
    """What is blended, one entry a text: log-odds of encoder and linear model, and whether somebody is named.

    A text that names no side is rarely partisan, and neither model sees that as such.
    """

    encoder: Floats
    linear: Floats
    named: npt.NDArray[np.bool_]

    def features(self) -> Floats:
        """The columns that Calibration weighs (texts, 3)."""
        return np.stack([self.encoder, self.linear, (~self.named).astype(np.float64)], axis=1)


@dataclass(frozen=True)
class Calibration:
    """p = sigmoid(encoder * e + linear * l + bias, and `unnamed` more where the text names nobody).

    The weights are the blend over one temperature. A post is flagged from `threshold` on. Between
    `unsure_from` and `unsure_to` both answers belong to the conformal set: the model should not be asked.
    `version` is the model's.
    """

    encoder: float
    linear: float
    unnamed: float
    bias: float
    threshold: float
    unsure_from: float
    unsure_to: float
    version: str

    def probability(self, odds: Odds) -> Floats:
        """Calibrated probabilities that the author takes a side."""
        return np.asarray(1 / (1 + np.exp(-self.log_odds(odds))), dtype=np.float64)

    def log_odds(self, odds: Odds) -> Floats:
        """Calibrated log-odds: the blend before it becomes a probability."""
        return odds.features() @ np.array([self.encoder, self.linear, self.unnamed]) + self.bias

    def is_unsure(self, probability: float) -> bool:
        """Whether neither answer can be ruled out (Vovk et al. 2005; class by class, at MISSED)."""
        return self.unsure_from <= probability <= self.unsure_to

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read what `save` wrote.

        Raises:
            BadInput: a field is missing or is no number.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            numbers = {field.name: float(data[field.name]) for field in fields(cls) if field.name != "version"}
            return cls(**numbers, version=str(data["version"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput("not a readable calibration", path=path) from error


def fit_calibration(
    odds: Odds, partisan: npt.NDArray[np.bool_], version: str, weight: npt.ArrayLike | None = None
) -> Calibration:
    """Fit blend and temperature on held-out log-odds (Platt 1999), the threshold of the best F1, the unsure band."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only training needs it

    counted = np.ones(len(partisan)) if weight is None else np.asarray(weight)
    fitted = LogisticRegression(C=1e4).fit(odds.features(), partisan, sample_weight=counted)
    encoder, linear = (max(0.0, float(each)) for each in fitted.coef_[0][:2])
    unnamed = min(0.0, float(fitted.coef_[0][2]))
    unset = Calibration(encoder, linear, unnamed, float(fitted.intercept_[0]), 0.5, 0.5, 0.5, version)
    scores = unset.probability(odds)
    return replace(
        unset,
        threshold=best_threshold(scores, partisan, counted),
        unsure_from=_rank(scores[partisan], MISSED),
        unsure_to=_rank(scores[~partisan], 1 - MISSED),
    )


def _rank(scores: Floats, share: float) -> float:
    """The conformal quantile: with n scores, the one at rank share * (n + 1)."""
    place = min(max(round(share * (len(scores) + 1)) - 1, 0), len(scores) - 1)
    return round(float(np.sort(scores)[place]), 4)


def best_threshold(scores: Floats, partisan: npt.NDArray[np.bool_], weight: Floats | None = None) -> float:
    """The highest threshold, to two decimals, whose (weighted) F1 is all but the best over these scores.

    F1 hardly changes over a wide range; of what it cannot tell apart, the threshold that bothers fewer people.
    """
    counted = np.ones(len(scores)) if weight is None else weight
    grid = np.arange(0.05, 0.96, 0.01)
    flagged = scores[None, :] >= grid[:, None]
    hits = flagged @ (counted * partisan)
    f1 = 2 * hits / (flagged @ counted + counted @ partisan)
    return round(float(grid[np.flatnonzero(f1 >= f1.max() - _SAME_F1)[-1]]), 2)
