"""Fine-tune the upper half of the encoder and the heads on cached outputs of the frozen lower half."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from classifier.network.bert import Bert
from classifier.network.model import Batch, Encoded, Encoder, Logits, PartisanModel
from classifier.training.examples import NO_ACT, Example
from classifier.training.watch import Watch

Floats = npt.NDArray[np.float64]

STANCE_WEIGHTS = (2.0, 1.0, 2.0)
"""In the order of STANCES: sides are opposed half as often as they are favoured, and rarely neither."""


@dataclass(frozen=True)
class TrainSettings:
    """What can be turned. Rates are AdamW's at the top layer; `layer_decay` multiplies them per layer down."""

    epochs: int = 2
    batch_size: int = 32
    rate: float = 3e-5
    head_rate: float = 2e-4
    probe_penalty: float = 0.003
    layer_decay: float = 0.8
    weight_decay: float = 0.01
    dropout: float = 0.2
    smoothing: float = 0.05
    act_share: float = 0.8
    voice_share: float = 0.2
    stance_share: float = 1.5
    seed: int = 20260101


@dataclass(frozen=True)
class Prepared:
    """Examples with what the untouched encoder makes of them.

    Per example: token ids, the frozen layers' output (tokens, width) in half precision, the tapped layers'
    means (3 x width, not standardised) and the last state at each slot (slots, width).
    """

    examples: Sequence[Example]
    encoded: Sequence[Encoded]
    hidden: Sequence[Tensor] = field(repr=False)
    pooled: Tensor = field(repr=False)
    slots: Sequence[Tensor] = field(repr=False)

    def batch(self, rows: Sequence[int], encoder: Encoder) -> tuple[Tensor, Batch]:
        """The padded hidden states and the batch of some rows."""
        batch = encoder.collate([self.encoded[row] for row in rows])
        hidden = torch.nn.utils.rnn.pad_sequence([self.hidden[row] for row in rows], batch_first=True)
        return hidden.float(), batch


def prepare(examples: Sequence[Example], encoder: Encoder, base: Bert, watch: Watch) -> Prepared:
    """Encode examples and run them once through the untouched encoder."""
    model = PartisanModel(base).eval()
    encoded = encoder.encode([example.text for example in examples])
    hidden: list[Tensor] = [torch.empty(0)] * len(examples)
    slots: list[Tensor] = [torch.empty(0)] * len(examples)
    pooled = torch.empty(len(examples), len(model.mean))
    with torch.inference_mode(), _fast():
        for rows in watch.each(_by_length(encoded, 64), "membaca contoh"):
            batch = encoder.collate([encoded[row] for row in rows])
            lower = model.lower(batch, model.frozen)
            means, last = model.pool(lower, batch, model.frozen)
            pooled[rows] = means.float()
            at_slots = torch.split(model.slot_states(last.float(), batch), [len(encoded[row].slots) for row in rows])
            for row, states, here in zip(rows, lower, at_slots, strict=True):
                hidden[row], slots[row] = states[: len(encoded[row].ids)].half(), here
    # Tensors made for inference only cannot be trained on; copies can.
    return Prepared(examples, encoded, [each.clone() for each in hidden], pooled, [each.clone() for each in slots])


def _fast() -> torch.autocast:
    """Products of matrices in 16 bits: training is half as long, and weights stay in full precision."""
    return torch.autocast("cpu", torch.bfloat16)


def probed(base: Bert, data: Prepared, rows: Sequence[int], settings: TrainSettings) -> PartisanModel:
    """A model on a copy of `base` whose heads have read some rows: what training from the base begins with."""
    model = PartisanModel(copy.deepcopy(base))
    probe(model, data, rows, settings)
    return model


def finetune(
    data: Prepared, rows: Sequence[int], start: PartisanModel, encoder: Encoder, settings: TrainSettings, watch: Watch
) -> PartisanModel:
    """Train on some rows of `data`, beginning from (a copy of) `start`."""
    torch.manual_seed(settings.seed)
    order = random.Random(settings.seed)  # noqa: S311 - shuffling, no secret
    model = copy.deepcopy(start)
    model.dropout.p = settings.dropout
    model.train()
    optimiser = torch.optim.AdamW(_groups(model, settings), weight_decay=settings.weight_decay)
    steps = settings.epochs * math.ceil(len(rows) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _slope(step, steps))
    for epoch in range(settings.epochs):
        total = 0.0
        for chosen in watch.each(_shuffled_batches(data, rows, settings.batch_size, order), "belajar"):
            hidden, batch = data.batch(chosen, encoder)
            with _fast():
                pooled, last = model.pool(hidden, batch, model.frozen)
            loss = batch_loss(
                model.read((pooled.float(), last.float()), batch),
                [data.examples[row] for row in chosen],
                [data.encoded[row] for row in chosen],
                settings,
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total += loss.item() * len(chosen)
        watch.say(f"epoch {epoch + 1} of {settings.epochs}: loss {total / len(rows):.4f}")
    return model.eval()


def probe(model: PartisanModel, data: Prepared, rows: Sequence[int], settings: TrainSettings) -> None:
    """Set the standardisation, and begin the heads from logistic regressions on the untouched encoder, in place.

    Linear probing before fine-tuning keeps what the encoder knows of text unlike the training text
    (Kumar et al. 2022, arXiv:2202.10054).
    """
    pooled = data.pooled[list(rows)]
    model.mean, model.deviation = pooled.mean(0), pooled.std(0).clamp(min=1e-4)
    features = ((pooled - model.mean) / model.deviation).numpy()
    examples = [data.examples[row] for row in rows]
    weight = np.array([example.weight for example in examples])
    _begin_head(model.partisan, features, np.array([int(example.partisan) for example in examples]), weight, settings)
    acts = np.array([example.act for example in examples])
    sided = acts != NO_ACT
    _begin_head(model.act, features[sided], acts[sided], weight[sided], settings)
    _begin_head(model.voice, features, np.array([example.voice for example in examples]), weight, settings)
    _begin_stance(model, data, rows, features, settings)


def _begin_stance(
    model: PartisanModel,
    data: Prepared,
    rows: Sequence[int],
    features: npt.NDArray[np.float32],
    settings: TrainSettings,
) -> None:
    labels = np.array([label for row in rows for label in slot_labels(data.examples[row], data.encoded[row])])
    texts = np.array([place for place, row in enumerate(rows) for _slot in data.encoded[row].slots])
    with torch.no_grad():
        slots = model.slot_norm(torch.cat([data.slots[row] for row in rows])).numpy()
    known = labels != NO_ACT
    matrix = np.concatenate([slots[known], features[texts[known]]], axis=1)
    _begin_head(model.stance, matrix, labels[known], np.array(STANCE_WEIGHTS)[labels[known]], settings)


def slot_labels(example: Example, encoded: Encoded) -> list[int]:
    """The stance (index into STANCES) at each slot of a text in order; NO_ACT where none is to be learnt.

    Only posts that take a side teach stances: towards the others every stance is neutral.
    """
    return [example.stances.get(slot, NO_ACT) if example.partisan else NO_ACT for slot in encoded.slots]


def _begin_head(
    head: torch.nn.Linear,
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    weight: Floats,
    settings: TrainSettings,
) -> None:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only training needs it

    fitted = LogisticRegression(C=settings.probe_penalty, max_iter=500).fit(features, labels, sample_weight=weight)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(0.0 if len(fitted.classes_) <= 2 else -5.0)  # noqa: PLR2004 - a label never seen is unlikely
        places = [0] if head.out_features == 1 else list(fitted.classes_)
        head.weight[places] = torch.from_numpy(fitted.coef_).float()
        head.bias[places] = torch.from_numpy(fitted.intercept_).float()


@dataclass(frozen=True)
class Predicted:
    """What a model says of some rows: log-odds of taking a side, the likeliest act, stance probabilities by slot."""

    log_odds: Floats
    acts: list[int]
    stances: list[dict[str, tuple[float, ...]]]


def predict(model: PartisanModel, data: Prepared, rows: Sequence[int], encoder: Encoder) -> Predicted:
    """Read some rows; answers are in their order."""
    log_odds, acts = np.zeros(len(rows)), [0] * len(rows)
    stances: list[dict[str, tuple[float, ...]]] = [{}] * len(rows)
    with torch.inference_mode():
        for places in _by_length([data.encoded[row] for row in rows], 64):
            hidden, batch = data.batch([rows[place] for place in places], encoder)
            logits = model.read(model.pool(hidden, batch, model.frozen), batch)
            log_odds[places] = logits.partisan.numpy()
            at_slots = iter(logits.stance.softmax(-1).tolist())
            for place, act in zip(places, logits.act.argmax(-1).tolist(), strict=True):
                acts[place] = act
                stances[place] = {slot: tuple(next(at_slots)) for slot in data.encoded[rows[place]].slots}
    return Predicted(log_odds, acts, stances)


def batch_loss(
    logits: Logits, examples: Sequence[Example], encoded: Sequence[Encoded], settings: TrainSettings
) -> Tensor:
    """The weighted sum of the four heads' losses."""
    weight = torch.tensor([example.weight for example in examples])
    partisan = torch.tensor([float(example.partisan) for example in examples])
    smooth = partisan * (1 - 2 * settings.smoothing) + settings.smoothing
    side = functional.binary_cross_entropy_with_logits(logits.partisan, smooth, reduction="none")
    voice = functional.cross_entropy(
        logits.voice, torch.tensor([example.voice for example in examples]), reduction="none"
    )
    loss = ((side + settings.voice_share * voice) * weight).sum() / weight.sum()
    loss = loss + settings.act_share * _known(logits.act, [example.act for example in examples])
    stances = [label for pair in zip(examples, encoded, strict=True) for label in slot_labels(*pair)]
    return loss + settings.stance_share * _known(logits.stance, stances, STANCE_WEIGHTS)


def _known(logits: Tensor, labels: Sequence[int], weights: Sequence[float] | None = None) -> Tensor:
    """Cross entropy over the rows that carry a label; zero if none does."""
    target = torch.tensor(labels, dtype=torch.long)
    if not bool((target != NO_ACT).any()):
        return logits.sum() * 0
    by_label = None if weights is None else torch.tensor(weights)
    return functional.cross_entropy(logits, target, weight=by_label, ignore_index=NO_ACT)


def _groups(model: PartisanModel, settings: TrainSettings) -> list[dict[str, object]]:
    for parameter in model.encoder.parameters():
        parameter.requires_grad = False
    layers = model.encoder.layers
    groups: list[dict[str, object]] = []
    for depth, layer in enumerate(reversed(layers[model.frozen :])):
        layer.requires_grad_(requires_grad=True)
        groups.append({"params": list(layer.parameters()), "lr": settings.rate * settings.layer_decay**depth})
    heads = (model.partisan, model.act, model.voice, model.stance, model.slot_norm)
    groups.append({"params": [p for head in heads for p in head.parameters()], "lr": settings.head_rate})
    return groups


def _slope(step: int, steps: int) -> float:
    """Warm up over the first tenth, then fall to zero."""
    warm = max(1, steps // 10)
    return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def _shuffled_batches(data: Prepared, rows: Sequence[int], size: int, order: random.Random) -> list[list[int]]:
    """Batches of like length in random order: little padding, little order."""
    keyed = sorted(rows, key=lambda row: len(data.encoded[row].ids) + order.uniform(0, 12))
    batches = [keyed[at : at + size] for at in range(0, len(keyed), size)]
    order.shuffle(batches)
    return batches


def _by_length(encoded: Sequence[Encoded], size: int) -> list[list[int]]:
    order = sorted(range(len(encoded)), key=lambda row: len(encoded[row].ids))
    return [order[at : at + size] for at in range(0, len(order), size)]
