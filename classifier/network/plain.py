"""Names under which plain transformers opens our encoder, and the head that it reads it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float64]

LABELS = ("no_side", "takes_side")
"""What the two logits of the plain model stand for."""

SPREAD = 5.0
"""Deviations over which tanh bends: where states lie it is all but straight."""

_OURS = "encoder."


@dataclass(frozen=True)
class _Names:
    """How a class of transformers calls itself and its parts."""

    architecture: str
    encoder: str
    pooler: str
    classifier: str


_NAMES = {
    "bert": _Names("Bert", "bert.", "bert.pooler.dense", "classifier"),
    "roberta": _Names("Roberta", "roberta.", "classifier.dense", "classifier.out_proj"),
    "xlm-roberta": _Names("XLMRoberta", "roberta.", "classifier.dense", "classifier.out_proj"),
}


@dataclass(frozen=True)
class PooledHead:
    """Reads the last state at the first token, standardised by `mean` and `deviation`, with `weights` (width,) each."""

    mean: Tensor
    deviation: Tensor
    weights: Tensor
    bias: float

    def features(self, first: Tensor) -> Tensor:
        """What transformers' pooler makes of first states (texts, width)."""
        return torch.tanh((first - self.mean) / (SPREAD * self.deviation))

    def log_odds(self, first: Tensor) -> Floats:
        """What the plain model says (texts,): its second logit less its first."""
        return (self.features(first) @ self.weights + self.bias).double().numpy()

    def tensors(self, model_type: str) -> dict[str, Tensor]:
        """Pooler and classifier, named for a `model_type` of transformers."""
        names, scale = _NAMES[model_type], SPREAD * self.deviation
        return {
            f"{names.pooler}.weight": torch.diag(1 / scale),
            f"{names.pooler}.bias": -self.mean / scale,
            f"{names.classifier}.weight": torch.stack([-self.weights / 2, self.weights / 2]),
            f"{names.classifier}.bias": torch.tensor([-self.bias / 2, self.bias / 2]),
        }


def described(config: Mapping[str, Any], *, headed: bool) -> dict[str, Any]:
    """The configuration with the class that opens it and, where there is a head, its labels."""
    architecture = _NAMES[_type_of(config)].architecture
    if not headed:
        return {**config, "architectures": [f"{architecture}Model"]}
    return {
        **config,
        "architectures": [f"{architecture}ForSequenceClassification"],
        "id2label": {str(number): label for number, label in enumerate(LABELS)},
        "label2id": {label: number for number, label in enumerate(LABELS)},
    }


def split_tensors(
    state: Mapping[str, Tensor], config: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The encoder's tensors under the names of transformers, and our heads' under our own."""
    theirs = _NAMES[_type_of(config)].encoder
    encoder = {theirs + name.removeprefix(_OURS): each for name, each in state.items() if name.startswith(_OURS)}
    return encoder, {name: each for name, each in state.items() if not name.startswith(_OURS)}


def joined_tensors(
    opened: Mapping[str, Tensor], heads: Mapping[str, Tensor], config: Mapping[str, Any]
) -> dict[str, Tensor]:
    """What `split_tensors` took apart; the plain model's own head is left out."""
    names = _NAMES[_type_of(config)]
    encoder = {
        _OURS + name.removeprefix(names.encoder): each
        for name, each in opened.items()
        if name.startswith(names.encoder) and not name.startswith(names.pooler)
    }
    return {**encoder, **heads}


def _type_of(config: Mapping[str, Any]) -> str:
    return str(config.get("model_type", "bert"))
