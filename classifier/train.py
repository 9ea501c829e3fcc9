"""Train the shipped classifier: `python -m classifier.train --base DIR --out DIR`.

Blend, temperature and threshold are fitted on posts whose writers the fold's models have not read; the
shipped models then learn from all posts.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from transformers import BertModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from classifier.calibrate import Calibration, fit_calibration
from classifier.checkpoint import Checkpoint, save_checkpoint
from classifier.corpus import POSTS, nobodys_contest, read_posts
from classifier.examples import Example, example_of, natural_negatives
from classifier.finetune import Floats, Prepared, Say, TrainSettings, finetune, predict, prepare
from classifier.linear import LinearModel, fit_linear
from classifier.model import Encoder, PartisanModel, add_slots
from models.contest import load_contest
from models.errors import BadInput

FOLDS = 3
NATURAL_WEIGHT = 0.3
"""Natural negatives are many and easy; corpus posts are few and were written to be hard."""


@dataclass(frozen=True)
class _Learner:
    """Everything a fold needs."""

    data: Prepared
    base: BertModel
    encoder: Encoder
    settings: TrainSettings
    say: Say

    def fit(self, rows: Sequence[int]) -> tuple[PartisanModel, LinearModel]:
        """Train both models on some rows."""
        chosen = [self.data.examples[row] for row in rows]
        linear = fit_linear([e.text for e in chosen], [e.partisan for e in chosen], [e.weight for e in chosen])
        return finetune(self.data, rows, self.base, self.encoder, self.settings, self.say), linear

    def held_out(self, folds: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
        """Log-odds of both models for every row of every fold, by models that have not seen it (NaN elsewhere)."""
        everything = set(range(len(self.data.examples)))
        encoder_logits, linear_logits = np.full((2, len(everything)), np.nan)
        for number, fold in enumerate(folds, 1):
            self.say(f"fold {number} of {len(folds)}")
            network, linear = self.fit(sorted(everything - set(fold)))
            encoder_logits[fold] = predict(network, self.data, fold, self.encoder, self.settings.frozen_layers)
            linear_logits[fold] = linear.logits([self.data.examples[row].text for row in fold])
        return encoder_logits, linear_logits


def train(
    out: Path, base: Path, examples: Sequence[Example], version: str, settings: TrainSettings, say: Say
) -> Calibration:
    """Train on `examples`, beginning from the base encoder in `base`, and write the model to `out`.

    Beside the model, `heldout.npz` keeps the held-out log-odds and labels that the calibration was fitted on.

    Raises:
        BadInput: there are fewer groups of examples than folds.
    """
    encoder_model, tokenizer = load_base(base)
    encoder = Encoder(tokenizer)
    say(f"{len(examples)} examples, {sum(example.partisan for example in examples)} partisan")
    data = prepare(examples, encoder, encoder_model, settings)
    learner = _Learner(data, encoder_model, encoder, settings, say)
    held = learner.held_out(group_folds(examples, FOLDS))
    counted = ~np.isnan(held[0])
    partisan = np.array([example.partisan for example in examples])
    calibration = fit_calibration(held[0][counted], held[1][counted], partisan[counted], version)
    say(f"calibration {calibration}")
    network, linear = learner.fit(range(len(examples)))
    save_checkpoint(out, Checkpoint(network, tokenizer, linear, calibration))
    np.savez(out / "heldout.npz", encoder=held[0], linear=held[1], partisan=partisan, group=[e.group for e in examples])
    return calibration


def load_base(base: Path) -> tuple[BertModel, PreTrainedTokenizerBase]:
    """The base encoder with slots added, and its tokenizer."""
    encoder = BertModel.from_pretrained(base, add_pooling_layer=False, local_files_only=True).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base, local_files_only=True)
    add_slots(encoder, tokenizer)
    return encoder, tokenizer


def group_folds(examples: Sequence[Example], count: int) -> list[list[int]]:
    """Split rows into folds of like size that never share a group; natural negatives stay in training.

    Raises:
        BadInput: there are fewer groups than folds.
    """
    groups: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        if example.weight == 1:
            groups.setdefault(example.group, []).append(row)
    if len(groups) < count:
        raise BadInput(f"{len(groups)} groups of examples cannot be split into {count} folds")
    folds: list[list[int]] = [[] for _ in range(count)]
    for rows in sorted(groups.values(), key=len, reverse=True):
        min(folds, key=len).extend(rows)
    return [sorted(fold) for fold in folds]


def main() -> None:
    """Train on the corpus, and on natural non-partisan text if files are given."""
    parser = argparse.ArgumentParser(prog="python -m classifier.train", description=main.__doc__)
    parser.add_argument("--base", type=Path, required=True, help="directory that classifier.base wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, default=POSTS)
    parser.add_argument("--version", default="1")
    parser.add_argument("--epochs", type=int, default=TrainSettings.epochs)
    parser.add_argument("--headlines", type=Path, help="CSV with a column text: news, none of it partisan")
    parser.add_argument("--headlines-contest", type=Path, help="contest file that masks the headlines")
    parser.add_argument("--everyday", type=Path, help="CSV with a column text: posts about no election")
    given = parser.parse_args()
    console = Console(stderr=True)
    try:
        settings = dataclasses.replace(TrainSettings(), epochs=given.epochs)
        train(given.out, given.base, _examples(given), given.version, settings, console.print)
    except BadInput as error:
        sys.exit(f"netra: {error}")


def _examples(given: argparse.Namespace) -> list[Example]:
    examples = [example_of(post) for post in read_posts(given.corpus)]
    if given.headlines:
        contest = load_contest(given.headlines_contest) if given.headlines_contest else nobodys_contest()
        examples += natural_negatives(given.headlines, contest, voice="news", limit=800, weight=NATURAL_WEIGHT)
    if given.everyday:
        examples += natural_negatives(given.everyday, nobodys_contest(), voice="own", limit=400, weight=NATURAL_WEIGHT)
    return examples


if __name__ == "__main__":
    main()
