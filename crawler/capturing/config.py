"""What a capture may cost, and what it may reach."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Self

from models.errors import NetraError, StorageError

INSTALL_CHROMIUM = "install it with `apt install chromium`, or with `playwright install chromium`"


class BrowserMissing(StorageError):
    """No Chromium on this machine, or one that does not start; the message says what to do."""


class BrowserDied(NetraError):
    """The browser, or the process that drives it, ended in the middle of a capture."""


@dataclasses.dataclass(frozen=True, slots=True)
class CaptureConfig:
    """Limits of one capture. Times in seconds, sizes in bytes and CSS pixels (one image pixel each).

    `contact` is what a site's operator finds behind the browser's own user agent.
    `allowed` are the guard's exceptions. `chromium` names a browser where the machine has several.
    """

    contact: str = ""
    allowed: frozenset[tuple[str, int]] = frozenset()
    chromium: Path | None = None
    total_seconds: float = 45.0
    start_seconds: float = 60.0
    navigation_seconds: float = 20.0
    text_seconds: float = 8.0
    settle_seconds: float = 6.0
    width: int = 1280
    height: int = 900
    max_height: int = 16_000
    max_bytes: int = 96 << 20
    recycle_after: int = 25

    def to_json(self) -> str:
        """One line for the process that drives the browser."""
        values = dataclasses.asdict(self)
        values["allowed"] = sorted(self.allowed)
        values["chromium"] = None if self.chromium is None else str(self.chromium)
        return json.dumps(values)

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The inverse of `to_json`."""
        values = json.loads(line)
        values["allowed"] = frozenset((host, port) for host, port in values["allowed"])
        values["chromium"] = None if values["chromium"] is None else Path(values["chromium"])
        return cls(**values)
