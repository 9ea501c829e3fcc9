"""The capture stage: pending flags in, evidence and ready flags out.

For each flag the bytes are made durable first and then named by one transaction, so a kill leaves at most bytes that
nothing names, and the next start takes the same flag again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.metadata
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from crawler.capturing.browser import CaptureBrowser
from crawler.capturing.config import BrowserMissing, CaptureConfig
from crawler.capturing.found_text import FOUND_RATIO
from crawler.capturing.hand import hand_made
from crawler.capturing.job import PAGE_FILE, SCREENSHOT_FILE, Job, Shot
from crawler.capturing.rendering import payload_at, rendering
from models.accounts import require_attribution
from models.base import JsonObject
from models.bodies import read_body
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.database import Database
from models.errors import EvidenceDamaged, NoMandate, NotFound
from models.evidence import EvidenceStore
from models.flags import Flag, FlagState
from models.hand import by_hand
from models.hosts import Host
from models.mandates import Mandate, require_mandate
from models.posts import Post, PostVersion
from models.targets import Fetch, Run, Target, host_of

__all__ = ["BrowserMissing", "CaptureConfig", "capture_pending"]

ACTOR = "stage:capture"
MAX_FILE_BYTES = 128 << 20
RAW_MISSING = "data mentah tidak ditemukan di penyimpanan bukti"
RAW_DAMAGED = "data mentah rusak: isinya tidak cocok dengan hash"
MANDATE_OVER = "mandat tidak berlaku, halaman tidak dibuka"
UNATTRIBUTED = "atribusi akun tidak berlaku, halaman tidak dibuka"
NO_PAGE = "unggahan ini tidak punya halaman publik yang dapat dibuka"


@dataclasses.dataclass(frozen=True, slots=True)
class _Order:
    """All that is known of one flag's post, read in one snapshot. `refusal`: why its page may not be
    opened, if it may not.
    """

    flag_id: str
    attempts: int
    post: Post
    version: PostVersion
    fetch: Fetch
    source: str
    refusal: str

    @property
    def page_url(self) -> str | None:
        """The page to open; None for imports, for posts without one, and when nothing may be collected any more."""
        if self.refusal or not self.fetch.url.startswith(("http://", "https://")):
            return None
        return self.post.url


def capture_pending(
    database: Database, evidence: EvidenceStore, config: CaptureConfig, *, limit: int | None = None
) -> int:
    """Capture the pending flags that are due, oldest first, at most `limit`; how many captures were kept.

    A flag that somebody else moved or tried meanwhile is skipped. Nothing is opened outside its mandate.

    Raises:
        BrowserMissing: no browser can be started; the flags stay pending.
        StorageError: the evidence cannot be kept; the flag stays pending.
    """
    kept = 0
    with CaptureBrowser(config) as browser:
        for order in _orders(database, limit):
            with tempfile.TemporaryDirectory(prefix="netra-capture-") as directory:
                kept += _keep(database, order, _captured(browser, database, evidence, order, directory))
    return kept


def _orders(database: Database, limit: int | None) -> Iterator[_Order]:
    """Due flags, one snapshot each: a capture takes seconds, and its flag must be read just before."""
    with database.read() as session:
        due = list(session.scalars(_due(utc_now()).limit(limit)))
    for flag_id in due:
        with database.read() as session:
            order = _order(session, flag_id)
        if order is not None:
            yield order


def _due(now: dt.datetime) -> Select[str]:
    waited = or_(Flag.capture_after.is_(None), Flag.capture_after <= now)
    return select(Flag.id).where(Flag.state == FlagState.PENDING, waited).order_by(Flag.raised_at, Flag.id)


def _order(session: Session, flag_id: str) -> _Order | None:
    row = session.execute(
        select(Flag, Post, PostVersion, Fetch, Target.source)
        .join(Post, Post.id == Flag.post_id)
        .join(PostVersion, PostVersion.id == Flag.post_version_id)
        .join(Fetch, Fetch.id == PostVersion.fetch_id)
        .join(Run, Run.id == Fetch.run_id)
        .join(Target, Target.id == Run.target_id)
        .where(Flag.id == flag_id, Flag.state == FlagState.PENDING)
    ).one_or_none()
    if row is None:
        return None
    flag, post, version, fetch, source = row
    refusal = _refusal(session, flag, post)
    order = _Order(flag.id, flag.capture_attempts, post, version, fetch, source, refusal)
    return None if _rests(session, order.page_url) else order


def _refusal(session: Session, flag: Flag, post: Post) -> str:
    """Why nothing of this account may be collected now; empty when it may."""
    try:
        require_mandate(session.get(Mandate, flag.mandate_id), utc_now())
    except NoMandate:
        return MANDATE_OVER
    try:
        if post.account_id is not None:
            require_attribution(session, post.account_id)
    except NoMandate:
        return UNATTRIBUTED
    return ""


def _rests(session: Session, url: str | None) -> bool:
    """Whether the page's host wants to be left alone; its flags wait without losing an attempt."""
    host = None if url is None else session.get(Host, host_of(url))
    return host is not None and host.rests(utc_now())


def _captured(
    browser: CaptureBrowser, database: Database, evidence: EvidenceStore, order: _Order, directory: str
) -> Capture:
    """The capture, its bytes durable already. What a person captured is taken as they did."""
    typed = by_hand(order.version.attachments)
    if typed is not None:
        made = hand_made(evidence, typed)
        return _capture(order, made.shot, made.screenshot_sha256, made.page_sha256, text_found=made.text_found,
                        url=order.post.url, tools={"netra": importlib.metadata.version("netra")})  # fmt: skip
    shot, job = _photograph(browser, database, evidence, order, directory)
    return _capture(
        order,
        shot,
        _stored(evidence, job, SCREENSHOT_FILE),
        _stored(evidence, job, PAGE_FILE),
        text_found=shot.quality is CaptureQuality.PAGE,
        url=order.page_url,
        tools=_tools(browser),
    )


def _photograph(
    browser: CaptureBrowser, database: Database, evidence: EvidenceStore, order: _Order, directory: str
) -> tuple[Shot, Job | None]:
    if order.page_url is not None:
        job = Job(order.page_url, order.version.text, directory)
        return browser.capture(job), job
    try:
        with database.read() as session:
            raw = read_body(session, evidence, order.fetch.body_sha256)
    except NotFound:
        return Shot(CaptureQuality.BROKEN, RAW_MISSING), None
    except EvidenceDamaged:
        return Shot(CaptureQuality.BROKEN, RAW_DAMAGED), None
    html = rendering(order.version.text, _facts(order), payload_at(raw, order.version.locator))
    job = Job("", order.version.text, directory, html=html)
    shot = browser.capture(job)
    reason = shot.reason or order.refusal or NO_PAGE
    return dataclasses.replace(shot, reason=reason), job


def _facts(order: _Order) -> dict[str, str]:
    post, version, fetch = order.post, order.version, order.fetch
    return {
        "Sumber": order.source,
        "Penulis": post.author,
        "Alamat unggahan": post.url or "–",
        "Diunggah": _moment(post.posted_at),
        "Versi teks": f"{version.number} (terlihat {_moment(version.seen_at)})",
        "Berkas asal": fetch.url,
        "Diambil": _moment(fetch.fetched_at),
        "Tempat di berkas": version.locator,
        "SHA-256 berkas": fetch.body_sha256,
    }


def _moment(moment: dt.datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _capture(
    order: _Order,
    shot: Shot,
    screenshot_sha256: str | None,
    page_sha256: str | None,
    *,
    text_found: bool,
    url: str | None,
    tools: JsonObject,
) -> Capture:
    return Capture(
        flag_id=order.flag_id,
        quality=shot.quality,
        reason=shot.reason,
        url=url,
        final_url=shot.final_url,
        captured_at=utc_now(),
        screenshot_sha256=screenshot_sha256,
        page_sha256=page_sha256,
        text_found=text_found,
        details={**shot.details, "text_ratio": round(shot.text_ratio, 4), "text_ratio_needed": FOUND_RATIO,
                 "tools": tools},
    )  # fmt: skip


def _keep(database: Database, order: _Order, capture: Capture) -> bool:
    """Name the bytes in a row; False when the flag is no longer as it was read."""
    with database.write() as session:
        flag = session.get_one(Flag, order.flag_id, with_for_update=True)
        if flag.state is not FlagState.PENDING or flag.capture_attempts != order.attempts:
            return False
        attach_capture(session, flag, capture, actor=ACTOR)
    return True


def _stored(evidence: EvidenceStore, job: Job | None, name: str) -> str | None:
    if job is None:
        return None
    path = Path(job.directory) / name
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size <= MAX_FILE_BYTES:
            return evidence.put(path.read_bytes())
    return None


def _tools(browser: CaptureBrowser) -> JsonObject:
    versions: JsonObject = {name: importlib.metadata.version(name) for name in ("netra", "playwright")}
    return {**versions, "chromium": browser.version}
