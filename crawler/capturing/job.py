"""What the stage asks of the browser's process, and what comes back: one JSON line each, bytes in files."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Self

from models.captures import CaptureQuality

SCREENSHOT_FILE = "screenshot.png"
PAGE_FILE = "page"

# What a reviewer reads. Details for operators (English) are in `Capture.details`.
TEXT_MISSING = "teks unggahan tidak ditemukan di halaman"
PAGE_GONE = "halaman tidak ada (status {status})"
PAGE_ERROR = "situs menjawab dengan galat (status {status})"
PAGE_LOGIN = "halaman meminta login"
PAGE_EMPTY = "halaman kosong"
PAGE_UNOPENED = "halaman tidak dapat dibuka"
PAGE_TOO_LARGE = "halaman terlalu besar"
SITE_SILENT = "situs tidak dapat dihubungi"
CERTIFICATE_BAD = "sertifikat situs tidak sah"
ADDRESS_REFUSED = "alamat ditolak: bukan alamat publik"
TIME_OVER = "waktu habis sebelum halaman selesai dibuka"
BROWSER_DIED = "browser mati saat membuka halaman"
NO_SCREENSHOT = "gambar layar tidak dapat dibuat"


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """Photograph `url`, on which `text` should stand; or, when `html` is given, our own rendering."""

    url: str
    text: str
    directory: str
    html: str | None = None

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The inverse of `to_json`."""
        return cls(**json.loads(line))


@dataclasses.dataclass(frozen=True, slots=True)
class Shot:
    """What the browser saw. The image and the page lie as `SCREENSHOT_FILE` and `PAGE_FILE` in the job's directory,
    if they could be made. `spent`: the browser should not be used again.
    """

    quality: CaptureQuality
    reason: str = ""
    final_url: str | None = None
    text_ratio: float = 0.0
    spent: bool = False
    details: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The inverse of `to_json`."""
        values = json.loads(line)
        return cls(**{**values, "quality": CaptureQuality(values["quality"])})


def broken(reason: str, **details: Any) -> Shot:
    """A shot that went wrong before or outside the page."""
    return Shot(CaptureQuality.BROKEN, reason, spent=True, details=details)
