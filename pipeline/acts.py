"""Which articles an act may touch: read from the versioned table `acts.toml`, never decided here.

The joint decree (SKB 2/2022) lists the same online acts twice, as breaches of the code of ethics and of discipline,
and the sources disagree on which applies in which phase. So every article of an act is a candidate; those whose
words do not cover the candidate status of the day are marked as disputed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.contest import ContestSpec, StageSpec
from models.errors import BadInput
from models.people import StaffStatus

ACTS_FILE = Path(__file__).with_name("acts.toml")


class CandidateStatus(enum.StrEnum):
    """How far the candidacy was on a day."""

    BAKAL_CALON = "bakal_calon"
    CALON_DITETAPKAN = "calon_ditetapkan"
    MASA_KAMPANYE = "masa_kampanye"
    MASA_TENANG = "masa_tenang"
    HARI_H = "hari_h"
    PASCA = "pasca"

    @property
    def label(self) -> str:
        """As reports write it."""
        return {"hari_h": "hari pemungutan suara", "pasca": "pascapemungutan suara"}.get(
            self.value, self.value.replace("_", " ")
        )


class Basis(enum.StrEnum):
    """How well an article's text is known: read in the law, read in press, inferred, general knowledge."""

    LAW = "V1"
    PRESS = "V2"
    INFERENCE = "I"
    GENERAL = "G"


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """A candidate article. `norm`: the rule behind an item of the decree's matrix. `disputed`: its words do not
    clearly cover the day's candidate status. `conflict` says where sources contradict each other.
    """

    family: str
    citation: str
    norm: str
    wording: str
    basis: Basis
    conflict: str
    disputed: bool

    @property
    def confirmed(self) -> bool:
        """Whether a source backs it for this status."""
        return not self.disputed and self.basis in (Basis.LAW, Basis.PRESS)


@dataclasses.dataclass(frozen=True, slots=True)
class _Rule:
    acts: frozenset[str]
    statuses: frozenset[CandidateStatus]
    staff: frozenset[StaffStatus]
    article: Article


@dataclasses.dataclass(frozen=True, slots=True)
class ActTable:
    """One version of the table. `acts` maps a code (ON-1 … ON-4, LAIN) to its Indonesian name."""

    version: str
    instrument: str
    acts: Mapping[str, str]
    rules: tuple[_Rule, ...]


@functools.cache
def act_table(path: Path = ACTS_FILE) -> ActTable:
    """Read the table.

    Raises:
        BadInput: not TOML, or a word in it is unknown; names the file.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        acts = dict(data["acts"])
        rules = tuple(_rule(entry, acts) for entry in data["articles"])
        return ActTable(data["version"], data["instrument"], acts, rules)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"act table cannot be used: {error}", path=path) from error


def candidate_articles(
    act: str, candidate_status: CandidateStatus | None, staff_status: StaffStatus, *, table: ActTable | None = None
) -> list[Article]:
    """Every article that the act may touch for this kind of staff, in the order of the table.

    None as candidate status means that nobody knows it; then no article is more likely than another.

    Raises:
        BadInput: the table has no such act.
    """
    table = table or act_table()
    if act not in table.acts:
        raise BadInput(f"no act {act!r} in the act table {table.version}")
    return [
        dataclasses.replace(rule.article, disputed=candidate_status not in rule.statuses)
        for rule in table.rules
        if act in rule.acts and staff_status in rule.staff
    ]


def candidate_status_on(spec: ContestSpec, day: dt.date) -> CandidateStatus | None:
    """The candidate status on a local day as far as the contest's stages tell it.

    None where they do not: before the campaign when no stage for the determination of candidates is listed, and on
    the days of that stage before its last.
    """
    if day >= spec.election_day:
        return CandidateStatus.HARI_H if day == spec.election_day else CandidateStatus.PASCA
    if _within(_named(spec, "tenang"), day):
        return CandidateStatus.MASA_TENANG
    campaign = [stage for stage in _named(spec, "kampanye") if "dana" not in stage.name.casefold()]
    if _within(campaign, day):
        return CandidateStatus.MASA_KAMPANYE
    determination = [stage for stage in _named(spec, "penetapan") if _about_candidates(stage)]
    if any(stage.last_day <= day for stage in (*determination, *campaign)):
        return CandidateStatus.CALON_DITETAPKAN
    early = [*_named(spec, "pendaftaran"), *_named(spec, "pencalonan")]
    if _within(early, day) or any(day < stage.first_day for stage in determination):
        return CandidateStatus.BAKAL_CALON
    return None


def _rule(entry: Mapping[str, Any], acts: Mapping[str, str]) -> _Rule:
    unknown = set(entry["acts"]) - set(acts)
    if unknown:
        raise ValueError(f"{entry['citation']}: unknown act {min(unknown)}")
    article = Article(
        family=entry["family"],
        citation=entry["citation"],
        norm=entry.get("norm", ""),
        wording=entry["wording"],
        basis=Basis(entry["basis"]),
        conflict=entry.get("conflict", ""),
        disputed=False,
    )
    return _Rule(
        acts=frozenset(entry["acts"]),
        statuses=frozenset(map(CandidateStatus, entry["statuses"])),
        staff=frozenset(map(StaffStatus, entry["staff"])),
        article=article,
    )


def _named(spec: ContestSpec, word: str) -> list[StageSpec]:
    """The stages before the election whose name has the word; results are *penetapan* too, but come after it."""
    return [stage for stage in spec.stages if word in stage.name.casefold() and stage.first_day < spec.election_day]


def _about_candidates(stage: StageSpec) -> bool:
    """*Penetapan* of candidates, not of the voters' list (DPT)."""
    return any(word in stage.name.casefold() for word in ("calon", "paslon"))


def _within(stages: list[StageSpec], day: dt.date) -> bool:
    return any(stage.first_day <= day <= stage.last_day for stage in stages)
