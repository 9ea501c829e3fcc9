"""Posts about people whom no contest file lists: their names stand unmasked, and must not decide the score."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterator, Sequence

from classifier.labels.corpus import LabelledPost, Mention
from classifier.training.examples import Example, example_of

_WEIGHT = 0.3
_TWINS = 2
"""As many versions of a chosen post, alike but for the names."""


def unlisted_twins(posts: Sequence[LabelledPost], limit: int, seed: int) -> Iterator[Example]:
    """Versions of `limit` posts in which the candidates bear the names of other posts' candidates, unmasked.

    The names are all the twins differ in (counterfactual augmentation: Kaushik et al. 2020, arXiv:1909.12434). They
    are measured too: contest files do not know every nickname, and the blend must not trust that they do.
    """
    order = random.Random(seed)  # noqa: S311 - sampling, no secret
    named = [post for post in posts if any(map(_is_name, post.mentions))]
    names = sorted({mention.text for post in named for mention in post.mentions if _is_name(mention)})
    for post in order.sample(named, min(limit, len(named))):
        for _twin in range(_TWINS):
            yield dataclasses.replace(example_of(_renamed(post, names, order)), weight=_WEIGHT, twin=post.id)


def _is_name(mention: Mention) -> bool:
    return mention.kind == "candidate" and mention.text[0] not in "#@"


def _renamed(post: LabelledPost, names: Sequence[str], order: random.Random) -> LabelledPost:
    """The post with every candidate's name exchanged, and none of those candidates listed any more."""
    text, sides = post.text, {mention.side for mention in post.mentions if _is_name(mention)}
    for mention in sorted(filter(_is_name, post.mentions), key=lambda each: -len(each.text)):
        words = len(mention.text.split())
        alike = [name for name in names if len(name.split()) == words] or names
        text = re.sub(rf"(?<!\w){re.escape(mention.text)}(?!\w)", order.choice(alike).replace("\\", ""), text)
    kept = tuple(m for m in post.mentions if m.side not in sides and m.text in text)
    return post.model_copy(update={"text": text, "mentions": kept})
