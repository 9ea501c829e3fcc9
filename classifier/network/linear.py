"""A linear model over word and character n-grams of the masked text (TF-IDF, logistic regression).

It knows campaign wording well, the transformer knows words it has not met; the shipped score blends both.
Scoring needs neither scikit-learn nor pickles: a vocabulary (JSON) and one weight a term (safetensors).
"""

from __future__ import annotations

import collections
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from classifier.text.mask import MASK_TOKENS

Floats = npt.NDArray[np.float32]

_UNIT = re.compile(r"[\w@]+|[^\w\s]")
_SLOTS = frozenset(token.lower() for token in MASK_TOKENS)
_CHARACTERS = (3, 4, 5)
MIN_DOCUMENTS = 2
MAX_TERMS = 60_000
_KEPT_UNITS = 30_000
_KEPT_LENGTH = 40
"""Units kept with their columns, and how long they may be: some ten megabytes."""


def terms(text: str) -> collections.Counter[str]:
    """Count word uni- and bigrams (`w`) and character 3- to 5-grams within words (`c`), slots kept whole."""
    units = _UNIT.findall(text.lower())
    counts: collections.Counter[str] = collections.Counter(f"w{unit}" for unit in units)
    counts.update(f"w{first} {second}" for first, second in itertools.pairwise(units))
    for unit in units:
        counts.update(_pieces(unit))
    return counts


def _pieces(unit: str) -> Iterator[str]:
    """The character n-grams of a unit; none of a slot or a single sign."""
    if unit not in _SLOTS and len(unit) > 1:
        padded = f" {unit} "
        yield from (f"c{padded[at : at + size]}" for size in _CHARACTERS for at in range(len(padded) - size + 1))


class _UnitColumns(dict[str, tuple[int, ...]]):
    """The known columns of a unit and its n-grams, kept for the next text: people use the same words."""

    def __init__(self, index: dict[str, int]) -> None:
        super().__init__()
        self._index = index

    def __missing__(self, unit: str) -> tuple[int, ...]:
        names = (f"w{unit}", *_pieces(unit))
        columns = tuple(self._index[name] for name in names if name in self._index)
        if len(unit) <= _KEPT_LENGTH:
            if len(self) >= _KEPT_UNITS:
                self.clear()
            self[unit] = columns
        return columns


@dataclass(frozen=True)
class LinearModel:
    """Inverse document frequency and weight of each term, and the intercept."""

    index: dict[str, int]
    idf: Floats
    weights: Floats
    intercept: float
    _of_unit: _UnitColumns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_of_unit", _UnitColumns(self.index))

    def logits(self, texts: Iterable[str]) -> Floats:
        """The log-odds, one a text, that the author takes a side."""
        return np.array([self._logit(text) for text in texts], dtype=np.float32)

    def _logit(self, text: str) -> float:
        counts = self._columns(text)
        if not counts:
            return self.intercept
        columns = np.fromiter(counts.keys(), np.intp, len(counts))
        often = np.fromiter(counts.values(), np.float64, len(counts))
        values = (1 + np.log(often)) * self.idf[columns]
        return float(values @ self.weights[columns] / math.sqrt(values @ values) + self.intercept)

    def _columns(self, text: str) -> collections.Counter[int]:
        """What `terms` counts, as columns, without spelling out the n-grams of units met before."""
        units = _UNIT.findall(text.lower())
        pairs = (self.index.get(f"w{first} {second}") for first, second in itertools.pairwise(units))
        counts = collections.Counter(itertools.chain.from_iterable(map(self._of_unit.__getitem__, units)))
        counts.update(column for column in pairs if column is not None)
        return counts

    def save(self, directory: Path) -> None:
        """Write `linear.json` (terms in column order) and `linear.safetensors`."""
        names = sorted(self.index, key=self.index.__getitem__)
        (directory / "linear.json").write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")
        tensors = {"idf": self.idf, "weights": self.weights, "intercept": np.array([self.intercept], np.float32)}
        save_file(
            {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, directory / "linear.safetensors"
        )

    @classmethod
    def load(cls, directory: Path) -> LinearModel:
        """Read what `save` wrote."""
        names = json.loads((directory / "linear.json").read_text(encoding="utf-8"))
        tensors = load_file(directory / "linear.safetensors")
        index = {name: column for column, name in enumerate(names)}
        return cls(index, tensors["idf"], tensors["weights"], float(tensors["intercept"][0]))


def fit_linear(
    texts: Sequence[str],
    partisan: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    inverse_penalty: float = 4.0,
) -> LinearModel:
    """Fit TF-IDF and logistic regression (scikit-learn, which only training needs)."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    counted = [terms(text) for text in texts]
    index = _choose_terms(counted)
    rows, columns, values = _coordinates(counted, index)
    documents = np.bincount(columns, minlength=len(index))
    idf = (np.log((1 + len(texts)) / (1 + documents)) + 1).astype(np.float32)
    data = (1 + np.log(values)) * idf[columns]
    norms = np.sqrt(np.bincount(rows, weights=data * data, minlength=len(texts)))
    matrix = csr_matrix((data / norms[rows], (rows, columns)), shape=(len(texts), len(index)))
    fitted = LogisticRegression(C=inverse_penalty, max_iter=300, class_weight="balanced")
    fitted.fit(matrix, np.asarray(partisan), sample_weight=weight)
    return LinearModel(index, idf, fitted.coef_[0].astype(np.float32), float(fitted.intercept_[0]))


def _choose_terms(counted: Sequence[collections.Counter[str]]) -> dict[str, int]:
    documents = collections.Counter(term for counts in counted for term in counts)
    often = [(term, count) for term, count in documents.items() if count >= MIN_DOCUMENTS]
    often.sort(key=lambda pair: (-pair[1], pair[0]))
    return {term: column for column, term in enumerate(sorted(term for term, _count in often[:MAX_TERMS]))}


def _coordinates(
    counted: Sequence[collections.Counter[str]], index: dict[str, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    triples = [
        (row, index[term], count)
        for row, counts in enumerate(counted)
        for term, count in counts.items()
        if term in index
    ]
    rows, columns, values = (np.array(column) for column in zip(*triples, strict=True))
    return rows.astype(np.int64), columns.astype(np.int64), values.astype(np.float32)
