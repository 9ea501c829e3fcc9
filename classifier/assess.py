"""Score posts: `load_model(directory)`, then `model.assess(texts, contest)`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from classifier.labels.corpus import VOICES
from classifier.network.calibrate import Odds
from classifier.network.checkpoint import checkpoint_sha256, load_checkpoint
from classifier.network.int8 import quantise
from classifier.network.model import PARTISAN_ACTS, Encoded, Encoder, own_voice
from classifier.network.stance import resolve_stances
from classifier.recent import Recent
from classifier.shipped import SHIPPED
from classifier.text.mask import Masked, Masker
from models.contest import ContestSpec
from models.errors import BadInput

_BATCH = 64
_BUCKET = 8
_CACHE = 20_000
_DECIMALS = 4
_MAX_CHARACTERS = 20_000
_WORD = re.compile(r"\S+")
_MAX_WORDS = 32
_MIN_WEIGHT = 0.1
_MAX_CONTESTS = 8

_Spans = tuple[tuple[int, int, float], ...]


@dataclass(frozen=True)
class TargetStance:
    """Somebody the text names, and the author's stance towards them: favor, against or neutral."""

    name: str
    stance: str


@dataclass(frozen=True)
class Score:
    """What the model says of one post.

    `score` is the calibrated probability (0 to 1) that the author takes a side, `flag` whether it reaches
    `threshold`. `act` is `none` unless flagged. `masked` is the text that the model saw. `spans` are
    `(start, end, weight)` in the original text: how far the log-odds fall without those words; empty where
    the post is not flagged or no explanation was asked. `unsure`: neither answer can be ruled out, people should
    look whatever the flag says. `model` is name@version.
    """

    score: float
    flag: bool
    unsure: bool
    act: str
    voice: str
    targets: tuple[TargetStance, ...]
    masked: str
    spans: tuple[tuple[int, int, float], ...]
    model: str
    threshold: float

    def as_json(self) -> dict[str, Any]:
        """The fields of a line of `netra classify`, but for `id` and the columns passed through."""
        return {
            "score": self.score,
            "flag": self.flag,
            "act": self.act,
            "voice": self.voice,
            "targets": [{"name": target.name, "stance": target.stance} for target in self.targets],
            "masked": self.masked,
            "spans": [list(span) for span in self.spans],
            "model": self.model,
            "unsure": self.unsure,
        }


@dataclass(frozen=True)
class _Reading:
    """The model's answer for one masked text, before slots are resolved to names."""

    score: float
    log_odds: float
    act: str
    voice: str
    stances: dict[str, tuple[float, ...]]


class Model:
    """A loaded classifier. It keeps readings of the last masked texts, so copies of a post cost nothing.

    A score depends on the masked text alone: not on the batch, the author or what was scored before.
    """

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        self.sha256 = checkpoint_sha256(directory)
        checkpoint = load_checkpoint(directory)
        quantise(checkpoint.model.encoder.encoder)
        self._network = checkpoint.model
        self._linear = checkpoint.linear
        self._calibration = checkpoint.calibration
        self._encoder = Encoder(checkpoint.tokenizer)
        self._readings: Recent[str, _Reading] = Recent(_CACHE)
        self._explained: Recent[str, _Spans] = Recent(_CACHE)
        self._maskers: Recent[str, Masker] = Recent(_MAX_CONTESTS)

    @property
    def version(self) -> str:
        """The version of the weights."""
        return self._calibration.version

    @property
    def label(self) -> str:
        """`name@version`, as in every score."""
        return f"{self.name}@{self.version}"

    @property
    def threshold(self) -> float:
        """Scores from here on are flagged."""
        return self._calibration.threshold

    def assess(self, texts: Sequence[str], contest: ContestSpec, *, explain: bool = True) -> list[Score]:
        """Score posts of one contest, in their order; `explain` adds spans to those flagged."""
        masker = self._masker(contest)
        masked = [masker.mask(text[:_MAX_CHARACTERS]) for text in texts]
        readings = self._read([found.text for found in masked])
        return [self._score(found, reading, explain=explain) for found, reading in zip(masked, readings, strict=True)]

    def _masker(self, contest: ContestSpec) -> Masker:
        key = contest.model_dump_json()
        return self._maskers.get(key) or self._maskers.put(key, Masker(contest))

    def _score(self, masked: Masked, reading: _Reading, *, explain: bool) -> Score:
        flag = reading.score >= self.threshold
        act = reading.act if flag else "none"
        return Score(
            score=reading.score,
            flag=flag,
            unsure=self._calibration.is_unsure(reading.score),
            act=act,
            voice=reading.voice,
            targets=tuple(_targets(masked, reading, act)),
            masked=masked.text,
            spans=self._spans(masked, reading.log_odds) if flag and explain else (),
            model=self.label,
            threshold=self.threshold,
        )

    def _read(self, texts: Sequence[str]) -> list[_Reading]:
        """Readings of masked texts, from the cache or computed; each distinct text once."""
        known = {text: self._readings.get(text) for text in texts}
        new = [text for text, reading in known.items() if reading is None]
        computed = dict(zip(new, self._compute(new), strict=True))
        return [known[text] or self._readings.put(text, computed[text]) for text in texts]

    def _compute(self, texts: Sequence[str]) -> list[_Reading]:
        encoded = self._encoder.encode(texts)
        readings: dict[int, _Reading] = {}
        for rows in _buckets(encoded):
            answers = self._forward([texts[row] for row in rows], [encoded[row] for row in rows])
            readings.update(zip(rows, answers, strict=True))
        return [readings[row] for row in range(len(texts))]

    @torch.inference_mode()
    def _forward(self, texts: Sequence[str], encoded: Sequence[Encoded]) -> Iterator[_Reading]:
        batch = self._encoder.collate(encoded, length=_padded_length(encoded[0]))
        logits = self._network(batch)
        named = np.array([bool(text.slots) for text in encoded])
        odds = self._calibration.log_odds(
            Odds(
                logits.partisan.double().numpy(),
                self._linear.logits(texts).astype(np.float64),
                own_voice(logits).double().numpy(),
                named,
            )
        )
        scores = 1 / (1 + np.exp(-odds))
        acts, voices = logits.act.argmax(-1).tolist(), logits.voice.argmax(-1).tolist()
        stances = iter(logits.stance.softmax(-1).tolist())
        for row, text in enumerate(encoded):
            by_slot = {slot: tuple(next(stances)) for slot in text.slots}
            score, act, voice = round(float(scores[row]), _DECIMALS), PARTISAN_ACTS[acts[row]], VOICES[voices[row]]
            yield _Reading(score, round(float(odds[row]), _DECIMALS), act, voice, by_slot)

    def _spans(self, masked: Masked, log_odds: float) -> _Spans:
        """What moved the score, in the original text; copies of a masked text are explained once."""
        known = self._explained.get(masked.text)
        if known is None:
            known = self._explained.put(masked.text, tuple(self._occlude(masked.text, log_odds)))
        return tuple((*masked.aligned.span(start, end), weight) for start, end, weight in known)

    def _occlude(self, text: str, log_odds: float) -> Iterator[tuple[int, int, float]]:
        """How far the log-odds fall when a word is left out (long texts: a few words at a time)."""
        words = [match.span() for match in _WORD.finditer(text)]
        step = math.ceil(len(words) / _MAX_WORDS) or 1
        groups = [(words[at][0], words[min(at + step, len(words)) - 1][1]) for at in range(0, len(words), step)]
        without = self._compute([text[:start] + text[end:].lstrip() for start, end in groups])
        for (start, end), reading in zip(groups, without, strict=True):
            weight = round(log_odds - reading.log_odds, _DECIMALS)
            if weight >= _MIN_WEIGHT:
                yield start, end, weight


def _targets(masked: Masked, reading: _Reading, act: str) -> Iterator[TargetStance]:
    slots = {
        target.key: [reading.stances[slot] for slot in target.slots if slot in reading.stances]
        for target in masked.targets
    }
    stances = resolve_stances(act, slots)
    for target in masked.targets:
        yield TargetStance(target.name, stances[target.key])


def _padded_length(text: Encoded) -> int:
    return math.ceil(len(text.ids) / _BUCKET) * _BUCKET


def _buckets(encoded: Sequence[Encoded]) -> Iterator[list[int]]:
    """Batches of texts whose padded length is the same, so that padding never depends on neighbours."""
    rows: dict[int, list[int]] = {}
    for row, text in enumerate(encoded):
        rows.setdefault(_padded_length(text), []).append(row)
    for same in rows.values():
        yield from (same[at : at + _BATCH] for at in range(0, len(same), _BATCH))


def load_model(directory: Path = SHIPPED, expected_sha256: str | None = None) -> Model:
    """Load a classifier: safetensors, JSON and a tokenizer file; no code from the directory is run.

    Raises:
        BadInput: the directory is no model, or its SHA-256 (`checkpoint_sha256`) is not the expected one.
    """
    if expected_sha256 is not None and checkpoint_sha256(directory) != expected_sha256:
        raise BadInput("the model's SHA-256 is not the one in the settings", path=directory)
    return Model(directory)
