"""Teach a trained model an office's own labels: from its checkpoint, with a share of the corpus read again.

Every part is kept as it is done, so that a run that was stopped goes on where it stood.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifier.labels.corpus import read_posts
from classifier.labels.parallel import read_translations
from classifier.network.calibrate import Calibration, Odds, fit_calibration
from classifier.network.checkpoint import Checkpoint, checkpoint_sha256, load_checkpoint, save_checkpoint
from classifier.network.distil import pooled_head
from classifier.network.linear import fit_linear
from classifier.network.model import Encoder
from classifier.network.skim import READS_ALL, Skim, fit_skim
from classifier.training.examples import Example, example_of
from classifier.training.finetune import Prepared, TrainSettings, finetune, predict, prepare
from classifier.training.watch import Watch
from models.errors import BadInput

UPDATE = TrainSettings(epochs=1, rate=1e-5, head_rate=5e-5)
"""Once, and at a third of a first training's rates: the checkpoint knows most of it."""
REPLAYED = 2_000
"""Corpus posts read again beside the new labels, so that what was learnt is not forgotten (Robins 1995)."""
HALVES = 2
CALIBRATED_FROM = 200
"""With fewer labels, or fewer than a tenth of either class, blend and threshold stay as they were, and the limit of
the first look, which the new linear model has outgrown, is given up: every post is read in full."""


@dataclasses.dataclass(frozen=True)
class _Update:
    """What one run works with; `rows` of `data` come from the labels first, then from the corpus."""

    start: Checkpoint
    data: Prepared
    encoder: Encoder
    labelled: int
    corpus: Sequence[Example]
    parts: Path
    settings: TrainSettings
    watch: Watch

    def learn(self, rows: Sequence[int]) -> Checkpoint:
        """The checkpoint after some labels and all replayed posts; the linear model reads the whole corpus."""
        replayed = range(self.labelled, len(self.data.examples))
        network = finetune(self.data, [*rows, *replayed], self.start.model, self.encoder, self.settings, self.watch)
        read = [*(self.data.examples[row] for row in rows), *self.corpus]
        linear = fit_linear([e.text for e in read], [e.partisan for e in read], [e.weight for e in read])
        return dataclasses.replace(self.start, model=network, linear=linear)

    def unseen(self, half: int) -> tuple[list[int], Odds]:
        """What a model that has read the other labels says of one half of them."""
        rows = [row for row in range(self.labelled) if row % HALVES == half]
        kept = self.parts / f"half-{half}.npz"
        if not kept.exists():
            self.watch.say(f"bagian {half + 1} dari {HALVES + 1}: menilai label yang tidak ikut dipelajari")
            learnt = self.learn([row for row in range(self.labelled) if row % HALVES != half])
            said = predict(learnt.model, self.data, rows, self.encoder)
            named = [bool(self.data.encoded[row].slots) for row in rows]
            linear = learnt.linear.logits([self.data.examples[row].text for row in rows])
            odds = Odds(said.log_odds, linear.astype(np.float64), np.array(named))
            _save(kept, **dataclasses.asdict(odds))
        with np.load(kept) as found:
            return rows, Odds(**found)

    def calibrate(self, version: str) -> tuple[Calibration, Skim]:
        """Fitted on labels unseen by the model that scored them, where there are enough."""
        partisan = np.array([example.partisan for example in self.data.examples[: self.labelled]])
        if self.labelled < CALIBRATED_FROM or not 0.1 <= partisan.mean() <= 0.9:  # noqa: PLR2004 - CALIBRATED_FROM tells
            return dataclasses.replace(self.start.calibration, version=version), READS_ALL
        halves = [self.unseen(half) for half in range(HALVES)]
        rows = [row for found, _odds in halves for row in found]
        odds = _joined([odds for _rows, odds in halves])
        calibration = fit_calibration(odds, partisan[rows], version)
        return calibration, fit_skim(odds, partisan[rows], calibration)


def update(
    start: Path, labels: Sequence[Example], out: Path, version: str, watch: Watch, settings: TrainSettings = UPDATE
) -> Calibration:
    """Train `start` further on `labels` and write the model to `out`.

    Raises:
        BadInput: there are no labels, `start` is no model, or `out` exists.
    """
    if not labels:
        raise BadInput("no labels to learn from")
    if out.exists():
        raise BadInput("is there already; name a new directory", path=out)
    checkpoint, corpus = (
        load_checkpoint(start),
        [example_of(post) for post in read_posts() if post.id not in read_translations()],
    )
    parts = _parts_of(out, checkpoint_sha256(start), labels, settings)
    encoder = Encoder(checkpoint.tokenizer)
    data = prepare([*labels, *_replayed(corpus, settings.seed)], encoder, checkpoint.model.encoder, watch)
    run = _Update(checkpoint, data, encoder, len(labels), corpus, parts, settings, watch)
    calibration, skim = run.calibrate(version)
    watch.say(f"bagian {HALVES + 1} dari {HALVES + 1}: belajar dari semua label")
    learnt = dataclasses.replace(run.learn(range(len(labels))), calibration=calibration, skim=skim)
    save_checkpoint(parts / "model", learnt, pooled_head(learnt, [example.text for example in data.examples]))
    (parts / "model").rename(out)
    shutil.rmtree(parts)
    return calibration


def _joined(odds: Sequence[Odds]) -> Odds:
    columns = [field.name for field in dataclasses.fields(Odds)]
    return Odds(**{column: np.concatenate([getattr(each, column) for each in odds]) for column in columns})


def _replayed(corpus: Sequence[Example], seed: int) -> list[Example]:
    order = random.Random(seed)  # noqa: S311 - sampling, no secret
    return order.sample(list(corpus), min(REPLAYED, len(corpus)))


def _parts_of(out: Path, start: str, labels: Sequence[Example], settings: TrainSettings) -> Path:
    """Where parts of this very run are kept; those of other runs towards `out` are removed."""
    key = hashlib.sha256(repr((start, list(labels), settings)).encode("utf-8", "replace")).hexdigest()[:16]
    parts = out.with_name(f".{out.name}.{key}")
    for other in out.parent.glob(f".{out.name}.*"):
        if other != parts:
            shutil.rmtree(other)
    parts.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(parts / "model", ignore_errors=True)
    return parts


def _save(path: Path, **arrays: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> None:
    """All or nothing: a killed run leaves no half file under the final name."""
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for its own options
    unfinished.rename(path)
