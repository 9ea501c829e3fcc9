"""Settings: one reader of the environment and of `netra.toml`; nothing else in Netra looks at either.

Order, the first that names a value wins: environment (`NETRA_DATABASE_URL`, `NETRA_WEB__PORT`, …), then
`netra.toml` in the home directory, then the defaults below.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from models.errors import BadInput

DEFAULT_HOME = Path("netra-data")
SETTINGS_FILE = "netra.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfficeSettings(_Section):
    """The office whose name stands on reports."""

    name: str = "Badan Pengawas Pemilihan Umum"
    level: str = ""
    address: str = ""
    city: str = ""


class WebSettings(_Section):
    """Where the review pages listen."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_origins: list[str] = []
    """Addresses under which a reverse proxy shows the pages, `https://netra.example.go.id` (TLS is its work)."""
    metrics_token: str = Field(default="", pattern=r"^(\S{16,200})?$")
    """Whoever reads `/metrics` shows it as a bearer token; without one, only this machine itself may read them."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Every address the pages may be opened under."""
        local = (f"http://{self.host}:{self.port}", f"http://localhost:{self.port}")
        return (*self.public_origins, *local) if self.host in ("127.0.0.1", "localhost") else tuple(self.public_origins)


class HostSettings(_Section):
    """What one host may be asked, where the defaults do not fit it."""

    delay_seconds: float = Field(default=1.0, ge=0)
    requests_per_hour: int = Field(default=0, ge=0)
    """0: no budget."""


class CrawlSettings(_Section):
    """Manners and limits of the crawlers."""

    contact: str = "operator tidak diisi"
    """E-mail or page that the User-Agent gives to site owners."""
    allowed_hosts: list[str] = []
    """`host:port` of inner servers that may be reached all the same (the demo's square)."""
    delay_seconds: float = Field(default=1.0, ge=0)
    """Least pause between two requests to one host."""
    robots_waived_by_owner: list[str] = []
    """Hosts whose owner has permitted in writing what their robots.txt forbids; keep the letter with the mandate."""
    hosts: dict[str, HostSettings] = {}
    """Limits of single hosts: `[crawl.hosts."public.api.bsky.app"] delay_seconds = 0.2`."""
    hosts_at_once: int = Field(default=256, ge=1, le=512)
    tokens: dict[str, str] = {}
    """The operator's own keys by source, such as `x_v2`; better in the environment: `NETRA_CRAWL__TOKENS`."""
    posts_per_month: dict[str, int] = {}
    """Spending caps by source, for platforms that sell posts."""

    @field_validator("allowed_hosts")
    @classmethod
    def _host_and_port(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            name, _, port = host.rpartition(":")
            if not name or not port.isascii() or not port.isdecimal():
                raise ValueError(f"{host!r} is not host:port")
        return hosts

    def allowed(self) -> frozenset[tuple[str, int]]:
        """`allowed_hosts` as pairs."""
        pairs = (host.rpartition(":") for host in self.allowed_hosts)
        return frozenset((name, int(port)) for name, _, port in pairs)


class ReviewSettings(_Section):
    """Capacity and clocks of the reviewers."""

    reviews_per_day: int = Field(default=40, ge=1)
    legal_days: int = Field(default=7, ge=1)
    clarification_required: bool = False
    """Whether a report needs a klarifikasi record before signing; not every office has that power."""


class ModelSettings(_Section):
    """The classifier that scores until two officers approve one (`netra models`); by default the shipped one.

    A named SHA-256 is checked before loading. `base` is the encoder that `netra train` begins from: a directory, or
    OWNER/NAME@COMMIT on the Hugging Face hub; without it, training goes on from the model in use.
    """

    directory: Path | None = None
    sha256: str | None = None
    base: str | None = None


class Settings(BaseSettings):
    """Everything that can be set. Paths inside `home` by default."""

    model_config = SettingsConfigDict(
        env_prefix="NETRA_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    home: Path
    database_url: str = ""
    office: OfficeSettings = OfficeSettings()
    web: WebSettings = WebSettings()
    crawl: CrawlSettings = CrawlSettings()
    review: ReviewSettings = ReviewSettings()
    model: ModelSettings = ModelSettings()
    retention_days: int = Field(default=30, ge=1, le=3650)
    log_origin: str = "netra.local"
    """Name of this office's log in signed checkpoints (C2SP tlog-checkpoint origin line)."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which comes in as init arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @property
    def url(self) -> str:
        """The database, by default SQLite in `home`."""
        return self.database_url or f"sqlite:///{self.home / 'netra.sqlite'}"

    @property
    def key_file(self) -> Path:
        """Where the keys are (mode 600, outside the database)."""
        return self.home / "netra.key"

    @property
    def evidence_directory(self) -> Path:
        """Where evidence bytes are."""
        return self.home / "evidence"


def find_home(home: Path | None) -> Path:
    """The home directory: the argument, else `NETRA_HOME`, else `./netra-data`."""
    return (home or Path(os.environ.get("NETRA_HOME", DEFAULT_HOME))).absolute()


def read_settings(home: Path | None = None) -> Settings:
    """Read `netra.toml` and the environment.

    Raises:
        BadInput: malformed TOML, or an unknown or wrong value; names the file and the line or key.
    """
    directory = find_home(home)
    path = directory / SETTINGS_FILE
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not valid TOML: {error}", path=path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}", path=path) from error
    data.pop("home", None)
    try:
        return Settings(home=directory, **data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{key}: {first['msg']}", path=path) from error
    except SettingsError as error:
        raise BadInput(f"environment: {error}") from error


def variable(name: str) -> str | None:
    """One environment variable, for what is not a setting (a password handed to a command)."""
    return os.environ.get(name)
