"""How late runs start when 100,000 targets are due within an hour, with the clock and the crawler of `netra run`."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution, AttributionState, Confidence
from models.base import insert_into
from models.clock import utc_now
from models.errors import NotFound, StorageError
from models.ids import new_id
from models.mandates import Contest, Mandate
from models.officers import officer_named
from models.people import CivilServant
from models.targets import Run, RunOutcome, Target
from pipeline.application import Application
from pipeline.bench.crowd import Crowd, Manners, crowd
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.scratch import scratch
from pipeline.bench.size import Size
from pipeline.calendar import Rule
from pipeline.demo.seed import LOGINS
from pipeline.supervisor import part_command

LAG_GOAL = Goal(Aim.AT_MOST, 60)
MEMORY_GOAL = Goal(Aim.AT_MOST, 1_000)
INTERVAL = 3600
_BATCH = 5_000
_SAMPLE_SECONDS = 0.5
_PAGE_BYTES = 4096


@dataclasses.dataclass(frozen=True, slots=True)
class _Watched:
    """`lags` in seconds, of every time that came due in the window, sorted; `bytes` at the most."""

    lags: Sequence[float]
    late: int
    waiting: int
    bytes: int
    manners: Manners


def measure_lag(size: Size) -> list[Figure]:
    """Seconds from due to started, and the memory of clock, coordinator and fetcher together. One round."""
    with crowd(size.lag_hosts) as servers:
        hosts = [f"{name}:{port}" for name, port in servers.hosts]
        with scratch(hosts=hosts, delay=size.lag_delay) as app:
            _fill(app, servers, size)
            seen = _watch(app, servers, size)
    cuts = statistics.quantiles(seen.lags, n=100, method="inclusive")
    note = (
        f"{size.lag_targets} sasaran per jam di {size.lag_hosts} host, jeda {size.lag_delay:g} detik, "
        f"{size.lag_targets * size.lag_past} proses lama; {size.lag_seconds:g} detik diukur: p50 {cuts[49]:.1f} detik, "
        f"terlama {seen.lags[-1]:.1f}, {len(seen.lags) / size.lag_seconds:.1f} proses/detik, {seen.waiting} belum "
        f"mulai; jeda terpendek antara dua permintaan ke satu host {seen.manners.shortest_gap:.2f} detik, "
        f"terbanyak bersamaan {seen.manners.most_at_once}"
    )
    return [
        Figure("Keterlambatan jadwal, p99", "detik", (cuts[98],), goal=LAG_GOAL, note=note),
        Figure(
            "Memori penjadwal dan crawler", "MB", (seen.bytes / 1e6,), goal=MEMORY_GOAL, note="puncak, ketiga proses"
        ),
    ]


def _watch(app: Application, servers: Crowd, size: Size) -> _Watched:
    with _Parts(app, ("clock", "crawl")) as parts:
        time.sleep(size.lag_warm_up)
        first = utc_now()
        time.sleep(size.lag_seconds)
        last = utc_now()
        manners = servers.manners()
        with app.database.read() as session:
            lags, waiting = _lags(session, first, last)
        if not parts.alive():
            raise StorageError("a part of the bench's installation died")
    if len(lags) < 2:  # noqa: PLR2004 - a percentile needs two
        raise StorageError("nothing came due while the bench watched")
    return _Watched(sorted(lags), sum(lag > LAG_GOAL.bound for lag in lags), waiting, parts.most, manners)


def _lags(session: Session, first: dt.datetime, last: dt.datetime) -> tuple[list[float], int]:
    """Of every due time in the window; what has not started, or is not even queued, has waited until now at least."""
    now = utc_now()
    runs = session.execute(select(Run.due_at, Run.started_at).where(Run.due_at.between(first, last))).all()
    overdue = session.scalars(select(Target.next_due_at).where(Target.next_due_at.between(first, last))).all()
    waiting = [due for due, started in runs if started is None] + list(overdue)
    lags = [(started - due).total_seconds() for due, started in runs if started is not None]
    return lags + [(now - due).total_seconds() for due in waiting], len(waiting)


def _fill(app: Application, servers: Crowd, size: Size) -> None:
    """Targets due within the hour, spread as the calendar spreads them, and what they left in the hours before."""
    began = utc_now()
    with app.database.write() as session:
        session.execute(update(Target).values(paused=True))
        mandate, contest = session.execute(select(Mandate, Contest).join(Contest)).one()
        person = session.scalars(select(CivilServant)).first()
        claimant, verifier = (officer_named(session, login.username) for login in LOGINS[:2])
        if person is None or claimant is None or verifier is None:
            raise NotFound("the invented regency has no people")
        spec, zone = contest.read_spec(), dt.timezone(dt.timedelta(minutes=mandate.utc_offset_minutes))
        places = itertools.cycle(servers.hosts)
        numbers = iter(range(size.lag_targets))
        while batch := list(itertools.islice(numbers, _BATCH)):
            accounts, attributions, targets = [], [], []
            for number in batch:
                (host, port), account, target = next(places), new_id(), new_id()
                address = f"http://{host}:{port}/@warga_{number}"
                accounts.append(
                    {"id": account, "source": "mastodon", "handle": f"@warga_{number}@{host}", "url": address}
                )
                attributions.append({
                    "id": new_id(), "account_id": account, "civil_servant_id": person.id, "evidence": "rekaan",
                    "confidence": Confidence.OFFICIAL_RECORD, "asserted_by": claimant.id, "asserted_at": began,
                    "verified_by": verifier.id, "verified_at": began, "state": AttributionState.VERIFIED,
                    "distinction": "",
                })  # fmt: skip
                due = Rule(target, zone, spec, INTERVAL).after(began)
                targets.append({
                    "id": target, "mandate_id": mandate.id, "account_id": account, "source": "mastodon",
                    "address": address, "host": host, "interval_seconds": INTERVAL, "next_due_at": due,
                    "paused": False, "watermark": {}, "validators": {},
                })  # fmt: skip
            for table, rows in ((Account, accounts), (Attribution, attributions), (Target, targets)):
                session.execute(insert_into(session, table), rows)
        for hour in range(1, size.lag_past + 1):
            _add_past_runs(session, began - dt.timedelta(hours=hour), f"{hour:010}")


def _add_past_runs(session: Session, due: dt.datetime, prefix: str) -> None:
    """A finished run of every target."""
    moment = literal(due, Run.due_at.type)
    values = {
        "id": literal(prefix).concat(func.substr(Target.id, len(prefix) + 1)),
        "target_id": Target.id, "host": Target.host, "due_at": moment,
        "started_at": moment, "ended_at": moment, "late_reason": literal(""),
        "times": literal(1), "outcome": literal(RunOutcome.UNCHANGED, Run.outcome.type), "reason": literal(""),
        "fetches": literal(1), "posts_seen": literal(0), "posts_new": literal(0), "posts_edited": literal(0),
        "unparsed": literal(0),
    }  # fmt: skip
    rows = select(*values.values()).where(Target.paused.is_(False))
    session.execute(insert(Run).from_select(list(values), rows, include_defaults=False))


class _Parts:
    """Parts of `netra run`, and the most memory that they and all below them held at one moment."""

    def __init__(self, app: Application, names: Sequence[str]) -> None:
        self._commands = [part_command("work", name, "--home", str(app.settings.home)) for name in names]
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self.most = 0

    def __enter__(self) -> Self:
        quiet = subprocess.DEVNULL
        self._processes = [subprocess.Popen(command, stdout=quiet, stderr=quiet) for command in self._commands]  # noqa: S603 - our own
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._sampler.join()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()

    def alive(self) -> bool:
        return all(process.poll() is None for process in self._processes)

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLE_SECONDS):
            self.most = max(self.most, sum(_resident(process.pid) for process in self._processes))


def _resident(pid: int) -> int:
    """Bytes of a process and all below it (proc(5)); shared pages count in each."""
    with contextlib.suppress(OSError, IndexError):
        own = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
        return own + sum(_resident(child) for child in _children(pid))
    return 0


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text(encoding="ascii").split())
