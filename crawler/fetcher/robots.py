"""robots.txt files (RFC 9309) into rules, also those that were written to wear a reader out."""

from __future__ import annotations

import re

from protego import Protego

from crawler.config import PRODUCT

MAX_ROBOTS_BYTES = 512 << 10
"""RFC 9309 §2.5: parse at least 500 KiB, ignore the rest."""

_AGENT = re.compile(r"\s*user[- ]?agent\s*[:\s]\s*([^#]*)", re.IGNORECASE)
_SOMEBODY_ELSE = "User-agent: somebody-else"


def parse_robots(body: bytes) -> Protego:
    """The rules in the bytes of a robots.txt. Never raises; costs time and memory in proportion to its length."""
    text = body[:MAX_ROBOTS_BYTES].decode("utf-8", "replace")
    return Protego.parse("\n".join(map(_nameless, text.splitlines())))


def _nameless(line: str) -> str:
    """The line, with one name for all agents but us.

    Protego copies every rule to every agent of its group: a file half agents, half rules would take gigabytes.
    """
    agent = _AGENT.match(line)
    if agent is None:
        return line
    name = agent[1].strip().lower()
    return line if name == "*" or PRODUCT.lower().startswith(name.replace("*", "")) else _SOMEBODY_ELSE
