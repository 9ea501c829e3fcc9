"""What a regional language costs: the same posts in Indonesian and in translation, none of them trained on."""

from __future__ import annotations

import numpy as np

from classifier.assess import Model
from classifier.evaluation.paired import Answers, Difference, paired_bootstrap
from classifier.labels.corpus import LabelledPost, own_contest, read_posts
from classifier.labels.parallel import LANGUAGES, read_translations
from classifier.training.watch import Watch


def regional_costs(model: Model, watch: Watch) -> dict[str, Difference]:
    """AUC in each language (challenger) beside Indonesian (champion) on the parallel posts.

    Translated by language models and not checked by native speakers: a low figure may be the translation's fault.
    """
    translations = read_translations()
    posts = [post for post in read_posts() if post.id in translations]
    partisan = np.array([post.partisan for post in posts])
    home = _answers(model, posts, watch, "id")
    costs: dict[str, Difference] = {}
    for language in LANGUAGES:
        translated = [translations[post.id].of(post, language) for post in posts]
        costs[language] = paired_bootstrap(partisan, _answers(model, translated, watch, language), home)["auc"]
    return costs


def _answers(model: Model, posts: list[LabelledPost], watch: Watch, language: str) -> Answers:
    each = watch.each(posts, f"menilai ({language})")
    scores = [model.assess([post.text], own_contest(post), explain=False)[0].score for post in each]
    return Answers(np.array(scores), model.threshold)
