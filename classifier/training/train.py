"""Train a classifier from a base encoder, on the corpus and what else is given.

Blend, temperature and threshold are fitted on posts whose writers, and on tweets which, the fold's models
have not read; the shipped models then learn from all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.labels.corpus import POSTS, STANCES, nobodys_contest, read_posts
from classifier.network.bert import Bert
from classifier.network.calibrate import Calibration, Odds, fit_calibration
from classifier.network.checkpoint import Checkpoint, save_checkpoint
from classifier.network.linear import LinearModel, fit_linear
from classifier.network.model import PARTISAN_ACTS, Encoder, PartisanModel
from classifier.network.stance import resolve_stances
from classifier.training.encoders import load_base
from classifier.training.examples import NATURAL, Example, example_of, natural_negatives
from classifier.training.finetune import Prepared, TrainSettings, finetune, predict, prepare, probed
from classifier.training.opposed import opposed_pairs
from classifier.training.tweets import pool_examples
from classifier.training.unlisted import unlisted_twins
from classifier.training.watch import Watch
from models.contest import ContestSpec, load_contest
from models.errors import BadInput

FOLDS = 3
NATURAL_WEIGHT = 0.3
"""Headlines are many and easy; corpus posts are few and were written to be hard."""

HEADLINES = 800
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
        """Everything as examples.

        Raises:
            BadInput: a file cannot be read, or a text is kept for evaluation.
        """
        posts = list(read_posts(self.corpus))
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
    """What models say of rows that they have not seen.

    The log-odds that are blended (NaN where no model was asked), and for each post with labelled slots the act
    said and the stance probabilities by slot.
    """

    odds: Odds
    acts: dict[int, str]
    stances: dict[int, dict[str, tuple[float, ...]]]


@dataclass(frozen=True)
class _Learner:
    """Everything a fold needs."""

    data: Prepared
    base: Bert
    encoder: Encoder
    settings: TrainSettings
    watch: Watch

    def fit(self, rows: Sequence[int]) -> tuple[PartisanModel, LinearModel]:
        """Train both models on some rows."""
        chosen = [self.data.examples[row] for row in rows]
        linear = fit_linear([e.text for e in chosen], [e.partisan for e in chosen], [e.weight for e in chosen])
        start = probed(self.base, self.data, rows, self.settings)
        return finetune(self.data, rows, start, self.encoder, self.settings, self.watch), linear

    def held_out(self, folds: Sequence[Sequence[int]]) -> HeldOut:
        """Ask for every row of every fold models that have not seen it; rows not `measured` are not asked for."""
        everything = set(range(len(self.data.examples)))
        unknown = np.full(len(everything), np.nan)
        named = np.array([bool(encoded.slots) for encoded in self.data.encoded])
        held = HeldOut(Odds(unknown, unknown.copy(), unknown.copy(), named), {}, {})
        for number, fold in enumerate(folds, 1):
            self.watch.say(f"fold {number} of {len(folds)}")
            network, linear = self.fit(sorted(everything - set(fold)))
            asked = [row for row in fold if self.data.examples[row].measured]
            found = predict(network, self.data, asked, self.encoder)
            held.odds.encoder[asked] = found.log_odds
            held.odds.voice[asked] = found.own_voice
            held.odds.linear[asked] = linear.logits([self.data.examples[row].text for row in asked])
            held.acts.update(zip(asked, (PARTISAN_ACTS[act] for act in found.acts), strict=True))
            held.stances.update(zip(asked, found.stances, strict=True))
        return held


def train(
    out: Path, base: str, examples: Sequence[Example], version: str, settings: TrainSettings, watch: Watch
) -> Calibration:
    """Train on `examples`, beginning from the base encoder in `base`, and write the model to `out`.

    Beside the model, `heldout.npz` keeps the held-out log-odds and labels that the calibration was fitted on.

    Raises:
        BadInput: there are fewer groups of examples than folds, `base` cannot be used, or `out` exists.
    """
    if out.exists():
        raise BadInput("is there already; name a new directory", path=out)
    begin = load_base(base)
    encoder = Encoder(begin.tokenizer)
    watch.say(f"{len(examples)} examples, {sum(example.partisan for example in examples)} partisan")
    data = prepare(examples, encoder, begin.encoder, watch)
    learner = _Learner(data, begin.encoder, encoder, settings, watch)
    held = learner.held_out(group_folds(examples, FOLDS))
    calibration = _calibrate(examples, held, version)
    watch.say(f"calibration {calibration}")
    for kind, right in stance_hits(examples, held).items():
        watch.say(f"stance, posts that name {kind}: {sum(right)} of {len(right)} slots right")
    flipped, twins = twin_flips(examples, held, calibration)
    watch.say(f"unlisted names: {flipped} of {twins} pairs of posts that differ in names only are flagged differently")
    network, linear = learner.fit(range(len(examples)))
    unfinished = out.with_name(f".{out.name}.part")
    save_checkpoint(unfinished, Checkpoint(network, begin.tokenizer, begin.tokenizer_config, linear, calibration))
    _save_held(unfinished / "heldout.npz", examples, held)
    unfinished.rename(out)
    return calibration


def _calibrate(examples: Sequence[Example], held: HeldOut, version: str) -> Calibration:
    asked = ~np.isnan(held.odds.encoder)
    partisan = np.array([example.partisan for example in examples])
    weight = np.array([example.weight for example in examples])
    return fit_calibration(held.odds[asked], partisan[asked], version, weight[asked])


def _save_held(path: Path, examples: Sequence[Example], held: HeldOut) -> None:
    np.savez(
        path,
        **dataclasses.asdict(held.odds),
        partisan=np.array([example.partisan for example in examples]),
        group=np.array([example.group for example in examples]),
        weight=np.array([example.weight for example in examples]),
    )


def twin_flips(examples: Sequence[Example], held: HeldOut, calibration: Calibration) -> tuple[int, int]:
    """Of how many held-out pairs of twins one is flagged and the other is not, and how many pairs there are."""
    flags = calibration.probability(held.odds) >= calibration.threshold
    twins: dict[str, list[bool]] = {}
    for row, example in enumerate(examples):
        if example.twin and not np.isnan(held.odds.encoder[row]):
            twins.setdefault(example.twin, []).append(bool(flags[row]))
    return sum(len(set(pair)) > 1 for pair in twins.values()), len(twins)


def stance_hits(examples: Sequence[Example], held: HeldOut) -> dict[str, list[bool]]:
    """For held-out posts that take a side: whether each slot's stance is right, as use resolves stances.

    By what the post names: one side, several alike, or several opposed.
    """
    hits: dict[str, list[bool]] = {"one side": [], "several sides alike": [], "sides opposed": []}
    for row, said in held.stances.items():
        example = examples[row]
        if example.partisan and example.stances:
            sides: dict[str, list[tuple[float, ...]]] = {}
            for slot, odds in said.items():
                sides.setdefault(side_of(slot), []).append(odds)
            stances = resolve_stances(held.acts[row], sides)
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
