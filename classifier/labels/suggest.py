"""What to label next: texts that the model is unsure of, no two of them alike.

Uncertainty is the score's distance to the threshold, diversity greedy k-center (Sener and Savarese 2018,
arXiv:1708.00489) over TF-IDF vectors: each next text is the one whose uncertainty times its distance to everything
chosen so far is greatest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from classifier.labels.exported import TextRow
from classifier.labels.verdicts import contest_key, text_id
from models.assessments import Assessment
from models.clock import utc_now
from models.flags import Flag
from models.mandates import Mandate
from models.posts import Post, PostVersion
from models.redaction import name_forms, names_behind, without_traces
from models.samples import Sample
from models.vault import Vault

CANDIDATES = 20_000
"""The least certain texts that are looked at; the rest the model is sure of."""
MAX_COUNT = 1_000
_WORDS = r"[\w@]+"
_NOTHING_NEW = 1e-6

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Candidate:
    version_id: str
    mandate_id: str
    masked: str
    uncertainty: float


def suggest(session: Session, vault: Vault, *, count: int) -> list[TextRow]:
    """Up to `count` texts, the most useful first, of mandates in force: assessed, without a flag (those get verdicts)
    and in no sample (those get labels). Neither score nor order of time goes along.
    """
    moment = utc_now()
    mandates = {row.id: row for row in session.scalars(select(Mandate)) if row.covers(moment)}
    rows = session.execute(_least_certain(list(mandates)))
    candidates = [
        _Candidate(version, mandate, masked, 1.0 if unsure else _uncertainty(score, threshold))
        for version, mandate, masked, score, threshold, unsure in rows
    ]
    chosen = choose([one.masked for one in candidates], np.array([one.uncertainty for one in candidates]), count)
    return _rows(session, vault, [candidates[place] for place in chosen], mandates)


def choose(texts: Sequence[str], uncertainty: Floats, count: int) -> list[int]:
    """Places of up to `count` texts, greedily by uncertainty times distance to those chosen; copies are chosen once.

    `uncertainty` has one value in 0–1 for each text. Memory holds the sparse vectors of all texts; each choice costs
    one sparse product.
    """
    if not texts:
        return []
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - only this step needs it

    # One more text with a word, left out again: a vocabulary without words is an error.
    vectorizer = TfidfVectorizer(token_pattern=_WORDS, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    vectors = vectorizer.fit_transform([*texts, "kata"])[:-1]
    nearest = np.zeros(len(texts))
    chosen: list[int] = []
    while len(chosen) < min(count, len(texts)):
        gain = uncertainty * (1 - nearest)
        best = int(gain.argmax())
        if gain[best] <= _NOTHING_NEW:
            break
        chosen.append(best)
        likeness = (vectors @ vectors[best].T).toarray().ravel()
        nearest = np.maximum(nearest, likeness)
        nearest[best] = 1.0
    return chosen


def _uncertainty(score: float, threshold: float) -> float:
    """1 at the threshold, 0 at the far end of the scale."""
    return 1 - abs(score - threshold) / max(threshold, 1 - threshold)


def _least_certain(mandate_ids: Sequence[str]) -> Select[str, str, str, float, float, bool]:
    """(version, mandate, masked, score, threshold, unsure) by the newest model, the least certain first."""
    newer = aliased(Assessment)
    return (
        select(
            PostVersion.id,
            Assessment.mandate_id,
            Assessment.masked,
            Assessment.score,
            Assessment.threshold,
            Assessment.unsure,
        )
        .join(Post, (Post.id == PostVersion.post_id) & (Post.versions == PostVersion.number))
        .join(Assessment, Assessment.post_version_id == PostVersion.id)
        .where(
            Assessment.mandate_id.in_(mandate_ids),
            Assessment.masked != "",
            ~exists().where(
                newer.post_version_id == Assessment.post_version_id,
                newer.mandate_id == Assessment.mandate_id,
                newer.id > Assessment.id,
            ),
            ~exists().where(Flag.post_id == Post.id),
            ~exists().where(Sample.post_version_id == PostVersion.id),
        )
        .order_by(Assessment.unsure.desc(), func.abs(Assessment.score - Assessment.threshold), Assessment.id)
        .limit(CANDIDATES)
    )


def _rows(session: Session, vault: Vault, chosen: Sequence[_Candidate], mandates: dict[str, Mandate]) -> list[TextRow]:
    authors = {
        version: (account, author)
        for version, account, author in session.execute(
            select(PostVersion.id, Post.account_id, Post.author)
            .join(Post, Post.id == PostVersion.post_id)
            .where(PostVersion.id.in_([one.version_id for one in chosen]))
        )
    }
    names = names_behind(session, vault, {account for account, _ in authors.values() if account})
    rows = []
    for one in chosen:
        account, author = authors[one.version_id]
        known = names.get(account or "", frozenset()) | name_forms(author)
        rows.append(
            TextRow(
                id=text_id(vault, one.version_id, one.mandate_id),
                masked=without_traces(one.masked, known),
                contest=contest_key(vault, mandates[one.mandate_id].contest_id),
            )
        )
    return rows
