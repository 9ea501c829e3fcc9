"""The contest file: who stands, what they are called, when the stages are (docs/design.md §7).

A `ContestSpec` is pure data: it is read from YAML, stored as JSON on the `Contest` row and handed to
the classifier, which masks the names it lists.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from models.errors import BadInput

MAX_CONTEST_BYTES = 1_000_000
"""A contest file is written by hand; anything larger is a mistake or an attack (YAML alias bombs)."""

NAME = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
"""One line of text; control characters in a name are a damaged file."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CandidateSpec(_Strict):
    """One side on the ballot: a pair, a single candidate, a party list or the empty column."""

    number: int = Field(ge=0, le=99)
    names: list[NAME] = Field(min_length=1, max_length=10)
    aliases: list[NAME] = []
    handles: list[NAME] = []
    slogans: list[NAME] = []
    hashtags: list[NAME] = []
    parties: list[NAME] = []

    @property
    def title(self) -> str:
        """What the side is called in lists and reports: its names joined by an en dash."""
        return " – ".join(self.names)


def _seconds(value: Any) -> Any:
    """`90s`, `10m`, `2h`, `1d` in seconds; anything else is left to the field to refuse."""
    found = _INTERVAL.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found[1]) * _UNITS[found[2]] if found else value


_INTERVAL = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")

Interval = Annotated[int, BeforeValidator(_seconds), Field(ge=60, le=366 * 86_400)]
"""Seconds between two crawls, written as `10m`, `1h`, `1d`."""


class BlackoutSpec(_Strict):
    """Hours of the local day in which nothing is crawled, `22:00-04:30`; minutes since midnight, the end excluded."""

    begin: int
    end: int

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        found = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            if isinstance(value, dict):
                return value
            raise ValueError(f"{value!r} is not a time of day such as 22:00-04:30")
        first, second = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if first == second:
            raise ValueError(f"{value!r} is empty")
        return {"begin": first, "end": second}

    def covers(self, minute: int) -> bool:
        """Whether the minute of the day lies in it; it may run over midnight."""
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


class ScheduleSpec(_Strict):
    """How often the accounts of a contest are crawled when neither stage nor account says otherwise.

    `look_back_days`: how far back posts are gone through again, once in `look_back_every`, for edits and deletions.
    """

    every: Interval = 3600
    blackout: list[BlackoutSpec] = Field(default=[], max_length=10)
    look_back_days: int = Field(default=7, ge=0, le=90)
    look_back_every: Interval = 86_400


class StageSpec(BaseModel):
    """One *tahapan*: name, first and last day (both included), and how often accounts are crawled in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: NAME
    first_day: dt.date = Field(alias="from")
    last_day: dt.date = Field(alias="to")
    every: Interval | None = None

    @model_validator(mode="after")
    def _in_order(self) -> StageSpec:
        if self.last_day < self.first_day:
            raise ValueError(f"stage {self.name!r} ends before it begins")
        return self


class ContestSpec(_Strict):
    """One election. Candidate numbers are unique; at least one side is listed."""

    name: NAME
    region: NAME
    election_day: dt.date
    candidates: list[CandidateSpec] = Field(min_length=1, max_length=100)
    stages: list[StageSpec] = []
    schedule: ScheduleSpec = ScheduleSpec()

    @model_validator(mode="after")
    def _numbers_unique(self) -> ContestSpec:
        numbers = [candidate.number for candidate in self.candidates]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two candidates carry the same number")
        return self

    def crawl_interval(self, day: dt.date) -> int:
        """Seconds between two crawls of an account on this day: the densest of its stages, else the schedule's."""
        paces = [stage.every for stage in self.stages if stage.every and stage.first_day <= day <= stage.last_day]
        return min(paces, default=self.schedule.every)

    def stage_on(self, day: dt.date) -> str | None:
        """The name of the stage that `day` falls in, or None between stages."""
        for stage in self.stages:
            if stage.first_day <= day <= stage.last_day:
                return stage.name
        return None


def load_contest(path: Path) -> ContestSpec:
    """Read a contest file.

    Raises:
        BadInput: unreadable, not YAML, or a field is missing or wrong; names file and line.
    """
    try:
        with path.open("rb") as handle:
            raw = handle.read(MAX_CONTEST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"cannot read the contest file: {error.strerror}", path=path) from error
    if len(raw) > MAX_CONTEST_BYTES:
        raise BadInput(f"contest file is larger than {MAX_CONTEST_BYTES} bytes", path=path)
    return parse_contest(raw, path=path)


def parse_contest(raw: bytes, *, path: Path | str = "<contest>") -> ContestSpec:
    """Parse the YAML of a contest file; `path` only serves the error message."""
    try:
        text = raw.decode("utf-8-sig")
        node = yaml.compose(text, Loader=_NoAliasLoader)
        data = yaml.load(text, Loader=_NoAliasLoader)  # noqa: S506 - a SafeLoader subclass
    except UnicodeDecodeError as error:
        raise BadInput("contest file is not UTF-8", path=path) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise BadInput(
            f"not valid YAML: {error.problem}", path=path, line=None if mark is None else mark.line + 1
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInput(f"not valid YAML: {error}".splitlines()[0], path=path) from error
    if not isinstance(data, dict):
        raise BadInput("a contest file is a mapping with name, region, election_day, candidates", path=path)
    try:
        return ContestSpec.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "contest"
        raise BadInput(f"{where}: {first['msg']}", path=path, line=_line_of(node, first["loc"])) from error


class _NoAliasLoader(yaml.SafeLoader):
    """SafeLoader without aliases: a contest needs none, and they are how YAML bombs are made. Nor are keys repeated."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not allowed", mark)
        return super().compose_node(parent, index)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuse a key that stands twice; YAML would keep the last and drop the first in silence."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.composer.ComposerError(None, None, f"{key.value!r} stands twice", key.start_mark)
            seen.add(str(key.value))
        return node


def _line_of(node: Any, location: tuple[int | str, ...]) -> int | None:
    """The 1-based line of the deepest YAML node that `location` reaches."""
    for part in location:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
        if child is None:
            break
        node = child
    return None if node is None else int(node.start_mark.line) + 1
