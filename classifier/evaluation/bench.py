"""How fast posts are scored, against `transformers` in full precision on the same encoder and the same texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, TextClassificationPipeline

from classifier.assess import load_model
from classifier.classify_file import BATCH
from classifier.labels.corpus import LabelledPost, read_posts
from classifier.network.checkpoint import load_checkpoint
from classifier.network.model import MAX_TOKENS
from classifier.network.skim import Skim
from classifier.shipped import SHIPPED
from models.contest import ContestSpec

POLITICAL_SHARE = 0.15
COPY_SHARE = 0.2
"""Of the mixed stream, how many posts repeat one before them (circulars, chain messages)."""

REFERENCE_BATCH = 32
_WARM_UP = ("Selamat pagi, semoga sehat selalu.",) * 4
_SEED = 20261125

Score = Callable[[Sequence[str]], object]


def mixed_stream(count: int) -> list[str]:
    """`count` posts of the corpus as a crawl brings them: most take no side and name none, some are copies.

    The same `count` always gives the same stream; the corpus must have that many such posts.
    """
    order = random.Random(_SEED)  # noqa: S311 - an order, no secret
    everyday = _texts(lambda post: not post.partisan and not post.mentions)
    political = _texts(lambda post: post.partisan)
    distinct = count - round(count * COPY_SHARE)
    partisan = round(distinct * POLITICAL_SHARE)
    stream = order.sample(political, partisan) + order.sample(everyday, distinct - partisan)
    stream += order.choices(stream, k=count - distinct)
    order.shuffle(stream)
    return stream


def political_stream(count: int) -> list[str]:
    """`count` different posts that take a side, so that no reading is of use twice."""
    return random.Random(_SEED).sample(_texts(lambda post: post.partisan), count)  # noqa: S311


def race(
    texts: Sequence[str], contest: ContestSpec, rounds: int, *, directory: Path = SHIPPED
) -> Iterator[tuple[float, float]]:
    """Yield (ours, theirs) in posts a second, one pair a round. Both score `texts` without explaining.

    Ours starts each round with an empty cache; what it does more (masking, other heads) is in its time.
    """
    theirs = _reference(directory)
    theirs(_WARM_UP)
    for _ in range(rounds):
        yield _pace(_ours(directory, contest, explain=False), texts), _pace(theirs, texts)


def explained(texts: Sequence[str], contest: ContestSpec, rounds: int, *, directory: Path = SHIPPED) -> Iterator[float]:
    """Yield posts a second, one figure a round, with the words behind each flag worked out as in daily use."""
    for _ in range(rounds):
        yield _pace(_ours(directory, contest, explain=True), texts)


def first_look(directory: Path = SHIPPED) -> Skim:
    """What the first look lost of held-out posts that take a side, when its limit was fitted."""
    return load_checkpoint(directory).skim


def _texts(wanted: Callable[[LabelledPost], bool]) -> list[str]:
    return list(dict.fromkeys(post.text for post in read_posts() if wanted(post)))


def _ours(directory: Path, contest: ContestSpec, *, explain: bool) -> Score:
    model = load_model(directory)
    model.assess(_WARM_UP, contest)

    def score(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), BATCH):
            model.assess(texts[start : start + BATCH], contest, explain=explain)

    return score


def _reference(directory: Path) -> Score:
    """The encoder with an untrained head of the library's own: same shapes, so the same work as a trained one."""
    checkpoint = load_checkpoint(directory)
    encoder = checkpoint.model.encoder
    network = BertForSequenceClassification(BertConfig.from_dict(encoder.config))
    network.bert.load_state_dict(encoder.state_dict(), strict=False)
    scorer = TextClassificationPipeline(
        model=network.eval(),
        tokenizer=PreTrainedTokenizerFast.from_pretrained(directory),
        batch_size=REFERENCE_BATCH,
        device="cpu",
    )
    return lambda texts: scorer(list(texts), truncation=True, max_length=MAX_TOKENS)


def _pace(score: Score, texts: Sequence[str]) -> float:
    began = time.perf_counter()
    score(texts)
    return len(texts) / (time.perf_counter() - began)
