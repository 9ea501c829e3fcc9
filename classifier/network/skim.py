"""The first look: a post that names nobody and says nothing of an election needs no encoder.

Most posts of a stream are such. A limit on the linear model's log-odds is fitted on held-out posts so that hardly any
post is let go that the whole model would have flagged rightly.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier.network.calibrate import Calibration, Odds
from classifier.text.lexicon import Kind
from models.errors import BadInput

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

LOST = 0.003
"""Of all posts that take a side, at most this share may be lost by the first look."""

PASSED = 200
"""One in so many of the posts that could be let go is read in full all the same, to audit the others."""

KEY = "skim"
"""Where the numbers stand in `calibration.json`."""
_MARGIN = 0.01
_SAFETY = 1.0
"""How far below the limit fitted on some posts the one used on others lies, in log-odds. Fitted on one half of the
shipped model's held-out posts and counted on the other, 7 of 803 partisan posts are lost without it and none with it.
"""
_STEMS = tuple(kind.value for kind in Kind)


@dataclass(frozen=True)
class Skim:
    """Texts without slots whose linear log-odds lie below `limit` are let go with p = sigmoid(slope * linear + bias).

    `lost` of the `partisan` held-out posts it was fitted on would have been flagged and are let go.
    """

    limit: float
    slope: float
    bias: float
    lost: int
    partisan: int

    def lets_go(self, texts: Sequence[str], linear: npt.NDArray[np.floating]) -> Truths:
        """Which masked texts need not be read in full; depends on nothing but each text."""
        named = np.array([any(stem in text for stem in _STEMS) for text in texts], dtype=bool)
        return ~named & (linear < self.limit)

    def log_odds(self, linear: npt.NDArray[np.floating]) -> Floats:
        """Calibrated log-odds that the author takes a side, by the linear model alone."""
        return np.asarray(self.slope * linear.astype(np.float64) + self.bias)

    def save(self, path: Path) -> None:
        """Put the numbers into the calibration file at `path`, beside what it holds."""
        data = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(data | {KEY: asdict(self)}, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Skim:
        """Read what `save` wrote; a calibration file without it lets nothing go.

        Raises:
            BadInput: a number is missing or is none.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8")).get(KEY)
            if data is None:
                return READS_ALL
            limit, slope, bias = (float(data[name]) for name in ("limit", "slope", "bias"))
            return cls(limit, slope, bias, int(data["lost"]), int(data["partisan"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput("not a readable calibration", path=path) from error


READS_ALL = Skim(limit=-1e9, slope=1.0, bias=0.0, lost=0, partisan=0)
"""Lets no post go."""


def is_audited(text: str) -> bool:
    """Whether a masked text is read in full though it could be let go: one in PASSED, always the same ones."""
    return zlib.crc32(text.encode("utf-8", "replace")) % PASSED == 0


def fit_skim(odds: Odds, partisan: Truths, calibration: Calibration, weight: npt.ArrayLike | None = None) -> Skim:
    """Fit limit and probability on the held-out log-odds that the calibration was fitted on.

    The limit is the highest that loses no more than LOST of the partisan posts, where lost means that the whole model
    flags them; and no post let go may reach the threshold or the band in which people should look.
    """
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only training needs it

    unnamed = ~odds.named
    if len(set(partisan[unnamed].tolist())) < 2:  # noqa: PLR2004 - nothing to tell apart
        return READS_ALL
    counted = np.ones(len(partisan)) if weight is None else np.asarray(weight)
    fitted = LogisticRegression(C=1e4).fit(odds.linear[unnamed, None], partisan[unnamed], counted[unnamed])
    slope, bias = float(fitted.coef_[0][0]), float(fitted.intercept_[0])
    if slope <= 0:
        return READS_ALL
    flagged = calibration.probability(odds) >= calibration.threshold
    at_risk = np.sort(odds.linear[unnamed & partisan & flagged])
    allowed = int(LOST * partisan.sum())
    quiet = min(calibration.threshold, calibration.unsure_from) - _MARGIN
    limits = [(float(np.log(quiet / (1 - quiet))) - bias) / slope, *at_risk[allowed : allowed + 1].tolist()]
    limit = min(limits) - _SAFETY
    return Skim(limit, slope, bias, lost=int((at_risk < limit).sum()), partisan=int(partisan.sum()))
