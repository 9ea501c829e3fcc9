"""From the office's own decisions to label rows: flags that two people agreed on, and samples that two people read."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Row as SqlRow
from sqlalchemy import select
from sqlalchemy.orm import Session

from classifier.labels.corpus import VOICES, Voice
from classifier.labels.exported import LabelRow, RowAct
from models.assessments import Assessment
from models.clock import utc_now
from models.flags import Flag, FlagState
from models.mandates import Mandate
from models.posts import Post
from models.redaction import name_forms, names_behind, without_traces
from models.reviews import UNDO_SECONDS as REVIEW_UNDO_SECONDS
from models.reviews import Answer, Decision, Review, agreed_side
from models.samples import UNDO_SECONDS as LABEL_UNDO_SECONDS
from models.samples import Sample, SampleAct, SampleLabel, agreed_reading
from models.vault import Vault

ID_DIGITS = 24
CONTEST_DIGITS = 8
CALL_TO_VOTE = "ON-4"
"""The one act code (SKB 2/2022) that says what the author does: *ajakan, imbauan, seruan*."""

_BATCH = 500


def label_rows(
    session: Session, vault: Vault, *, since: dt.datetime | None = None, at: dt.datetime | None = None
) -> list[LabelRow]:
    """Every label of the office whose last word was given since then, in the order of the opaque ids, so that the
    order tells nothing either. What can still be taken back is left to the next export.
    """
    moment, begin = at or utc_now(), since or dt.datetime.min.replace(tzinfo=dt.UTC)
    rows = [*_verdicts(session, vault, begin, moment), *_samples(session, vault, begin, moment)]
    return sorted({row.id: row for row in rows}.values(), key=lambda row: row.id)


def text_id(vault: Vault, post_version_id: str, mandate_id: str) -> str:
    """The opaque id of a text under a mandate: a keyed hash, the same in every export of this office."""
    return vault.index(f"{post_version_id}/{mandate_id}", kind="label")[:ID_DIGITS]


def contest_key(vault: Vault, contest_id: str) -> str:
    """Rows of one contest share it, so that training can keep them together."""
    return vault.index(contest_id, kind="label contest")[:CONTEST_DIGITS]


_FlagRow = SqlRow[str, str, str, str, str, str | None, str]


def _verdicts(session: Session, vault: Vault, since: dt.datetime, moment: dt.datetime) -> Iterator[LabelRow]:
    for flags in _decided(session):
        reviews = _reviews(session, [row[0] for row in flags])
        names = names_behind(session, vault, {row[5] for row in flags if row[5]})
        for flag_id, version, mandate, contest, masked, account, author in flags:
            given = reviews[flag_id]
            if not _is_within([review.given_at for review in given], since, moment, REVIEW_UNDO_SECONDS):
                continue
            known = names.get(account or "", frozenset()) | name_forms(author)
            side = agreed_side([review.takes_side for review in given])
            if side is not None:
                agreeing = [review for review in given if review.takes_side is side]
                yield LabelRow(
                    id=text_id(vault, version, mandate),
                    masked=without_traces(masked, known),
                    contest=contest_key(vault, contest),
                    act=_act(side, agreeing),
                    voice=_common([review.voice for review in agreeing]),
                    source="verdict",
                    readers=len(agreeing),
                )


def _decided(session: Session) -> Iterator[Sequence[_FlagRow]]:
    """Confirmed and dismissed flags, a batch at a time."""
    last = ""
    while True:
        rows = session.execute(
            select(
                Flag.id,
                Flag.post_version_id,
                Flag.mandate_id,
                Mandate.contest_id,
                Assessment.masked,
                Post.account_id,
                Post.author,
            )
            .join(Mandate, Mandate.id == Flag.mandate_id)
            .join(Assessment, Assessment.id == Flag.assessment_id)
            .join(Post, Post.id == Flag.post_id)
            .where(Flag.state.in_((FlagState.CONFIRMED, FlagState.DISMISSED)), Flag.id > last, Assessment.masked != "")
            .order_by(Flag.id)
            .limit(_BATCH)
        ).all()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _reviews(session: Session, flag_ids: Sequence[str]) -> defaultdict[str, list[Review]]:
    rows = session.scalars(
        select(Review).where(
            Review.flag_id.in_(flag_ids), Review.undone_at.is_(None), Review.decision != Decision.RECUSED
        )
    )
    found: defaultdict[str, list[Review]] = defaultdict(list)
    for review in rows:
        found[review.flag_id].append(review)
    return found


def _act(side: Answer, agreeing: Sequence[Review]) -> RowAct:
    if side is Answer.NO:
        return "none"
    return "mobilise" if all(CALL_TO_VOTE in review.acts for review in agreeing) else "partisan"


def _samples(session: Session, vault: Vault, since: dt.datetime, moment: dt.datetime) -> Iterator[LabelRow]:
    rows = session.execute(
        select(Sample, Mandate.contest_id, SampleLabel)
        .join(Mandate, Mandate.id == Sample.mandate_id)
        .join(SampleLabel, SampleLabel.sample_id == Sample.id)
        .where(Sample.masked.is_not(None), Sample.masked != "", SampleLabel.undone_at.is_(None))
        .order_by(Sample.id)
    )
    labels: defaultdict[str, list[SampleLabel]] = defaultdict(list)
    drawn: dict[str, tuple[Sample, str]] = {}
    for sample, contest, label in rows:
        labels[sample.id].append(label)
        drawn[sample.id] = sample, contest
    for sample, contest in drawn.values():
        given = labels[sample.id]
        side = agreed_reading([label.act for label in given])
        within = _is_within([label.given_at for label in given], since, moment, LABEL_UNDO_SECONDS)
        if side is not None and within:
            yield LabelRow(
                id=text_id(vault, sample.post_version_id or "", sample.mandate_id),
                masked=sample.masked or "",
                contest=contest_key(vault, contest),
                act=_sample_act(given) if side else "none",
                voice=_common([label.voice for label in given]),
                source="sample",
                readers=len(given),
            )


def _sample_act(labels: Sequence[SampleLabel]) -> RowAct:
    acts = {label.act for label in labels}
    words: dict[SampleAct, RowAct] = {
        SampleAct.SUPPORT: "support",
        SampleAct.ATTACK: "attack",
        SampleAct.MOBILISE: "mobilise",
    }
    return words[acts.pop()] if len(acts) == 1 else "partisan"


def _common(voices: Iterable[str]) -> Voice:
    distinct = set(voices)
    found = distinct.pop() if len(distinct) == 1 else None
    return next((voice for voice in VOICES if voice == found), "unclear")


def _is_within(given: Sequence[dt.datetime], since: dt.datetime, moment: dt.datetime, undo_seconds: int) -> bool:
    """Whether the last word fell since then and stands for good."""
    return bool(given) and since <= max(given) < moment - dt.timedelta(seconds=undo_seconds)
