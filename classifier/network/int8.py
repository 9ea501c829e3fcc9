"""Eight-bit linear layers with one scale a token, so that a score does not depend on its batch.

PyTorch's dynamic quantisation takes one scale for the whole batch: the same post would score differently
beside other posts. Here every row of activations has its own scale, and sums of integers are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from classifier.network.bert import Projections

_TOP = 127.0


class Int8Linear(nn.Module):
    """`nn.Linear` with 8-bit weights (a scale an output) and 8-bit activations (a scale a row)."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scale = weight.abs().amax(dim=1).clamp(min=1e-8) / _TOP
        self.weight = (weight / scale[:, None]).round().to(torch.int8).t().contiguous()
        self.scale = scale
        self.bias = linear.bias.detach()

    def forward(self, values: Tensor) -> Tensor:
        """(…, inputs) → (…, outputs), float32."""
        rows = values.reshape(-1, values.shape[-1])
        scale = rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-8).div_(_TOP)
        eighths = rows.div(scale).round_().to(torch.int8)
        sums = torch._int_mm(eighths, self.weight).to(torch.float32)  # noqa: SLF001 - the only int8 product torch has
        return torch.addcmul(self.bias, sums.mul_(scale), self.scale).reshape(*values.shape[:-1], -1)


class Int8Together(nn.Module):
    """Several linear layers that read the same values: those are quantised once."""

    def __init__(self, linears: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.sizes = [linear.out_features for linear in linears]
        joined = nn.Linear(linears[0].in_features, sum(self.sizes), device="meta")
        joined.weight = nn.Parameter(torch.cat([linear.weight.detach() for linear in linears]))
        joined.bias = nn.Parameter(torch.cat([linear.bias.detach() for linear in linears]))
        self.joined = Int8Linear(joined)

    def forward(self, values: Tensor) -> tuple[Tensor, ...]:
        """(…, inputs) → for each layer (…, outputs), float32."""
        return self.joined(values).split(self.sizes, dim=-1)


def quantise(module: nn.Module) -> None:
    """Replace every linear layer inside `module` by an eight-bit one, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        elif isinstance(child, Projections):
            setattr(module, name, Int8Together(list(child.values())))  # type: ignore[arg-type]
        else:
            quantise(child)
