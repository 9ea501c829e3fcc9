"""From two log-odds to one calibrated probability and a threshold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.errors import BadInput

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """p = sigmoid(encoder * e + linear * l + bias); a post is flagged from `threshold` on.

    The two weights are the blend over one temperature. `version` is the model's.
    """

    encoder: float
    linear: float
    bias: float
    threshold: float
    version: str

    def probability(self, encoder_logits: npt.ArrayLike, linear_logits: npt.ArrayLike) -> Floats:
        """Calibrated probabilities that the author takes a side."""
        return np.asarray(1 / (1 + np.exp(-self.log_odds(encoder_logits, linear_logits))), dtype=np.float64)

    def log_odds(self, encoder_logits: npt.ArrayLike, linear_logits: npt.ArrayLike) -> Floats:
        """Calibrated log-odds: the blend before it becomes a probability."""
        mixed = self.encoder * np.asarray(encoder_logits) + self.linear * np.asarray(linear_logits) + self.bias
        return np.asarray(mixed, dtype=np.float64)

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
            numbers = {name: float(data[name]) for name in ("encoder", "linear", "bias", "threshold")}
            return cls(**numbers, version=str(data["version"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput("not a readable calibration", path=path) from error


def fit_calibration(
    encoder_logits: Floats,
    linear_logits: Floats,
    partisan: npt.NDArray[np.bool_],
    version: str,
    weight: Floats | None = None,
) -> Calibration:
    """Fit blend and temperature on held-out log-odds (Platt 1999), and the threshold of the best F1."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only training needs it

    logits = np.stack([encoder_logits, linear_logits], axis=1)
    fitted = LogisticRegression(C=1e4).fit(logits, partisan, sample_weight=weight)
    encoder, linear = (max(0.0, float(each)) for each in fitted.coef_[0])
    unset = Calibration(encoder, linear, float(fitted.intercept_[0]), 0.5, version)
    threshold = best_threshold(unset.probability(encoder_logits, linear_logits), partisan, weight)
    return Calibration(encoder, linear, unset.bias, threshold, version)


def best_threshold(scores: Floats, partisan: npt.NDArray[np.bool_], weight: Floats | None = None) -> float:
    """The threshold with the best (weighted) F1 over these scores, to two decimals; of equals the highest."""
    counted = np.ones(len(scores)) if weight is None else weight
    grid = np.arange(0.05, 0.96, 0.01)
    flagged = scores[None, :] >= grid[:, None]
    hits = flagged @ (counted * partisan)
    f1 = 2 * hits / (flagged @ counted + counted @ partisan)
    return round(float(grid[len(f1) - 1 - int(np.argmax(f1[::-1]))]), 2)
