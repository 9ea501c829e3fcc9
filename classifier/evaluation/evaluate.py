"""Measure a model on labelled posts, source by source, beside what it has to beat.

`python -m classifier.evaluation.evaluate FILE --contest SOURCE=CONTEST.yaml ... [--model DIR] [--out TABLE.md]`, where
FILE is a CSV file with the columns text, label and source.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifier.assess import Model, load_model
from classifier.evaluation.metrics import (
    Bools,
    Floats,
    auc,
    f1_at,
    false_positive_rate_at,
    precision_among,
    with_interval,
)
from classifier.labels.corpus import POSTS, read_posts
from classifier.network.calibrate import best_threshold
from classifier.network.linear import LinearModel, fit_linear
from classifier.shipped import SHIPPED
from classifier.text.mask import Masker
from classifier.training.examples import example_of
from classifier.training.train import FOLDS, group_folds
from models.contest import ContestSpec, load_contest
from models.errors import BadInput

NEGATIVE_LABELS = frozenset({"none", "non_partisan"})
POOLED = "pooled"
TOP = 50


@dataclass(frozen=True)
class LabelledText:
    """One row to measure on."""

    text: str
    partisan: bool
    source: str


@dataclass(frozen=True)
class Contender:
    """A way of scoring, with its threshold: scores are in the order of the rows."""

    name: str
    scores: Floats
    threshold: float


def read_labelled(path: Path) -> list[LabelledText]:
    """Read a CSV file with the columns text, label and source.

    Raises:
        BadInput: the file cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        return [LabelledText(row["text"], row["label"] not in NEGATIVE_LABELS, row["source"]) for row in rows]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise BadInput("not a readable CSV file with the columns text, label, source", path=path) from error


def contenders(rows: Sequence[LabelledText], contests: Mapping[str, ContestSpec], model: Model) -> list[Contender]:
    """The model, the rule "somebody is named", and TF-IDF on the same corpus with and without masking."""
    maskers = {source: Masker(contest) for source, contest in contests.items()}
    masked = [maskers[row.source].mask(row.text) for row in rows]
    scores = np.zeros(len(rows))
    for source, contest in contests.items():
        places = [place for place, row in enumerate(rows) if row.source == source]
        found = model.assess([rows[place].text for place in places], contest, explain=False)
        scores[places] = [score.score for score in found]
    named = np.array([float(bool(found.targets)) for found in masked])
    return [
        Contender(model.label, scores, model.threshold),
        Contender("somebody is named", named, 0.5),
        _tfidf("TF-IDF, masked", [found.text for found in masked], masked_corpus=True),
        _tfidf("TF-IDF, not masked", [row.text for row in rows], masked_corpus=False),
    ]


def _tfidf(name: str, texts: Sequence[str], *, masked_corpus: bool) -> Contender:
    """TF-IDF and logistic regression on the corpus; the threshold is best on writers held out."""
    posts = list(read_posts(POSTS))
    examples = [example_of(post) for post in posts]
    train = [example.text if masked_corpus else post.text for example, post in zip(examples, posts, strict=True)]
    partisan = np.array([example.partisan for example in examples])
    held = np.zeros(len(train))
    for fold in group_folds(examples, FOLDS):
        rest = sorted(set(range(len(train))) - set(fold))
        held[fold] = _sigmoid(fit_linear([train[row] for row in rest], partisan[rest]), [train[row] for row in fold])
    scores = _sigmoid(fit_linear(train, partisan), texts)
    return Contender(name, scores, best_threshold(held, partisan))


def _sigmoid(model: LinearModel, texts: Sequence[str]) -> Floats:
    return 1 / (1 + np.exp(-model.logits(texts).astype(np.float64)))


def table(rows: Sequence[LabelledText], found: Sequence[Contender]) -> str:
    """A Markdown table: one line for each source and contender, and for all sources together."""
    head = f"| source | rows (partisan) | scored by | AUC | F1 | precision among top {TOP} | false positives |"
    return "\n".join([head, "|---" * 7 + "|", *_lines(rows, found)]) + "\n"


def _lines(rows: Sequence[LabelledText], found: Sequence[Contender]) -> Iterator[str]:
    partisan = np.array([row.partisan for row in rows])
    sources = np.array([row.source for row in rows])
    for source in [*dict.fromkeys(sources.tolist()), POOLED]:
        here = sources == source if source != POOLED else np.ones(len(rows), dtype=bool)
        for contender in found:
            figures = " | ".join(_figures(contender, here, partisan))
            yield f"| {source} | {here.sum()} ({partisan[here].sum()}) | {contender.name} | {figures} |"


def _figures(contender: Contender, here: Bools, partisan: Bools) -> Iterator[str]:
    metrics = (auc, f1_at(contender.threshold), precision_among(TOP), false_positive_rate_at(contender.threshold))
    for metric in metrics:
        yield str(with_interval(metric, contender.scores[here], partisan[here]))


def evaluate(path: Path, contests: Mapping[str, ContestSpec], model: Model) -> str:
    """Measure a model on a labelled file and return the table.

    Raises:
        BadInput: the file is malformed, or a source has no contest.
    """
    rows = read_labelled(path)
    missing = sorted({row.source for row in rows} - contests.keys())
    if missing:
        raise BadInput(f"no contest given for {', '.join(missing)}", path=path)
    return table(rows, contenders(rows, contests, model))


def main() -> None:
    """Print the table, or write it to a file."""
    parser = argparse.ArgumentParser(prog="python -m classifier.evaluation.evaluate", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--contest", action="append", default=[], metavar="SOURCE=FILE", required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    try:
        pairs = (pair.partition("=") for pair in given.contest)
        contests = {source: load_contest(Path(path)) for source, _sign, path in pairs}
        result = evaluate(given.file, contests, load_model(given.model))
    except BadInput as error:
        sys.exit(f"netra: {error}")
    write: Callable[[str], object] = given.out.write_text if given.out else sys.stdout.write
    write(result)


if __name__ == "__main__":
    main()
