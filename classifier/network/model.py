"""The transformer: one encoder, four heads (side taken, act, voice, stance towards each slot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from classifier.labels.corpus import STANCES, VOICES
from classifier.network.bert import Bert
from classifier.text.mask import MASK_TOKENS

MAX_TOKENS = 128
_HEAD_TOKENS = 88
"""Of a longer text this many first tokens are kept; the rest of the room is for its end, where tags stand."""

PADS = ("<pad>", "[PAD]")
"""How tokenizers call the token that fills a batch."""

PARTISAN_ACTS = ("support", "attack", "mobilise")


@dataclass(frozen=True)
class Encoded:
    """Token ids of one text, and for each mask token in it the places where it stands."""

    ids: tuple[int, ...]
    slots: dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Batch:
    """Padded texts.

    `ids` and `mask` are (texts, tokens). Slots of all texts are listed one after another: `slot_text` says
    which text a slot belongs to, `slot_mask` (slots, tokens) where it stands.
    """

    ids: Tensor
    mask: Tensor
    slot_text: Tensor
    slot_mask: Tensor


@dataclass(frozen=True)
class Logits:
    """Outputs: `partisan` (texts,), `act` (texts, 3), `voice` (texts, 5), `stance` (slots, 3)."""

    partisan: Tensor
    act: Tensor
    voice: Tensor
    stance: Tensor


class Encoder:
    """Turns masked text into token ids; slots are single tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._slots = {tokenizer.token_to_id(token): token for token in MASK_TOKENS}
        self._pad = next((row for pad in PADS if (row := tokenizer.token_to_id(pad)) is not None), 0)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode texts; long ones keep their beginning and end."""
        return [self._cut(found.ids) for found in self._tokenizer.encode_batch(list(texts))]

    def _cut(self, ids: list[int]) -> Encoded:
        if len(ids) > MAX_TOKENS:
            ids = ids[:_HEAD_TOKENS] + ids[_HEAD_TOKENS - MAX_TOKENS :]
        places: dict[str, list[int]] = {}
        for place, token in enumerate(ids):
            if token in self._slots:
                places.setdefault(self._slots[token], []).append(place)
        return Encoded(tuple(ids), {slot: tuple(found) for slot, found in places.items()})

    def collate(self, texts: Sequence[Encoded], *, length: int | None = None) -> Batch:
        """Pad to `length` or the longest text."""
        width = length or max(len(text.ids) for text in texts)
        ids = torch.full((len(texts), width), self._pad)
        for row, text in enumerate(texts):
            ids[row, : len(text.ids)] = torch.tensor(text.ids)
        slots = [(row, places) for row, text in enumerate(texts) for places in text.slots.values()]
        slot_mask = torch.zeros(len(slots), width)
        for row, (_text, places) in enumerate(slots):
            slot_mask[row, list(places)] = 1.0
        return Batch(ids, ids != self._pad, torch.tensor([row for row, _ in slots], dtype=torch.long), slot_mask)


class PartisanModel(nn.Module):
    """The encoder with its heads.

    Heads read the mean over tokens of three layers' outputs, standardised by the training text's mean and
    deviation: the encoder's raw vectors all point nearly the same way.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, encoder: Bert, *, dropout: float = 0.1) -> None:
        super().__init__()
        depth, width = len(encoder.layers), encoder.width
        self.encoder = encoder
        self.tapped = (depth // 2, 3 * depth // 4, depth)
        pooled = len(self.tapped) * width
        self.register_buffer("mean", torch.zeros(pooled))
        self.register_buffer("deviation", torch.ones(pooled))
        self.dropout = nn.Dropout(dropout)
        self.slot_norm = nn.LayerNorm(width)
        self.partisan = nn.Linear(pooled, 1)
        self.act = nn.Linear(pooled, len(PARTISAN_ACTS))
        self.voice = nn.Linear(pooled, len(VOICES))
        self.stance = nn.Linear(width + pooled, len(STANCES))

    @property
    def frozen(self) -> int:
        """How many layers, from the first, training leaves as they are: half of them."""
        return self.tapped[0]

    def forward(self, batch: Batch) -> Logits:
        """Score a batch."""
        return self.read(self.pool(self.encoder.embeddings(batch.ids), batch, 0), batch)

    def lower(self, batch: Batch, layers: int) -> Tensor:
        """Hidden states (texts, tokens, width) after the first `layers` layers."""
        attend = batch.mask[:, None, None, :]
        hidden: Tensor = self.encoder.embeddings(batch.ids)
        for layer in self.encoder.layers[:layers]:
            hidden = layer(hidden, attend)
        return hidden

    def pool(self, hidden: Tensor, batch: Batch, layers: int) -> tuple[Tensor, Tensor]:
        """Run the layers after the first `layers` on their output.

        Returns the standardised means of the tapped layers (texts, 3 x width) and the last hidden states.
        """
        attend = batch.mask[:, None, None, :]
        weights = batch.mask.unsqueeze(-1).to(hidden.dtype)
        count = weights.sum(1)
        means = [(hidden * weights).sum(1) / count] if layers in self.tapped else []
        for depth, layer in enumerate(self.encoder.layers[layers:], layers + 1):
            hidden = layer(hidden, attend)
            if depth in self.tapped:
                means.append((hidden * weights).sum(1) / count)
        return (torch.cat(means, dim=-1) - self.mean) / self.deviation, hidden

    def read(self, pooled_and_hidden: tuple[Tensor, Tensor], batch: Batch) -> Logits:
        """Apply the heads to what `pool` gave."""
        pooled, hidden = self.dropout(pooled_and_hidden[0]), pooled_and_hidden[1]
        stance = self.stance(self.dropout(self.at_slots(pooled, hidden, batch)))
        return Logits(self.partisan(pooled).squeeze(-1), self.act(pooled), self.voice(pooled), stance)

    def at_slots(self, pooled: Tensor, hidden: Tensor, batch: Batch) -> Tensor:
        """What the stance head reads (slots, 4 x width): the slot's mean last state, and its text's means."""
        return torch.cat([self.slot_norm(self.slot_states(hidden, batch)), pooled[batch.slot_text]], dim=-1)

    @staticmethod
    def slot_states(hidden: Tensor, batch: Batch) -> Tensor:
        """The mean of `hidden` over the places of each slot (slots, width)."""
        sums = (hidden[batch.slot_text] * batch.slot_mask.unsqueeze(-1)).sum(1)
        return sums / batch.slot_mask.sum(1, keepdim=True).clamp(min=1)
