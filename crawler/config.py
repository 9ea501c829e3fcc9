"""What a crawl may cost, whom it may reach and how it introduces itself."""

from __future__ import annotations

import dataclasses

PRODUCT = "Netra"
"""The name that robots.txt rules are looked up by."""


@dataclasses.dataclass(frozen=True, slots=True)
class CrawlConfig:
    """Limits and manners of one crawl. Times in seconds, sizes in bytes after decompression.

    `contact` is what a site's operator finds in the User-Agent. `allowed` are the guard's exceptions as
    (host, port). A host is asked by one request at a time, at least `delay` apart; a server that wants a pause
    of at most `longest_wait` is waited for, after a longer one the run ends and its target is due then.
    """

    contact: str
    allowed: frozenset[tuple[str, int]] = frozenset()
    actor: str = "crawler"
    delay: float = 1.0
    longest_delay: float = 30.0
    longest_wait: float = 60.0
    request_seconds: float = 30.0
    run_seconds: float = 240.0
    total_seconds: float = 540.0
    max_bytes: int = 10 << 20
    max_pages: int = 250
    max_redirects: int = 5
    attempts: int = 3
    retry_delay: float = 2.0
    hosts_at_once: int = 32

    @property
    def user_agent(self) -> str:
        """Who asks, and where to complain."""
        contact = "".join(character for character in self.contact if character.isprintable())
        return f"{PRODUCT}/0.1 (election neutrality monitoring; contact: {contact.encode('ascii', 'replace').decode()})"
