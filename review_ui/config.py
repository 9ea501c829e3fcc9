"""What an office can set about its review pages."""

from __future__ import annotations

import dataclasses
import ipaddress
from urllib.parse import urlsplit

from models.errors import BadInput


@dataclasses.dataclass(frozen=True, slots=True)
class UiConfig:
    """`origins` are the addresses the pages are opened under (`https://netra.example.go.id`); requests that name
    another host are refused. Plain http is for the machine itself only. `reviews_per_day` caps an officer's queue.
    `legal_days` is the clock of a finding (UU 7/2017 art 454(5): seven days since found), `legal_alarm_days` how
    many days before its end the badge warns. `utc_offset_minutes` is the local zone of pages that belong to no
    mandate.

    Raises:
        BadInput: an origin is not usable, or a number is not positive.
    """

    origins: tuple[str, ...]
    reviews_per_day: int = 60
    legal_days: int = 7
    legal_alarm_days: int = 2
    session_hours: int = 9
    utc_offset_minutes: int = 420
    max_body_bytes: int = 262_144
    max_upload_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        if not self.origins:
            raise BadInput("the review pages need at least one origin")
        for origin in self.origins:
            _check_origin(origin)
        for name in ("reviews_per_day", "legal_days", "session_hours", "max_body_bytes", "max_upload_bytes"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is at least 1")

    def origin_of(self, host: str) -> str | None:
        """The configured origin whose host (and port) is `host`, or None."""
        return next((origin for origin in self.origins if urlsplit(origin).netloc == host.lower()), None)


def is_loopback(host: str) -> bool:
    """Whether `host` (no port) is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_origin(origin: str) -> None:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise BadInput(f"not an origin: {origin!r}; write https://host or http://127.0.0.1:port")
    if origin != origin.lower():
        raise BadInput(f"write the origin {origin!r} in lower case")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise BadInput(f"{origin}: plain http is for this machine only; put a TLS proxy in front and name https")
