"""A BERT encoder (Devlin et al. 2019, arXiv:1810.04805) that loads in a moment.

Its parameters have the names that `transformers.BertModel` gives them, so either opens the other's checkpoints;
importing that class costs several seconds, which a command that scores one line would pay each time.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

ARCHITECTURES = ("bert", "roberta", "xlm-roberta")
"""The `model_type`s of transformers that this encoder computes: the last two only count positions from elsewhere."""


class Bert(nn.Module):
    """Embeddings and layers, by the `config` of a transformers checkpoint (its `config.json`).

    On the device `meta` it has no storage, until `load_state_dict(…, assign=True)` fills it.

    Raises:
        KeyError: the configuration lacks a size.
    """

    def __init__(self, config: dict[str, Any], device: str | None = None) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config, device)
        layers = nn.ModuleList(_Layer(config, device) for _ in range(config["num_hidden_layers"]))
        self.encoder = nn.ModuleDict({"layer": layers})

    @property
    def layers(self) -> nn.ModuleList:
        """The layers, first to last."""
        return cast("nn.ModuleList", self.encoder["layer"])

    @property
    def width(self) -> int:
        """The size of a hidden state."""
        return int(self.config["hidden_size"])


class _Embeddings(nn.Module):
    def __init__(self, config: dict[str, Any], device: str | None) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.word_embeddings = _table(config["vocab_size"], width, device)
        self.position_embeddings = _table(config["max_position_embeddings"], width, device)
        self.token_type_embeddings = _table(config["type_vocab_size"], width, device)
        self.LayerNorm = nn.LayerNorm(width, config["layer_norm_eps"], device=device)
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])
        self.first = 0 if config.get("model_type", "bert") == "bert" else config["pad_token_id"] + 1

    def forward(self, ids: Tensor) -> Tensor:
        """(texts, tokens) → (texts, tokens, width)."""
        here = self.position_embeddings.weight[self.first : self.first + ids.shape[1]]
        places = here + self.token_type_embeddings.weight[0]
        hidden: Tensor = self.dropout(self.LayerNorm(self.word_embeddings(ids) + places))
        return hidden


def _table(rows: int, width: int, device: str | None) -> nn.Embedding:
    """An embedding; without storage it draws no numbers, for which torch would import its compiler."""
    weight = torch.empty(rows, width, device=device)
    if device is None:
        nn.init.normal_(weight)
    return nn.Embedding(rows, width, _weight=weight)


class _Layer(nn.Module):
    def __init__(self, config: dict[str, Any], device: str | None) -> None:
        super().__init__()
        self.attention = _Attention(config, device)
        dense = nn.Linear(config["hidden_size"], config["intermediate_size"], device=device)
        self.intermediate = nn.ModuleDict({"dense": dense})
        self.output = _Output(config["intermediate_size"], config, device)

    def forward(self, hidden: Tensor, attend: Tensor) -> Tensor:
        """(texts, tokens, width); `attend` (texts, 1, 1, tokens) is true where a token stands."""
        attended = self.attention(hidden, attend)
        inner = functional.gelu(self.intermediate["dense"](attended))
        out: Tensor = self.output(inner, attended)
        return out


class Projections(nn.ModuleDict):
    """Linear layers that all read the same values."""

    def forward(self, values: Tensor) -> tuple[Tensor, ...]:
        """(…, inputs) → for each layer (…, outputs)."""
        return tuple(project(values) for project in self.values())


class _Attention(nn.Module):
    def __init__(self, config: dict[str, Any], device: str | None) -> None:
        super().__init__()
        width = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.dropout = config["attention_probs_dropout_prob"]
        self.self = Projections({name: nn.Linear(width, width, device=device) for name in ("query", "key", "value")})
        self.output = _Output(width, config, device)

    def forward(self, hidden: Tensor, attend: Tensor) -> Tensor:
        query, key, value = (
            projected.unflatten(-1, (self.heads, -1)).transpose(1, 2) for projected in self.self(hidden)
        )
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=attend, dropout_p=dropout)
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2), hidden)
        return out


class _Output(nn.Module):
    """Project, add what came in, normalise."""

    def __init__(self, inputs: int, config: dict[str, Any], device: str | None) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config["hidden_size"], device=device)
        self.LayerNorm = nn.LayerNorm(config["hidden_size"], config["layer_norm_eps"], device=device)
        self.dropout = nn.Dropout(config["hidden_dropout_prob"])

    def forward(self, hidden: Tensor, before: Tensor) -> Tensor:
        out: Tensor = self.LayerNorm(self.dropout(self.dense(hidden)) + before)
        return out
