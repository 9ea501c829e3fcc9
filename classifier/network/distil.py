"""Fit the head that plain transformers reads our encoder with, so that it says nearly what we say.

`BertForSequenceClassification` sees the first token's last state and nothing else, while our heads read means of three
layers, and the linear model is blended in. The head is a ridge regression (Hoerl and Kennard 1970)
from that state to our calibrated log-odds (distillation: Hinton et al. 2015, arXiv:1503.02531); training the whole
pooler by gradient descent came no closer on texts it had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from classifier.network.calibrate import Odds
from classifier.network.checkpoint import Checkpoint
from classifier.network.model import Encoder
from classifier.network.plain import PooledHead

Floats = npt.NDArray[np.float64]

_PENALTY = 1.0
_BATCH = 64


@dataclass(frozen=True)
class States:
    """Of each text: the last state at its first token (texts, width), and our calibrated log-odds (texts,)."""

    first: Tensor
    log_odds: Floats


def pooled_head(checkpoint: Checkpoint, texts: Sequence[str]) -> PooledHead:
    """Fit the head on masked texts; 3,000 take about a minute on two cores."""
    return fit_pooled_head(read_states(checkpoint, texts))


@torch.inference_mode()
def read_states(checkpoint: Checkpoint, texts: Sequence[str]) -> States:
    """Run masked texts through the encoder, those of like length together."""
    model, encoder = checkpoint.model.eval(), Encoder(checkpoint.tokenizer)
    encoded = encoder.encode(texts)
    first = torch.empty(len(texts), model.encoder.width)
    side = np.empty(len(texts))
    by_length = sorted(range(len(texts)), key=lambda row: len(encoded[row].ids))
    for at in range(0, len(texts), _BATCH):
        rows = by_length[at : at + _BATCH]
        batch = encoder.collate([encoded[row] for row in rows])
        means, hidden = model.pool(model.encoder.embeddings(batch.ids), batch, 0)
        logits = model.read((means, hidden), batch)
        first[rows], side[rows] = hidden[:, 0], logits.partisan.numpy()
    named = np.array([bool(text.slots) for text in encoded])
    odds = Odds(side, checkpoint.linear.logits(texts).astype(np.float64), named)
    return States(first, checkpoint.calibration.log_odds(odds))


@torch.inference_mode()
def fit_pooled_head(states: States) -> PooledHead:
    """The ridge regression; at least two texts are needed."""
    mean, deviation = states.first.mean(0), states.first.std(0).clamp(min=1e-6)
    unset = PooledHead(mean, deviation, torch.zeros_like(mean), 0.0)
    features, wanted = unset.features(states.first).double(), torch.from_numpy(states.log_odds)
    centre, middle = features.mean(0), wanted.mean()
    centred = features - centre
    penalised = centred.T @ centred + _PENALTY * torch.eye(len(mean), dtype=torch.float64)
    weights = torch.linalg.solve(penalised, centred.T @ (wanted - middle))
    return PooledHead(mean, deviation, weights.float(), float(middle - centre @ weights))
