"""What a crawl may cost, whom it may reach and how it introduces itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

PRODUCT = "Netra"
"""The name that robots.txt rules are looked up by."""


@dataclasses.dataclass(frozen=True, slots=True)
class HostLimits:
    """What one host is asked at most: seconds between two requests, and requests in an hour (0: no budget)."""

    delay: float
    per_hour: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class CrawlConfig:
    """Limits and manners of one crawl. Times in seconds, sizes in bytes after decompression.

    `contact` is what a site's operator finds in the User-Agent. `allowed` are the guard's exceptions as
    (host, port). `robots_waived` are hosts whose owner has permitted in writing what their robots.txt forbids.
    A host is asked by one request at a time, at least `delay` apart, unless `hosts` says otherwise for it; a server
    that wants a pause of at most `longest_wait` is waited for, for a longer one the run ends and its host rests.
    `tokens` are the operator's own keys and `caps` the posts a month, by source.

    `lease` is how long a run and a host stay a dead worker's, `linger_seconds` how long an idle one waits for more
    work. A fetching process that is silent for `silence_seconds` is ended; after `process_seconds`, or holding more
    than `process_bytes`, a fresh one takes over.
    """

    contact: str
    allowed: frozenset[tuple[str, int]] = frozenset()
    robots_waived: frozenset[str] = frozenset()
    actor: str = "crawler"
    delay: float = 1.0
    longest_delay: float = 30.0
    longest_wait: float = 60.0
    longest_crawl_delay: float = 120.0
    request_seconds: float = 30.0
    run_seconds: float = 240.0
    total_seconds: float = 540.0
    max_bytes: int = 10 << 20
    max_pages: int = 250
    max_redirects: int = 5
    attempts: int = 3
    retry_delay: float = 2.0
    hosts_at_once: int = 256
    hosts: Mapping[str, HostLimits] = dataclasses.field(default_factory=dict)
    tokens: Mapping[str, str] = dataclasses.field(default_factory=dict)
    caps: Mapping[str, int] = dataclasses.field(default_factory=dict)
    look_back_days: int = 7
    lease: dt.timedelta = dt.timedelta(seconds=60)
    linger_seconds: float = 0.0
    silence_seconds: float = 60.0
    process_seconds: float = 1800.0
    process_bytes: int = 700 << 20

    def limits(self, host: str) -> HostLimits:
        """What this host is asked at most."""
        return self.hosts.get(host) or HostLimits(self.delay)

    @property
    def user_agent(self) -> str:
        """Who asks, and where to complain."""
        contact = "".join(character for character in self.contact if character.isprintable())
        return f"{PRODUCT}/0.1 (election neutrality monitoring; contact: {contact.encode('ascii', 'replace').decode()})"
