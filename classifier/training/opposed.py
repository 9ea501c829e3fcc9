"""Posts that favour one side and oppose another, joined from posts that do either."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from classifier.network.model import PARTISAN_ACTS
from classifier.training.examples import NO_ACT, Example

_SLOT = re.compile(r"\b(CALON|PARTAI|SLOGAN|NOMOR)_(\d)\b")
_MAX_HALF = 160
_OPPOSED_WEIGHT = 0.3


def opposed_pairs(examples: Sequence[Example], limit: int, seed: int) -> Iterator[Example]:
    """Posts for one side joined with posts of the same writer against another, in either order.

    Hardly any post written names one side well and another ill; joined, they teach the stance head to read
    each slot by the words around it and not by the post as a whole.
    """
    order = random.Random(seed)  # noqa: S311 - sampling, no secret
    halves = [example for example in examples if _is_half(example)]
    order.shuffle(halves)
    waiting: dict[tuple[str, bool], list[Example]] = {}
    for half in halves:
        attack = PARTISAN_ACTS[half.act] == "attack"
        others = waiting.get((half.group, not attack))
        if not others:
            waiting.setdefault((half.group, attack), []).append(half)
        elif limit:
            limit -= 1
            yield _join(*order.sample([others.pop(), half], 2))


def _is_half(example: Example) -> bool:
    """Whether it is short, takes a side, and its slots all stand for one side and carry its stance."""
    sides = {order for _kind, order in _SLOT.findall(example.text)}
    kinds = {f"{kind}_{order}" for kind, order in _SLOT.findall(example.text)}
    return example.act != NO_ACT and sides == {"1"} and kinds == set(example.stances) and len(example.text) < _MAX_HALF


def _join(first: Example, second: Example) -> Example:
    renamed = _SLOT.sub(r"\1_2", second.text)
    stances = {**first.stances, **{_SLOT.sub(r"\1_2", slot): stance for slot, stance in second.stances.items()}}
    return Example(
        f"{first.text} {renamed}",
        partisan=True,
        act=NO_ACT,
        voice=first.voice,
        stances=stances,
        group=first.group,
        weight=_OPPOSED_WEIGHT,
        measured=False,
    )
