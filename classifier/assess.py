"""Score posts: `load_model(directory)`, then `model.assess(texts, contest)`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from classifier.labels.corpus import VOICES
from classifier.network.audit import Audit
from classifier.network.calibrate import Odds
from classifier.network.checkpoint import Checkpoint, checkpoint_sha256, load_checkpoint
from classifier.network.int8 import quantise
from classifier.network.linear import Floats
from classifier.network.model import PARTISAN_ACTS, Encoded, Encoder
from classifier.network.skim import is_audited
from classifier.network.stance import resolve_stances
from classifier.recent import Recent
from classifier.shipped import SHIPPED
from classifier.text.mask import Masked, Masker
from models.contest import ContestSpec
from models.errors import BadInput

_BATCH_TOKENS = 1024
"""Padded tokens of a batch: what its layers write then stays in a core's cache."""
_EXPLAINED_TOGETHER = 64
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
        # Batches side by side, each on one thread: threads that share an operation wait for one another at its end,
        # and on a busy machine that wait costs more than the work.
        cores = torch.get_num_threads()
        self._workers = ThreadPoolExecutor(cores, "assess", initializer=torch.set_num_threads, initargs=(1,))
        checkpoint = self._workers.submit(_load_quantised, directory).result()
        self._network = checkpoint.model
        self._linear = checkpoint.linear
        self._skim = checkpoint.skim
        self._audit = Audit()
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
    def audit(self) -> Audit:
        """What reading in full some posts that could be let go has shown so far."""
        return self._audit

    @property
    def threshold(self) -> float:
        """Scores from here on are flagged."""
        return self._calibration.threshold

    def assess(self, texts: Sequence[str], contest: ContestSpec, *, explain: bool = True) -> list[Score]:
        """Score posts of one contest, in their order; `explain` adds spans to those flagged."""
        masker = self._masker(contest)
        masked = [masker.mask(text[:_MAX_CHARACTERS]) for text in texts]
        readings = self._read([found.text for found in masked])
        if explain:
            flagged = {found.text: one for found, one in zip(masked, readings, strict=True) if self._is_flagged(one)}
            self._explain(flagged)
        return [self._score(found, reading, explain=explain) for found, reading in zip(masked, readings, strict=True)]

    def _masker(self, contest: ContestSpec) -> Masker:
        key = contest.model_dump_json()
        return self._maskers.get(key) or self._maskers.put(key, Masker(contest))

    def _score(self, masked: Masked, reading: _Reading, *, explain: bool) -> Score:
        flag = self._is_flagged(reading)
        act = reading.act if flag else "none"
        return Score(
            score=reading.score,
            flag=flag,
            unsure=self._calibration.is_unsure(reading.score),
            act=act,
            voice=reading.voice,
            targets=tuple(_targets(masked, reading, act)),
            masked=masked.text,
            spans=self._spans(masked, reading) if flag and explain else (),
            model=self.label,
            threshold=self.threshold,
        )

    def _is_flagged(self, reading: _Reading) -> bool:
        return reading.score >= self.threshold

    def _read(self, texts: Sequence[str]) -> list[_Reading]:
        """Readings of masked texts, from the cache or computed; each distinct text once."""
        known = {text: self._readings.get(text) for text in texts}
        new = [text for text, reading in known.items() if reading is None]
        computed = dict(zip(new, self._look(new), strict=True))
        return [known[text] or self._readings.put(text, computed[text]) for text in texts]

    def _look(self, texts: Sequence[str]) -> list[_Reading]:
        """A first look at each text, and a full reading of those that it does not let go."""
        linear = self._linear.logits(texts)
        free = self._skim.lets_go(texts, linear)
        audited = np.array([bool(could) and is_audited(text) for could, text in zip(free, texts, strict=True)], bool)
        odds = self._skim.log_odds(linear)
        full = np.flatnonzero(~free | audited).tolist()
        read = dict(zip(full, self._compute([texts[row] for row in full], linear[full]), strict=True))
        self._audit = self._audit.plus(
            passed=len(texts) - len(full),
            audited=int(audited.sum()),
            flagged=sum(self._is_flagged(read[row]) for row in np.flatnonzero(audited).tolist()),
        )
        return [read.get(row) or _let_go(float(odds[row])) for row in range(len(texts))]

    def _compute(self, texts: Sequence[str], linear: Floats | None = None) -> list[_Reading]:
        """Full readings; `linear` are the linear model's log-odds where they are known."""
        encoded = self._encoder.encode(texts)
        weighed = self._linear.logits(texts) if linear is None else linear
        readings: dict[int, _Reading] = {}
        batches = list(_buckets(encoded))
        parts = ([encoded[row] for row in rows] for rows in batches)
        answered = self._workers.map(self._forward, parts, [weighed[rows] for rows in batches])
        for rows, answers in zip(batches, answered, strict=True):
            readings.update(zip(rows, answers, strict=True))
        return [readings[row] for row in range(len(texts))]

    @torch.inference_mode()
    def _forward(self, encoded: Sequence[Encoded], linear: Floats) -> list[_Reading]:
        batch = self._encoder.collate(encoded, length=_padded_length(encoded[0]))
        logits = self._network(batch)
        named = np.array([bool(text.slots) for text in encoded])
        odds = self._calibration.log_odds(
            Odds(
                logits.partisan.double().numpy(),
                linear.astype(np.float64),
                named,
            )
        )
        scores = 1 / (1 + np.exp(-odds))
        acts, voices = logits.act.argmax(-1).tolist(), logits.voice.argmax(-1).tolist()
        stances = iter(logits.stance.softmax(-1).tolist())
        readings = []
        for row, text in enumerate(encoded):
            by_slot = {slot: tuple(next(stances)) for slot in text.slots}
            score, act, voice = round(float(scores[row]), _DECIMALS), PARTISAN_ACTS[acts[row]], VOICES[voices[row]]
            readings.append(_Reading(score, round(float(odds[row]), _DECIMALS), act, voice, by_slot))
        return readings

    def _spans(self, masked: Masked, reading: _Reading) -> _Spans:
        """What moved the score, in the original text."""
        known = self._explained.get(masked.text)
        if known is None:  # more texts were explained at once than are kept
            self._explain({masked.text: reading})
            known = self._explained.get(masked.text) or ()
        return tuple((*masked.aligned.span(start, end), weight) for start, end, weight in known)

    def _explain(self, flagged: Mapping[str, _Reading]) -> None:
        """Work out what moved the scores of masked texts: many at once, copies of a text once."""
        new = [text for text in flagged if self._explained.get(text) is None]
        for at in range(0, len(new), _EXPLAINED_TOGETHER):
            self._occlude({text: flagged[text].log_odds for text in new[at : at + _EXPLAINED_TOGETHER]})

    def _occlude(self, log_odds: Mapping[str, float]) -> None:
        """How far the log-odds fall when a word is left out (long texts: a few words at a time)."""
        groups = [(text, span) for text in log_odds for span in _word_groups(text)]
        without = self._compute([text[:start] + text[end:].lstrip() for text, (start, end) in groups])
        weights: dict[str, list[tuple[int, int, float]]] = {text: [] for text in log_odds}
        for (text, (start, end)), reading in zip(groups, without, strict=True):
            weight = round(log_odds[text] - reading.log_odds, _DECIMALS)
            if weight >= _MIN_WEIGHT:
                weights[text].append((start, end, weight))
        for text, spans in weights.items():
            self._explained.put(text, tuple(spans))


def _word_groups(text: str) -> list[tuple[int, int]]:
    """The places of the words, or of a few words each so that there are at most _MAX_WORDS."""
    words = [match.span() for match in _WORD.finditer(text)]
    step = math.ceil(len(words) / _MAX_WORDS) or 1
    return [(words[at][0], words[min(at + step, len(words)) - 1][1]) for at in range(0, len(words), step)]


def _let_go(log_odds: float) -> _Reading:
    score = round(1 / (1 + math.exp(-log_odds)), _DECIMALS)
    return _Reading(score, round(log_odds, _DECIMALS), PARTISAN_ACTS[0], "unclear", {})


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
    """Batches of texts whose padded length is the same, so that padding depends on no neighbour; long texts first."""
    rows: dict[int, list[int]] = {}
    for row, text in enumerate(encoded):
        rows.setdefault(_padded_length(text), []).append(row)
    for length, same in sorted(rows.items(), reverse=True):
        size = max(1, _BATCH_TOKENS // max(length, 1))
        yield from (same[at : at + size] for at in range(0, len(same), size))


def _load_quantised(directory: Path) -> Checkpoint:
    checkpoint = load_checkpoint(directory)
    quantise(checkpoint.model.encoder.encoder)
    return checkpoint


def load_model(directory: Path = SHIPPED, expected_sha256: str | None = None) -> Model:
    """Load a classifier: safetensors, JSON and a tokenizer file; no code from the directory is run.

    Raises:
        BadInput: the directory is no model, or its SHA-256 (`checkpoint_sha256`) is not the expected one.
    """
    if expected_sha256 is not None and checkpoint_sha256(directory) != expected_sha256:
        raise BadInput("the model's SHA-256 is not the one in the settings", path=directory)
    return Model(directory)
