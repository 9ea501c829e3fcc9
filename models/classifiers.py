"""The model registry: which classifiers this office knows, and which one scores.

candidate → proposed → active → retired. One officer proposes a model that passed its comparison with the one in use,
another approves it; at most one is active, and the database holds that too. Where none is, the initial model scores
(the shipped one, or the one that the settings name). A rollback takes one officer and a reason: it only returns to
what two people approved before.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import re

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Id, JsonObject, Row
from models.canonical import canonical_json, sha256_hex
from models.clock import utc_now
from models.errors import BadInput, IllegalTransition, NotAllowed, NotFound
from models.log import record
from models.officers import Officer, Role, actor_of, require_role

LEAST_SHA256_DIGITS = 8
"""So many first digits name a model."""

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,58}")
_ACTIVE = text("state = 'active'")


class ModelState(enum.StrEnum):
    """candidate → proposed → active → retired; a retired one may be proposed again."""

    CANDIDATE = "candidate"
    PROPOSED = "proposed"
    ACTIVE = "active"
    RETIRED = "retired"


class ModelComparison(Row):
    """A challenger measured against a champion on the same labelled posts; never changed and never deleted, so that
    whoever approves sees how often it was tried. `body` is canonical JSON (RFC 8785).
    """

    __tablename__ = "model_comparisons"

    challenger_sha256: Mapped[str] = mapped_column(String(64), index=True)
    champion_sha256: Mapped[str] = mapped_column(String(64))
    passed: Mapped[bool]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    compared_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    compared_at: Mapped[dt.datetime]

    def read_body(self) -> JsonObject:
        """The comparison as it was stored."""
        body: JsonObject = json.loads(self.body)
        return body


class ClassifierModel(Row):
    """One version of a classifier. `sha256` is over its files, `location` its directory below the office's home."""

    __tablename__ = "classifier_models"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        Index("uq_classifier_models_active", "state", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        CheckConstraint("state <> 'active' OR approved_by IS NOT NULL", name="active_is_approved"),
        CheckConstraint("approved_by IS NULL OR approved_by <> proposed_by", name="approved_by_another"),
    )

    name: Mapped[str] = mapped_column(String(59))
    version: Mapped[str] = mapped_column(String(59))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    location: Mapped[str]
    registered_by: Mapped[Id] = mapped_column(ForeignKey("officers.id"))
    registered_at: Mapped[dt.datetime]
    since: Mapped[dt.datetime]
    state: Mapped[ModelState] = mapped_column(default=ModelState.CANDIDATE)
    comparison_id: Mapped[Id | None] = mapped_column(ForeignKey("model_comparisons.id"), default=None)
    proposed_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    proposed_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    approved_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    approved_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    rolled_back_by: Mapped[Id | None] = mapped_column(ForeignKey("officers.id"), default=None)
    rolled_back_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    rollback_reason: Mapped[str] = mapped_column(default="")

    @property
    def label(self) -> str:
        """`name@version`, as assessments name it."""
        return f"{self.name}@{self.version}"


@dataclasses.dataclass(frozen=True, slots=True)
class ComparisonOutcome:
    """What was measured; `body` is JSON values."""

    challenger_sha256: str
    champion_sha256: str
    passed: bool
    body: JsonObject


def active_model(session: Session) -> ClassifierModel | None:
    """The model that scores, or None where the initial one does."""
    return session.scalar(select(ClassifierModel).where(ClassifierModel.state == ModelState.ACTIVE))


def find_model(session: Session, named: str) -> ClassifierModel:
    """The model of this label (`name@version`) or of these first digits of its SHA-256 (eight or more).

    Raises:
        NotFound: there is none.
    """
    name, at_sign, version = named.rpartition("@")
    wanted: ColumnElement[bool]
    if at_sign:
        wanted = (ClassifierModel.name == name) & (ClassifierModel.version == version)
    else:
        wanted = ClassifierModel.sha256.startswith(named.lower(), autoescape=True)
    found = session.scalars(select(ClassifierModel).where(wanted).limit(2)).all()
    if len(found) != 1 or (len(named) < LEAST_SHA256_DIGITS and not at_sign):
        raise NotFound(f"no model {named}; 'netra models list' shows them")
    return found[0]


def register_model(
    session: Session,
    officer: Officer,
    *,
    name: str,
    version: str,
    sha256: str,
    location: str,
    at: dt.datetime | None = None,
) -> ClassifierModel:
    """Enter a model as a candidate; it scores nothing yet.

    Raises:
        NotAllowed: the officer is no analyst.
        BadInput: a name or version that a label cannot hold, the label is taken, or these weights are known already.
    """
    require_role(officer, Role.ANALYST)
    for word in (name, version):
        if _WORD.fullmatch(word) is None:
            raise BadInput(f"{word!r} cannot name a model or version: up to 59 letters, digits, '.', '_' or '-'")
    known = session.scalar(select(ClassifierModel).where(ClassifierModel.sha256 == sha256))
    if known is not None:
        raise BadInput(f"these weights are registered already, as {known.label}")
    taken = (ClassifierModel.name == name) & (ClassifierModel.version == version)
    if session.scalar(select(ClassifierModel.id).where(taken)) is not None:
        raise BadInput(f"another model is called {name}@{version}: give this one its own version")
    moment = at or utc_now()
    model = ClassifierModel(
        name=name,
        version=version,
        sha256=sha256,
        location=location,
        registered_by=officer.id,
        registered_at=moment,
        since=moment,
    )
    session.add(model)
    record(session, "model.registered", model, actor=actor_of(officer), at=moment, model=model.label, sha256=sha256)
    return model


def store_comparison(
    session: Session, officer: Officer, outcome: ComparisonOutcome, *, at: dt.datetime | None = None
) -> ModelComparison:
    """Keep a comparison, passed or not.

    Raises:
        NotAllowed: the officer is no analyst.
        BadInput: the body holds what JSON cannot.
    """
    require_role(officer, Role.ANALYST)
    body = canonical_json(outcome.body)
    comparison = ModelComparison(
        challenger_sha256=outcome.challenger_sha256,
        champion_sha256=outcome.champion_sha256,
        passed=outcome.passed,
        body=body,
        compared_by=officer.id,
        compared_at=at or utc_now(),
    )
    session.add(comparison)
    record(session, "model.compared", comparison, actor=actor_of(officer), at=at, passed=outcome.passed,
           challenger=outcome.challenger_sha256, champion=outcome.champion_sha256,
           body_sha256=sha256_hex(body))  # fmt: skip
    return comparison


def comparisons_of(session: Session, model: ClassifierModel) -> list[ModelComparison]:
    """Every comparison of this model as challenger, newest first."""
    statement = select(ModelComparison).where(ModelComparison.challenger_sha256 == model.sha256)
    newest_first = statement.order_by(ModelComparison.compared_at.desc(), ModelComparison.id.desc())
    return list(session.scalars(newest_first))


def propose_model(
    session: Session, model: ClassifierModel, officer: Officer, *, initial_sha256: str, at: dt.datetime | None = None
) -> None:
    """Ask a second officer to put the model in use. Its newest comparison must have passed against the model in use
    now; `initial_sha256` is that of the model that scores where none is active.

    Raises:
        NotAllowed: the officer is no analyst, or the comparison is missing, failed or against another model.
        IllegalTransition: the model is active.
    """
    require_role(officer, Role.ANALYST)
    _lock_registry(session)
    if model.state is ModelState.ACTIVE:
        raise IllegalTransition(f"model {model.label} is in use already")
    comparison = _passed_comparison(session, model, initial_sha256)
    moment = at or utc_now()
    _move(model, ModelState.PROPOSED, moment)
    model.comparison_id, model.proposed_by, model.proposed_at = comparison.id, officer.id, moment
    model.approved_by = model.approved_at = None
    record(session, "model.proposed", model, actor=actor_of(officer), at=moment, model=model.label,
           sha256=model.sha256, comparison=comparison.id)  # fmt: skip


def approve_model(
    session: Session, model: ClassifierModel, officer: Officer, *, initial_sha256: str, at: dt.datetime | None = None
) -> None:
    """Put a proposed model in use, and retire the one before it.

    Raises:
        NotAllowed: the officer proposed it or is neither analyst nor supervisor, or the comparison no longer holds
            because another model is in use now.
        IllegalTransition: it is not proposed, or was compared again since.
    """
    require_role(officer, Role.ANALYST, Role.SUPERVISOR)
    _lock_registry(session)
    if model.state is not ModelState.PROPOSED:
        raise IllegalTransition(f"model {model.label} is {model.state}, not proposed")
    if officer.id == model.proposed_by:
        raise NotAllowed("a model is approved by another officer than the one who proposed it")
    if _passed_comparison(session, model, initial_sha256).id != model.comparison_id:
        raise IllegalTransition(f"model {model.label} was compared again since: propose it again")
    moment = at or utc_now()
    before = active_model(session)
    if before is not None:
        _move(before, ModelState.RETIRED, moment)
        session.flush()  # the index lets no two be active, not even inside a transaction
        record(session, "model.retired", before, actor=actor_of(officer), at=moment, model=before.label)
    _move(model, ModelState.ACTIVE, moment)
    model.approved_by, model.approved_at = officer.id, moment
    model.rolled_back_by = model.rolled_back_at = None
    model.rollback_reason = ""
    record(session, "model.approved", model, actor=actor_of(officer), at=moment, model=model.label,
           sha256=model.sha256, comparison=model.comparison_id)  # fmt: skip


def rollback_model(
    session: Session, officer: Officer, *, reason: str, at: dt.datetime | None = None
) -> ClassifierModel | None:
    """Retire the active model at once and return to the one in use before it; one officer is enough.

    What was itself rolled back is never returned to. Returns the model now active, None for the initial one.

    Raises:
        NotAllowed: the officer only reads (auditor).
        BadInput: no reason given.
        IllegalTransition: no registered model is active.
    """
    require_role(officer, Role.ANALYST, Role.SUPERVISOR, Role.OPERATOR, Role.ADMIN)
    if not reason.strip():
        raise BadInput("rolling a model back needs a reason")
    _lock_registry(session)
    bad = active_model(session)
    if bad is None:
        raise IllegalTransition("the initial model is in use: there is nothing to roll back")
    before, moment = _in_use_before(session), at or utc_now()
    _move(bad, ModelState.RETIRED, moment)
    bad.rolled_back_by, bad.rolled_back_at, bad.rollback_reason = officer.id, moment, reason.strip()
    session.flush()  # the index lets no two be active, not even inside a transaction
    if before is not None:
        _move(before, ModelState.ACTIVE, moment)
    record(session, "model.rolled_back", bad, actor=actor_of(officer), at=moment, model=bad.label,
           to=None if before is None else before.label, words={"reason": reason.strip()})  # fmt: skip
    return before


def _move(model: ClassifierModel, state: ModelState, at: dt.datetime) -> None:
    model.state, model.since = state, at


def _in_use_before(session: Session) -> ClassifierModel | None:
    """The retired model that was approved last and not rolled back."""
    statement = select(ClassifierModel).where(
        ClassifierModel.state == ModelState.RETIRED, ClassifierModel.rolled_back_at.is_(None)
    )
    return session.scalar(statement.order_by(ClassifierModel.approved_at.desc()).limit(1))


def _passed_comparison(session: Session, model: ClassifierModel, initial_sha256: str) -> ModelComparison:
    """The model's newest comparison, which must have passed against the model in use."""
    newest = next(iter(comparisons_of(session, model)), None)
    active = active_model(session)
    champion = initial_sha256 if active is None else active.sha256
    if newest is None:
        raise NotAllowed(f"model {model.label} was never compared with the one in use: 'netra models compare'")
    if not newest.passed:
        raise NotAllowed(f"the newest comparison of model {model.label} did not pass")
    if newest.champion_sha256 != champion:
        raise NotAllowed(f"model {model.label} was compared with a model that is no longer in use: compare it again")
    return newest


def _lock_registry(session: Session) -> None:
    """Read every model again and hold them all until the transaction ends: they change one after another."""
    session.flush()
    held = select(ClassifierModel).order_by(ClassifierModel.id).with_for_update()
    session.scalars(held.execution_options(populate_existing=True)).all()
