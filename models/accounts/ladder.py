"""The confidence ladder of an attribution: its rungs follow from the kinds of sources; people may only step down."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Collection

from models.errors import BadInput

LONGEST_REFERENCE = 2_000
LONGEST_NOTE = 4_000


class Confidence(enum.StrEnum):
    """How sure an attribution is, surest first."""

    CONFIRMED_BY_HOLDER = "confirmed_by_holder"
    OFFICIAL_RECORD = "official_record"
    SEVERAL_SOURCES = "several_sources"
    SINGLE_SOURCE = "single_source"

    def is_above(self, other: Confidence) -> bool:
        """Whether this is a higher rung."""
        rungs = list(Confidence)
        return rungs.index(self) < rungs.index(other)


class SourceKind(enum.StrEnum):
    """What says that the account is the person's.

    holder_statement: the person said so to an officer, or in a signed declaration. official_record: staff records
    or a page of the agency. profile: the account itself shows name, unit or position. public_link: another public
    page that leads to the account. witness: somebody who knows the person. other: anything else.
    """

    HOLDER_STATEMENT = "holder_statement"
    OFFICIAL_RECORD = "official_record"
    PROFILE = "profile"
    PUBLIC_LINK = "public_link"
    WITNESS = "witness"
    OTHER = "other"


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One source of a claim: its kind, the address or place where it is found, and the day it was seen there.

    Raises:
        BadInput: it does not say where, or is longer than a source can be.
    """

    kind: SourceKind
    reference: str
    note: str = ""
    seen_on: dt.date | None = None

    def __post_init__(self) -> None:
        if not self.reference.strip():
            raise BadInput("an attribution's source: say what the claim rests on and where it is found")
        if len(self.reference) > LONGEST_REFERENCE or len(self.note) > LONGEST_NOTE:
            raise BadInput(
                f"an attribution's source has at most {LONGEST_REFERENCE} characters, its note {LONGEST_NOTE}"
            )


_KIND_BEHIND = {
    Confidence.CONFIRMED_BY_HOLDER: SourceKind.HOLDER_STATEMENT,
    Confidence.OFFICIAL_RECORD: SourceKind.OFFICIAL_RECORD,
    Confidence.SINGLE_SOURCE: SourceKind.OTHER,
}


def confidence_of(kinds: Collection[SourceKind]) -> Confidence:
    """The rung that sources of these kinds reach; two of one kind do not strengthen each other.

    The account's own profile says what its owner wants to be taken for, so with it alone no rung above the lowest
    is reached.
    """
    if SourceKind.HOLDER_STATEMENT in kinds:
        return Confidence.CONFIRMED_BY_HOLDER
    if SourceKind.OFFICIAL_RECORD in kinds:
        return Confidence.OFFICIAL_RECORD
    return Confidence.SEVERAL_SOURCES if len(set(kinds)) > 1 else Confidence.SINGLE_SOURCE


def sole_source(evidence: str, confidence: Confidence) -> Source:
    """The one source of a claim of which only this sentence and this confidence are known.

    Raises:
        BadInput: one source cannot be several.
    """
    if confidence not in _KIND_BEHIND:
        raise BadInput("several sources are named one by one")
    return Source(_KIND_BEHIND[confidence], evidence)
