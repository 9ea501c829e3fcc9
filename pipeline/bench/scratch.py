"""Installations that live as long as one measurement: a fresh home with the demo's invented regency in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from models.accounts import Attribution, AttributionState
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.errors import NoMandate
from models.flags import Flag
from models.posts import ParsedPost, Post, PostVersion, Sighting, SightingState, store_posts
from models.targets import Fetch, Run, RunOutcome, Target, end_run, start_run
from pipeline.application import Application, open_application
from pipeline.commands.setup import prepare_home
from pipeline.demo.seed import seed
from pipeline.settings import SETTINGS_FILE
from review_ui.passwords import hash_password

ACTOR = "netra bench"
NOWHERE = "http://127.0.0.1:9"
"""Where nothing listens (the discard port), for measurements that fetch nothing."""

_PICTURE = (1280, 1600)
_FLAGS_A_TRANSACTION = 500


@contextlib.contextmanager
def scratch(
    *, square: str = NOWHERE, hosts: Sequence[str] = (), delay: float = 0.0, port: int = 8000
) -> Iterator[Application]:
    """A seeded installation whose accounts are at `square`; `hosts` (host:port) may be asked, `delay` seconds apart."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        home = Path(name)
        settings = (
            f"[web]\nport = {port}\n[crawl]\nallowed_hosts = {json.dumps(list(hosts))}\ndelay_seconds = {delay}\n"
        )
        (home / SETTINGS_FILE).write_text(settings, encoding="utf-8")
        prepare_home(home)
        with open_application(home) as app:
            seed(app.database, app.vault, square_url=square, hash_password=hash_password)
            yield app


def raise_flags(app: Application, texts: Sequence[str]) -> list[str]:
    """One flag for each text, captured and waiting for reviewers; returns their ids."""
    picture = app.evidence.put(blank_picture(*_PICTURE))
    return [
        flag_id
        for start in range(0, len(texts), _FLAGS_A_TRANSACTION)
        for flag_id in _raise_batch(app, texts[start : start + _FLAGS_A_TRANSACTION], start, picture)
    ]


def _raise_batch(app: Application, texts: Sequence[str], first: int, picture: str) -> list[str]:
    body = json.dumps(list(texts)).encode()
    digest = app.evidence.put(body)
    with app.database.write() as session:
        run = _run_of_somebody_verified(session)
        fetch = Fetch(
            run_id=run.id,
            url=NOWHERE,
            status=200,
            headers={},
            fetched_at=utc_now(),
            body_sha256=digest,
            media_type="application/json",
        )
        session.add(fetch)
        session.flush()
        posts = [_post(first + place, place, text) for place, text in enumerate(texts)]
        store_posts(session, run, fetch, posts, actor=ACTOR)
        end_run(session, run, RunOutcome.DONE, actor=ACTOR)
        flags = flag_all_new(session)
        for flag in flags:
            attach_capture(session, flag, _capture(flag, picture), actor=ACTOR)
        return [flag.id for flag in flags]


def _run_of_somebody_verified(session: Session) -> Run:
    """A run of a target that may be crawled.

    Raises:
        NoMandate: the seeded regency has none.
    """
    verified = select(Attribution.account_id).where(Attribution.state == AttributionState.VERIFIED)
    target = session.scalars(select(Target).where(Target.account_id.in_(verified)).order_by(Target.id)).first()
    run = None if target is None else start_run(session, target, due_at=utc_now(), actor=ACTOR)
    if run is None or run.outcome is not RunOutcome.RUNNING:
        raise NoMandate("no target of the invented regency may be crawled")
    return run


def _post(number: int, place: int, text: str) -> ParsedPost:
    url = f"{NOWHERE}/unggahan/{number}"
    return ParsedPost(url, text, url, utc_now() - dt.timedelta(minutes=number), f"/{place}", "bench")


def flag_all_new(session: Session) -> list[Flag]:
    """A pending flag on every post that no model has read, as if one had found each of them partisan."""
    rows = session.execute(
        select(Sighting, PostVersion)
        .join(Post, Post.id == Sighting.post_id)
        .join(PostVersion, and_(PostVersion.post_id == Post.id, PostVersion.number == Post.versions))
        .where(Sighting.state == SightingState.NEW)
        .order_by(PostVersion.id)
    ).all()
    model = ModelIdentity("netra-bench", "1", "0" * 64, 0.5)
    found = [(sighting, version, _finding(place, version.text)) for place, (sighting, version) in enumerate(rows)]
    return store_assessments(session, found, model, actor=ACTOR)


def _finding(place: int, text: str) -> Finding:
    targets = [{"name": "Pasangan nomor urut 1", "stance": "favor"}]
    score = 0.5 + (place * 37 % 500) / 1000
    return Finding(score, flagged=True, act=Act.SUPPORT, voice=Voice.OWN, targets=targets, masked=text, spans=[])


def _capture(flag: Flag, picture: str) -> Capture:
    return Capture(
        flag_id=flag.id,
        quality=CaptureQuality.PAGE,
        reason="",
        url=NOWHERE,
        final_url=NOWHERE,
        captured_at=utc_now(),
        screenshot_sha256=picture,
        page_sha256=None,
        text_found=True,
    )


def blank_picture(width: int, height: int) -> bytes:
    """A PNG of grey lines (ISO/IEC 15948: eight-bit grey, no filter)."""
    lines = b"".join(b"\x00" + bytes([160 + line % 90]) * width for line in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
