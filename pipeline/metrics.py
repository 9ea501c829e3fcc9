"""`/metrics`: the same state in the exposition format of Prometheus, with nobody's name in it.

A host's name may be a person's own site, so only hosts that carry several targets are named, the worst fifty of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from models.clock import utc_now
from models.health.concerns import KINDS, concerns
from models.health.looking import Health, look, shared_hosts
from models.hosts import Breaker
from pipeline.application import Application
from review_ui.config import is_loopback

LEAST_TARGETS = 5
HOSTS = 50
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers by which a proxy on this machine says that somebody else asks."""


class _Figures(Collector):
    """One look, as metric families."""

    def __init__(self, health: Health, named: Iterable[str]) -> None:
        self._health = health
        self._named = frozenset(named)

    def collect(self) -> Iterator[Metric]:
        """Every family (`prometheus_client.registry.Collector`)."""
        yield from _crawling(self._health)
        yield from _sources(self._health)
        yield from _hosts(self._health, self._named)
        yield from _keeping(self._health)


def exposition(app: Application) -> bytes:
    """The metrics as they are now.

    Raises:
        StorageError: database or disk cannot be read.
    """
    now = utc_now()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with app.database.read() as session:
        health = look(session, app.evidence.root, now=now, midnight=midnight)
        named = shared_hosts(session, [host.name for host in health.hosts], LEAST_TARGETS)
    registry = CollectorRegistry()
    registry.register(_Figures(health, named))
    return generate_latest(registry)


def metrics_page(app: Application) -> Callable[[Request], Awaitable[Response]]:
    """The page, for whoever shows the token; without one set, for this machine itself."""
    token = app.settings.web.metrics_token

    async def show(request: Request) -> Response:
        if not _may_read(request, token):
            return PlainTextResponse("Not for you.\n", 403)
        content = await run_in_threadpool(exposition, app)
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return show


def _may_read(request: Request, token: str) -> bool:
    if token:
        shown = request.headers.get("authorization", "")
        return secrets.compare_digest(shown.encode(), f"Bearer {token}".encode())
    local = request.client is not None and is_loopback(request.client.host) and is_loopback(request.url.hostname or "")
    return local and not any(name in request.headers for name in FORWARDED)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"netra_{name}", text, value=value)


def _labelled(name: str, text: str, labels: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(f"netra_{name}", text, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _crawling(health: Health) -> Iterator[Metric]:
    found = concerns(health)
    counted = 0.0 if health.counted_at is None else health.counted_at.timestamp()
    oldest = max(((health.at - wait.since).total_seconds() for wait in health.waits), default=0.0)
    yield _gauge("counted_timestamp_seconds", "When runs were last counted (Unix time).", counted)
    yield _labelled(
        "concerns", "Things that need a person, by kind.", ("kind",),
        [((kind,), sum(concern.kind == kind for concern in found)) for kind in KINDS],
    )  # fmt: skip
    yield _labelled(
        "targets", "Active targets by source and how their newest run ended.", ("source", "outcome"),
        [((source, outcome), number) for source, counts in health.states.items() for outcome, number in counts.items()],
    )  # fmt: skip
    yield _gauge("targets_paused", "Targets that are paused.", health.paused)
    yield _gauge("targets_overdue", "Targets past their time that were not queued.", health.overdue)
    yield _gauge("runs_queued", "Runs that wait.", health.queued)
    yield _gauge("runs_running", "Runs under way.", health.running)
    yield _gauge("queue_oldest_wait_seconds", "How long the oldest queued run waits.", oldest)
    yield _labelled(
        "due_times_last_day", "Due times of the last 24 hours by how they ended.", ("outcome",),
        [((outcome,), number) for outcome, number in health.day.outcomes.items()],
    )  # fmt: skip
    yield _gauge("late_runs_last_day", "Runs of the last 24 hours that began late.", sum(health.day.late.values()))


def _sources(health: Health) -> Iterator[Metric]:
    yield _labelled(
        "posts_new_last_day", "New posts of the last 24 hours.", ("source",),
        [((one.source,), sum(one.now)) for one in health.activity],
    )  # fmt: skip
    yield _labelled(
        "posts_new_week_ago", "New posts of the same 24 hours a week ago.", ("source",),
        [((one.source,), sum(one.before)) for one in health.activity if one.before is not None],
    )  # fmt: skip
    yield _labelled(
        "items_understood_last_day", "Items that parsers understood.", ("source",),
        [((one.source,), one.seen) for one in health.readings],
    )  # fmt: skip
    yield _labelled(
        "items_unparsed_last_day", "Items that parsers did not understand.", ("source",),
        [((one.source,), one.unparsed) for one in health.readings],
    )  # fmt: skip
    yield _labelled(
        "observations_last_day", "What became of known posts.", ("sight",),
        [((sight,), number) for sight, number in health.sights.items()],
    )  # fmt: skip


def _hosts(health: Health, named: frozenset[str]) -> Iterator[Metric]:
    hosts = [host for host in health.hosts if host.name in named][:HOSTS]
    resting = [host for host in health.hosts if host.rests(health.at)]
    broken = [host for host in health.hosts if host.breaker(health.at) is not Breaker.CLOSED]
    yield _gauge("hosts_resting", "Hosts that nobody asks now, fifty at most.", len(resting))
    yield _gauge("hosts_broken", "Hosts whose circuit breaker is not closed, fifty at most.", len(broken))
    yield _labelled(
        "host_rest_seconds", "How much longer a host rests.", ("host",),
        [((host.name,), (host.rest_until - health.at).total_seconds())
         for host in hosts if host.rest_until is not None and host.rests(health.at)],
    )  # fmt: skip
    yield _labelled(
        "host_requests_hour", "Requests to a host in its running hour.", ("host",),
        [((host.name,), host.spent(health.at)) for host in hosts],
    )  # fmt: skip


def _keeping(health: Health) -> Iterator[Metric]:
    yield _gauge("posts_unassessed", "Posts that wait to be scored, ten thousand at most.", health.unassessed.rows)
    yield _gauge("flags_uncaptured", "Flags that wait for a capture.", health.uncaptured.rows)
    yield _gauge("database_bytes", "Size of the database.", health.storage.database_bytes)
    yield _gauge("disk_free_bytes", "What is free where the evidence lies.", health.storage.free_bytes)
    if health.storage.days:
        yield _gauge("evidence_bytes", "Size of the evidence directory.", health.storage.days[-1].evidence_bytes)
    parts = sorted({part for part, _ in health.deaths})
    yield _labelled(
        "part_deaths_last_day", "How often parts of the program died.", ("part",),
        [((part,), sum(name == part for name, _ in health.deaths)) for part in parts],
    )  # fmt: skip
