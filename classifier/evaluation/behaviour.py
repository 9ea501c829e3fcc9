"""The behaviour suite: small cases that a release may not get wrong, in the manner of CheckList.

Minimum-functionality cases (MFT) have a right answer. An invariance (INV) must be answered as the case that it is like.
A directional case (DIR) must score no lower than the case it is like where it expects a flag, and no higher where it
expects none (Ribeiro et al. 2020, arXiv:2005.04118). What the shipped model still gets wrong stands in
behaviour_known.tsv, which `python -m classifier.evaluation.behaviour --write-known` brings up to date. Invariances are
never excused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from classifier.assess import Model, Score, load_model
from classifier.shipped import SHIPPED
from models.contest import ContestSpec, load_contest
from models.errors import BadInput

CASES = Path(__file__).with_name("behaviour.jsonl")
KNOWN = Path(__file__).with_name("behaviour_known.tsv")
CONTESTS = Path(__file__).with_name("contests")


class Case(BaseModel):
    """One case. The text is `text`, `repeat` times over, and then `tail`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    capability: str
    contest: str
    text: str
    repeat: int = 1
    tail: str = ""
    expect: Literal["flag", "no_flag", "any"]
    test: Literal["MFT", "INV", "DIR"]
    like: str = ""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.like) == (self.test == "MFT"):
            raise ValueError("INV and DIR cases, and only they, are like another case")
        if self.test == "DIR" and self.expect == "any":
            raise ValueError("a DIR case expects flag or no_flag")
        return self

    @property
    def full_text(self) -> str:
        """The text as it is scored."""
        return self.text * self.repeat + self.tail


@dataclass(frozen=True)
class Outcome:
    """A case, whether the model passes it, and its score; `like` is the score of the case that it is like."""

    case: Case
    passed: bool
    score: float
    like: float | None

    @property
    def reason(self) -> str:
        """What went wrong, in Indonesian."""
        if self.case.test == "MFT":
            wrong = "tidak ditandai" if self.case.expect == "flag" else "keliru ditandai"
        else:
            wrong = f"bandingkan {self.case.like} dengan skor {self.like:.2f}"
        return f"skor {self.score:.2f}, {wrong}"


@dataclass(frozen=True)
class PassRate:
    """Of a capability's cases, how many are passed, and which are not."""

    capability: str
    cases: int
    failed: tuple[Outcome, ...]


def read_cases(path: Path = CASES) -> list[Case]:
    """Read the suite, one JSON object a line.

    Raises:
        BadInput: a line is no case, an id stands twice, or a case is like one that is not there; names the line.
    """
    cases: dict[str, Case] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            case = Case.model_validate_json(line)
        except ValidationError as error:
            raise BadInput(error.errors(include_url=False)[0]["msg"], path=path, line=number) from error
        if case.id in cases:
            raise BadInput(f"case {case.id} stands twice", path=path, line=number)
        cases[case.id] = case
    strangers = sorted({case.like for case in cases.values() if case.like} - cases.keys())
    if strangers:
        raise BadInput(f"no case {', '.join(strangers)}", path=path)
    return list(cases.values())


def behave(model: Model, cases: Sequence[Case]) -> list[Outcome]:
    """Put every case to the model."""
    scores = _scores(model, cases)
    return [_outcome(case, scores) for case in cases]


def _scores(model: Model, cases: Sequence[Case]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for name, contest in _contests(cases).items():
        same = [case for case in cases if case.contest == name]
        found = model.assess([case.full_text for case in same], contest, explain=False)
        scores.update(zip((case.id for case in same), found, strict=True))
    return scores


def _contests(cases: Sequence[Case]) -> dict[str, ContestSpec]:
    return {name: load_contest(CONTESTS / f"{name}.yaml") for name in dict.fromkeys(case.contest for case in cases)}


def _outcome(case: Case, scores: Mapping[str, Score]) -> Outcome:
    score, like = scores[case.id], scores.get(case.like)
    return Outcome(case, _passes(case, score, like), score.score, None if like is None else like.score)


def _passes(case: Case, score: Score, like: Score | None) -> bool:
    if like is None:
        return case.expect == "any" or score.flag == (case.expect == "flag")
    if case.test == "INV":
        return score.flag == like.flag
    return score.score >= like.score if case.expect == "flag" else score.score <= like.score


def pass_rates(outcomes: Sequence[Outcome]) -> Iterator[PassRate]:
    """The pass rate of every capability, in the order of the suite."""
    for capability in dict.fromkeys(outcome.case.capability for outcome in outcomes):
        same = [outcome for outcome in outcomes if outcome.case.capability == capability]
        yield PassRate(capability, len(same), tuple(outcome for outcome in same if not outcome.passed))


def read_known(path: Path = KNOWN) -> dict[str, str]:
    """The failures that are known, by id, with their reasons."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines if line and not line.startswith("#"))


def write_known(outcomes: Sequence[Outcome], path: Path = KNOWN) -> None:
    """List the failures of today, invariances aside."""
    failed = [outcome for outcome in outcomes if not outcome.passed and outcome.case.test != "INV"]
    lines = ["# Cases that the shipped model fails: id, and what it does instead.\n"]
    lines += [f"{outcome.case.id}\t{outcome.reason}\n" for outcome in failed]
    path.write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """Say how many cases of each capability pass, or write the list of known failures."""
    parser = argparse.ArgumentParser(prog="python -m classifier.evaluation.behaviour", description=main.__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--write-known", action="store_true", help="replace the list of known failures")
    given = parser.parse_args()
    outcomes = behave(load_model(given.model), read_cases())
    if given.write_known:
        write_known(outcomes)
    for rate in pass_rates(outcomes):
        failed = ", ".join(outcome.case.id for outcome in rate.failed)
        sys.stdout.write(f"{rate.capability}\t{rate.cases - len(rate.failed)}/{rate.cases}\t{failed}\n")


if __name__ == "__main__":
    main()
