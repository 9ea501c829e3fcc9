"""Photographing pages of the demo's square in a real browser."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from sqlalchemy import select

from models.captures import Capture, CaptureQuality
from pipeline.application import Application
from pipeline.bench.figures import Figure
from pipeline.bench.scratch import flag_all_new, scratch
from pipeline.bench.size import Size
from pipeline.demo.square import HOST, start_square
from pipeline.parts import capture_config
from pipeline.stages import crawl_queued, queue_due


def measure_capture(size: Size) -> list[Figure]:
    """Seconds a page, the browser's start included, over posts of the demo's square."""
    from crawler.capture import capture_pending  # noqa: PLC0415 - the browser's library, only needed here

    values: list[float] = []
    with start_square(HOST, 0) as square, scratch(square=square.url, hosts=[urlsplit(square.url).netloc]) as app:
        queue_due(app)
        crawl_queued(app)
        with app.database.write() as session:
            flag_all_new(session)
        for _ in range(size.rounds):
            began = time.perf_counter()
            kept = capture_pending(app.database, app.evidence, capture_config(app.settings), limit=size.captures)
            if kept:
                values.append((time.perf_counter() - began) / kept)
        note = _note(app)
    return [Figure("Tangkapan halaman", "detik per halaman", tuple(values), note=note)]


def _note(app: Application) -> str:
    with app.database.read() as session:
        made = session.scalars(select(Capture.quality)).all()
    whole, broken = made.count(CaptureQuality.PAGE), made.count(CaptureQuality.BROKEN)
    return f"{whole} dengan teks ditemukan, {broken} rusak (peragaan punya halaman yang memang rusak)"
