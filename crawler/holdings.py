"""What a worker holds: hosts by leave of the database, runs on them, and which fetching process has which."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterable

from crawler.remote import Fetcher
from crawler.wire import Job
from models.hosts import Turn

ASIDE_SECONDS = 60.0
"""How long a host is held that no run is for: where a redirect or a connector led. The fetcher asks anew before."""


@dataclasses.dataclass(slots=True)
class _Host:
    """One held host. `fetcher` alone asks it; `aside_until` (monotonic): so long it is held without runs."""

    turn: Turn
    fetcher: Fetcher | None = None
    jobs: dict[str, Job] = dataclasses.field(default_factory=dict)
    resting: bool = False
    aside_until: float = 0.0


class Holdings:
    """Bookkeeping only; nothing here speaks to anybody."""

    def __init__(self) -> None:
        self._hosts: dict[str, _Host] = {}

    def __contains__(self, host: object) -> bool:
        return host in self._hosts

    @property
    def hosts(self) -> list[str]:
        """Every host that is held."""
        return list(self._hosts)

    @property
    def busy(self) -> int:
        """Hosts with runs."""
        return sum(bool(host.jobs) for host in self._hosts.values())

    def take(self, turns: Iterable[Turn]) -> None:
        """These hosts are held from now on."""
        for turn in turns:
            known = self._hosts.get(turn.host)
            if known is None:
                self._hosts[turn.host] = _Host(turn)
            else:
                known.turn = turn

    def wanted(self, ahead: int, newest: Fetcher | None) -> dict[str, int]:
        """How many more runs each host may be given; none while it rests or moves to the newest fetcher."""
        found = {}
        for name, host in self._hosts.items():
            moving = host.fetcher is not None and host.fetcher is not newest
            limit = 1 if host.turn.probe else ahead
            if not host.resting and not moving and len(host.jobs) < limit:
                found[name] = limit - len(host.jobs)
        return found

    def give(self, job: Job, fetcher: Fetcher) -> Turn:
        """The fetcher walks this run; returns the leave for its host."""
        host = self._hosts[job.host]
        host.fetcher, host.jobs[job.run_id] = fetcher, job
        return host.turn

    def aside(self, turn: Turn, fetcher: Fetcher) -> None:
        """The fetcher may ask this host, for which there need be no run."""
        self.take([turn])
        host = self._hosts[turn.host]
        host.fetcher = host.fetcher or fetcher
        host.aside_until = time.monotonic() + ASIDE_SECONDS

    def belongs_to_another(self, host: str, fetcher: Fetcher) -> bool:
        """Whether another fetching process asks the host."""
        known = self._hosts.get(host)
        return known is not None and known.fetcher not in (None, fetcher)

    def end(self, run_id: str) -> None:
        """The run is over."""
        for host in self._hosts.values():
            if host.jobs.pop(run_id, None) is not None:
                return

    def fetcher_of(self, run_id: str) -> Fetcher | None:
        """Who walks the run."""
        return next((host.fetcher for host in self._hosts.values() if run_id in host.jobs), None)

    def runs_of(self, fetcher: Fetcher | None = None) -> list[str]:
        """The runs that this fetcher (or any) walks."""
        return [run_id for host in self._hosts.values() if fetcher in (None, host.fetcher) for run_id in host.jobs]

    def runs_on(self, host: str) -> list[str]:
        """The runs on this host."""
        return list(self._hosts[host].jobs) if host in self._hosts else []

    def rest(self, host: str, *, resting: bool) -> None:
        """Whether the host may be given runs."""
        if host in self._hosts:
            self._hosts[host].resting = resting

    def proven(self, host: str) -> None:
        """The probe succeeded."""
        if host in self._hosts:
            self._hosts[host].turn = dataclasses.replace(self._hosts[host].turn, probe=False)

    def idle(self) -> list[str]:
        """Hosts that nothing is asked of."""
        now = time.monotonic()
        return [name for name, host in self._hosts.items() if not host.jobs and host.aside_until <= now]

    def let_go(self, hosts: Collection[str]) -> list[str]:
        """Hold these no longer; returns the runs that were on them."""
        gone = [self._hosts.pop(host) for host in list(hosts) if host in self._hosts]
        return [run_id for host in gone for run_id in host.jobs]

    def hosts_of(self, fetcher: Fetcher) -> list[str]:
        """The hosts that this fetcher asks."""
        return [name for name, host in self._hosts.items() if host.fetcher is fetcher]
