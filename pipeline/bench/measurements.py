"""Every measurement there is. A new one is a function here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.bench.capturing import measure_capture
from pipeline.bench.classifying import measure_classifier, measure_cold_start
from pipeline.bench.crawling import measure_crawl
from pipeline.bench.figures import Figure
from pipeline.bench.lag import measure_lag
from pipeline.bench.pages import measure_pages
from pipeline.bench.reporting import measure_report
from pipeline.bench.size import Size
from pipeline.bench.storage import measure_storage

MEASUREMENTS: Mapping[str, Callable[[Size], list[Figure]]] = {
    "classifier": measure_classifier,
    "cold-start": measure_cold_start,
    "crawl": measure_crawl,
    "storage": measure_storage,
    "lag": measure_lag,
    "pages": measure_pages,
    "report": measure_report,
    "capture": measure_capture,
}
