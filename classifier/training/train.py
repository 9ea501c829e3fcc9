"""Train a classifier from a base encoder, on the corpus and what else is given.

Blend, temperature and threshold are fitted on posts whose writers, and on tweets which, the models have not read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifier.labels.corpus import POSTS, STANCES, nobodys_contest, read_posts
from classifier.labels.parallel import read_translations
from classifier.network.calibrate import Calibration, Odds, fit_calibration
from classifier.network.checkpoint import Checkpoint, save_checkpoint
from classifier.network.distil import pooled_head
from classifier.network.linear import LinearModel, fit_linear
from classifier.network.model import PARTISAN_ACTS, Encoder, PartisanModel
from classifier.network.reference import Vocabulary, reference_of, save_reference
from classifier.network.skim import fit_skim
from classifier.network.stance import resolve_stances
from classifier.training.encoders import load_base
from classifier.training.examples import NATURAL, Example, example_of, natural_negatives
from classifier.training.finetune import Prepared, TrainSettings, finetune, predict, prepare, probed
from classifier.training.opposed import opposed_pairs
from classifier.training.tweets import pool_examples
from classifier.training.unlisted import unlisted_twins
from classifier.training.watch import Watch
from models.contest import ContestSpec, load_contest
from models.drift import Tally
from models.errors import BadInput

FOLDS = 8
"""One of as many parts of the groups is held out of training."""
NATURAL_WEIGHT = 0.3
"""Headlines are many and easy; corpus posts are few and were written to be hard."""

HEADLINES = 800
DISTILLED = 4
"""One in so many examples is read to fit the head for plain transformers."""
OPPOSED_PAIRS = 240
UNLISTED = 500


@dataclass(frozen=True)
class Sources:
    """What is learnt from beside the corpus.

    `headlines` is a CSV file with a column text, news of which nothing is partisan; `tweets` one with the columns
    id and text, of which pool_labels.tsv labels some. Contest files mask them.
    """

    headlines: Path | None = None
    headlines_contest: Path | None = None
    tweets: Path | None = None
    tweets_contest: Path | None = None
    corpus: Path = POSTS

    def examples(self, seed: int) -> list[Example]:
        """Everything as examples, but for the posts that languages are compared on.

        Raises:
            BadInput: a file cannot be read, or a text is kept for evaluation.
        """
        posts = [post for post in read_posts(self.corpus) if post.id not in read_translations()]
        examples = [example_of(post) for post in posts]
        examples += opposed_pairs(examples, OPPOSED_PAIRS, seed)
        examples += unlisted_twins(posts, UNLISTED, seed)
        if self.headlines:
            contest = _contest(self.headlines_contest)
            examples += natural_negatives(self.headlines, contest, voice="news", limit=HEADLINES, weight=NATURAL_WEIGHT)
        if self.tweets:
            examples += pool_examples(self.tweets, _contest(self.tweets_contest))
        return examples


def _contest(path: Path | None) -> ContestSpec:
    return load_contest(path) if path else nobodys_contest()


@dataclass(frozen=True)
class HeldOut:
    """What the trained models say of the examples that they have not seen.

    The log-odds that are blended; by place in `examples` the act said, and the stance probabilities by slot.
    """

    examples: Sequence[Example]
    odds: Odds
    acts: Sequence[str]
    stances: Sequence[dict[str, tuple[float, ...]]]

    @property
    def partisan(self) -> npt.NDArray[np.bool_]:
        """Which of them take a side."""
        return np.array([example.partisan for example in self.examples])

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """How much each counts."""
        return np.array([example.weight for example in self.examples])


def train(
    out: Path, base: str, examples: Sequence[Example], version: str, settings: TrainSettings, watch: Watch
) -> Calibration:
    """Train on `examples`, beginning from the base encoder in `base`, and write the model to `out`.

    One part of the groups is held out: blend, threshold and every figure said come from it, and are those of the
    very weights written. Beside the model, `heldout.npz` keeps that part's log-odds and labels.

    Raises:
        BadInput: there are fewer groups of examples than folds, `base` cannot be used, or `out` exists.
    """
    if out.exists():
        raise BadInput("is there already; name a new directory", path=out)
    begin = load_base(base)
    encoder = Encoder(begin.tokenizer)
    watch.say(f"{len(examples)} examples, {sum(example.partisan for example in examples)} partisan")
    data = prepare(examples, encoder, begin.encoder, watch)
    unseen = set(group_folds(examples, FOLDS)[0])
    rows = [row for row in range(len(examples)) if row not in unseen]
    start = probed(begin.encoder, data, rows, settings)
    network = finetune(data, rows, start, encoder, settings, watch)
    read = [examples[row] for row in rows]
    linear = fit_linear([e.text for e in read], [e.partisan for e in read], [e.weight for e in read])
    held = _ask(network, linear, data, sorted(row for row in unseen if examples[row].measured), encoder)
    calibration = fit_calibration(held.odds, held.partisan, version, held.weight)
    for line in _figures(held, calibration):
        watch.say(line)
    skim = fit_skim(held.odds, held.partisan, calibration, held.weight)
    checkpoint = Checkpoint(network, begin.tokenizer, begin.tokenizer_config, linear, calibration, skim)
    unfinished = out.with_name(f".{out.name}.part")
    save_checkpoint(unfinished, checkpoint, pooled_head(checkpoint, [example.text for example in read[::DISTILLED]]))
    _save_held(unfinished / "heldout.npz", held)
    save_reference(unfinished, _reference(held, checkpoint))
    unfinished.rename(out)
    return calibration


def _ask(network: PartisanModel, linear: LinearModel, data: Prepared, rows: Sequence[int], encoder: Encoder) -> HeldOut:
    asked = [data.examples[row] for row in rows]
    said = predict(network, data, rows, encoder)
    named = np.array([bool(data.encoded[row].slots) for row in rows])
    odds = Odds(said.log_odds, linear.logits([e.text for e in asked]).astype(np.float64), named)
    return HeldOut(asked, odds, [PARTISAN_ACTS[act] for act in said.acts], said.stances)


def _figures(held: HeldOut, calibration: Calibration) -> Iterator[str]:
    yield f"held out: {len(held.examples)} examples; {calibration}"
    for kind, right in stance_hits(held).items():
        yield f"stance, posts that name {kind}: {sum(right)} of {len(right)} slots right"
    flipped, twins = twin_flips(held, calibration)
    yield f"unlisted names: {flipped} of {twins} pairs of posts that differ in names only are flagged differently"


def _reference(held: HeldOut, checkpoint: Checkpoint) -> Tally:
    """What later posts are set against when drift is measured."""
    calibration, vocabulary = checkpoint.calibration, Vocabulary(checkpoint.tokenizer, checkpoint.linear)
    scores = calibration.probability(held.odds).tolist()
    return reference_of([example.text for example in held.examples], scores, calibration.threshold, vocabulary)


def _save_held(path: Path, held: HeldOut) -> None:
    np.savez(
        path,
        **dataclasses.asdict(held.odds),
        partisan=held.partisan,
        group=np.array([example.group for example in held.examples]),
        weight=held.weight,
    )


def twin_flips(held: HeldOut, calibration: Calibration) -> tuple[int, int]:
    """Of how many pairs of twins one is flagged and the other is not, and how many pairs there are."""
    flags = calibration.probability(held.odds) >= calibration.threshold
    twins: dict[str, set[bool]] = {}
    for example, flag in zip(held.examples, flags.tolist(), strict=True):
        if example.twin:
            twins.setdefault(example.twin, set()).add(flag)
    return sum(len(flags) > 1 for flags in twins.values()), len(twins)


def stance_hits(held: HeldOut) -> dict[str, list[bool]]:
    """For posts that take a side: whether each slot's stance is right, as use resolves stances.

    By what the post names: one side, several alike, or several opposed.
    """
    hits: dict[str, list[bool]] = {"one side": [], "several sides alike": [], "sides opposed": []}
    for example, act, said in zip(held.examples, held.acts, held.stances, strict=True):
        if example.partisan and example.stances:
            sides: dict[str, list[tuple[float, ...]]] = {}
            for slot, odds in said.items():
                sides.setdefault(side_of(slot), []).append(odds)
            stances = resolve_stances(act, sides)
            opposed = len(set(example.stances.values())) > 1
            kind = "one side" if len(sides) == 1 else "sides opposed" if opposed else "several sides alike"
            known = ((slot, stance) for slot, stance in example.stances.items() if slot in said)
            hits[kind] += [stances[side_of(slot)] == STANCES[stance] for slot, stance in known]
    return hits


def side_of(slot: str) -> str:
    """What a slot stands for: a candidate, its number and its slogans share their order, parties have their own."""
    stem, _sign, order = slot.partition("_")
    return f"party {order}" if stem == "PARTAI" else f"side {order}"


def group_folds(examples: Sequence[Example], count: int) -> list[list[int]]:
    """Split rows into folds of like size that never share a group; natural negatives stay in training.

    Raises:
        BadInput: there are fewer groups than folds.
    """
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        if example.group != NATURAL:
            groups.setdefault(example.group, []).append(row)
    if len(groups) < count:
        raise BadInput(f"{len(groups)} groups of examples cannot be split into {count} folds")
    folds: list[list[int]] = [[] for _ in range(count)]
    for rows in sorted(groups.values(), key=len, reverse=True):
        min(folds, key=len).extend(rows)
    return [sorted(fold) for fold in folds]
