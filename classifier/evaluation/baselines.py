"""What a model has to beat: the rule "somebody is named", and TF-IDF on the same corpus with and without masking."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifier.evaluation.answers import Answered, Asked
from classifier.evaluation.metrics import Floats
from classifier.labels.corpus import LabelledPost, read_posts
from classifier.network.calibrate import best_threshold
from classifier.network.linear import LinearModel, fit_linear
from classifier.text.mask import Masker
from classifier.training.examples import Example, example_of
from classifier.training.train import FOLDS, group_folds
from classifier.training.watch import Watch


def baselines(asked: Asked, watch: Watch) -> dict[str, Answered]:
    """Scores and thresholds by name; none says for or against whom."""
    maskers = {source: Masker(contest) for source, contest in asked.contests.items()}
    masked = [maskers[row.source].mask(row.text) for row in asked.rows]
    posts = list(read_posts())
    examples = [example_of(post) for post in watch.each(posts, "Membaca korpus")]
    named = np.array([float(bool(found.targets)) for found in masked])
    hidden, plain = [found.text for found in masked], [row.text for row in asked.rows]
    return {
        "Aturan: seseorang disebut": _silent(named, 0.5),
        "TF-IDF, nama disamarkan": _tfidf([example.text for example in examples], examples, hidden, watch),
        "TF-IDF, nama terbaca": _tfidf(_texts(posts), examples, plain, watch),
    }


def _texts(posts: Sequence[LabelledPost]) -> list[str]:
    return [post.text for post in posts]


def _silent(scores: Floats, threshold: float) -> Answered:
    return Answered(scores, threshold, [None] * len(scores), [frozenset()] * len(scores))


def _tfidf(train: Sequence[str], examples: Sequence[Example], texts: Sequence[str], watch: Watch) -> Answered:
    """TF-IDF and logistic regression on the corpus; the threshold is best on writers held out."""
    partisan = np.array([example.partisan for example in examples])
    held = np.zeros(len(train))
    for fold in watch.each(group_folds(examples, FOLDS), "TF-IDF"):
        rest = sorted(set(range(len(train))) - set(fold))
        held[fold] = _sigmoid(fit_linear([train[row] for row in rest], partisan[rest]), [train[row] for row in fold])
    scores = _sigmoid(fit_linear(train, partisan), texts)
    return _silent(scores, best_threshold(held, partisan))


def _sigmoid(model: LinearModel, texts: Sequence[str]) -> Floats:
    return np.asarray(1 / (1 + np.exp(-model.logits(texts).astype(np.float64))))
