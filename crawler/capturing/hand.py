"""A person's own screenshot as the capture of the post they typed: such a page opens to nobody who is not signed in."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from crawler.capturing.found_text import FOUND_RATIO
from crawler.capturing.job import Shot
from models.captures import CaptureQuality
from models.evidence import EvidenceStore

PICTURE_MISSING = "gambar layar buatan orang tidak utuh di penyimpanan bukti"
MADE_BY = "gambar layar dibuat {who} pada {when}; teks diketik dari layar"
TEXT_ON_PAGE = "{share:.0%} teks ketikan ditemukan di halaman yang disimpan bersamanya"
NO_PAGE_SAVED = "tanpa halaman simpanan untuk mencocokkan teks"


@dataclasses.dataclass(frozen=True, slots=True)
class HandMade:
    """The shot, and which bytes in the evidence store belong to it."""

    shot: Shot
    screenshot_sha256: str
    page_sha256: str | None
    text_found: bool


def hand_made(evidence: EvidenceStore, typed: Mapping[str, Any]) -> HandMade:
    """The capture that the person made, `typed` being the mark of `models.hand`; broken when its bytes are not whole.

    Raises:
        StorageError: the evidence cannot be read.
    """
    picture, page = str(typed["screenshot_sha256"]), typed.get("page_sha256")
    whole = evidence.verify(picture) and (page is None or evidence.verify(str(page)))
    share = typed.get("text_ratio")
    checked = NO_PAGE_SAVED if share is None else TEXT_ON_PAGE.format(share=share)
    made = MADE_BY.format(who=typed["captured_by"], when=_when(str(typed["captured_at"])))
    shot = Shot(
        CaptureQuality.HAND if whole else CaptureQuality.BROKEN,
        f"{made}; {checked}" if whole else PICTURE_MISSING,
        text_ratio=share or 0.0,
        details={
            "captured_by": typed["captured_by"],
            "captured_at": typed["captured_at"],
            "screenshot_format": typed["screenshot_format"],
            "page_format": "multipart/related",
        },
    )
    return HandMade(shot, picture, page, whole and share is not None and share >= FOUND_RATIO)


def _when(written: str) -> str:
    return f"{dt.datetime.fromisoformat(written):%Y-%m-%d %H:%M %z}"
