"""Reads the invented world: `world.yaml` (who writes what) and `contest.yaml` (who stands).

Ages are relative, so that the demo's clocks look alive on any day.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from models.accounts import Confidence
from models.assessments import Act
from models.contest import ContestSpec, StageSpec, load_contest
from models.errors import BadInput
from models.people import StaffStatus

HERE = Path(__file__).parent
WORLD_FILE = HERE / "world.yaml"
CONTEST_FILE = HERE / "contest.yaml"

FILED_DAY = dt.date(2026, 10, 20)
"""The day that stands for today in `contest.yaml`."""

DOMAIN = "alunalun.example"
"""The square's name in handles and ids (RFC 2606: never a real host), whatever address it is served from."""

_AGE = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?")


def parse_age(text: object) -> dt.timedelta:
    """`2d5h`, `40m` as a length of time.

    Raises:
        ValueError: it is not such an age.
    """
    match = _AGE.fullmatch(str(text))
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is not an age like 2d5h or 40m")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return dt.timedelta(days=days, hours=hours, minutes=minutes)


Age = Annotated[dt.timedelta, BeforeValidator(parse_age)]
Handle = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,30}$")]
StaffNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{16,18}$")]


class Quirk(enum.StrEnum):
    """How a post's page misbehaves."""

    COOKIE_WALL = "cookie_wall"
    LYING = "lying"
    REWRITTEN = "rewritten"
    GONE = "gone"
    ENDLESS = "endless"
    HOSTILE = "hostile"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ImageSpec(_Strict):
    """A picture to draw; the last four words are for posters."""

    kind: Literal["poster", "market", "sea", "field", "flower", "cat", "people", "chart"]
    alt: str
    title: str = ""
    line: str = ""
    number: int = 0
    tone: Literal["gold", "blue"] = "gold"


class EditSpec(_Strict):
    """The post said `was` until `ago`."""

    ago: Age
    was: str


class PostSpec(_Strict):
    """One post. `reblog` and `reply_to` name another post's `key`; a reblog has no text of its own."""

    ago: Age
    text: str = ""
    act: Act = Act.NONE
    key: str = ""
    reply_to: str = ""
    reblog: str = ""
    image: ImageSpec | None = None
    edited: EditSpec | None = None
    quirk: Quirk | None = None
    shown: str = ""
    html: str = ""


class PersonSpec(_Strict):
    """A civil servant as the roster has them."""

    name: str
    nip: StaffNumber
    status: StaffStatus
    position: str
    unit: str


class AccountSpec(_Strict):
    """One account of the square; with `person` it is attributed to a civil servant."""

    handle: Handle
    name: str
    bio: str
    person: PersonSpec | None = None
    attribution: Literal["verified", "waiting", "suspended"] = "verified"
    evidence: str = ""
    confidence: Confidence = Confidence.SINGLE_SOURCE
    posts: list[PostSpec]

    @property
    def acct(self) -> str:
        """The account as people write it."""
        return f"@{self.handle}@{DOMAIN}"


class ArticleSpec(_Strict):
    """One article of the office's site; `edited` is the age of its last change."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$")]
    ago: Age
    edited: Age | None = None
    title: str
    section: str
    act: Act = Act.NONE
    body: str


class OfficeSpec(_Strict):
    """The official office with its feed."""

    name: str
    short: str
    tagline: str
    articles: list[ArticleSpec] = Field(min_length=1)


class World(_Strict):
    """Everything on the square."""

    accounts: list[AccountSpec] = Field(min_length=1)
    office: OfficeSpec

    def rostered(self) -> list[tuple[AccountSpec, PersonSpec]]:
        """The accounts that belong to civil servants, with their holders."""
        return [(account, account.person) for account in self.accounts if account.person is not None]


def load_world(path: Path = WORLD_FILE) -> World:
    """Read a world file.

    Raises:
        BadInput: unreadable, not YAML, or a field is missing or wrong.
    """
    try:
        return World.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"cannot read the demo's world: {error}".splitlines()[0], path=path) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", path=path) from error


def demo_contest(today: dt.date) -> ContestSpec:
    """The invented contest with all its days moved so that `today` lies in the campaign."""
    spec = load_contest(CONTEST_FILE)
    shift = today - FILED_DAY
    stages = [
        StageSpec(name=stage.name, first_day=stage.first_day + shift, last_day=stage.last_day + shift)
        for stage in spec.stages
    ]
    return spec.model_copy(update={"election_day": spec.election_day + shift, "stages": stages})
