"""How much a measurement does."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """The defaults are those of `netra bench`: minutes on two cores. Tests take less.

    `rounds` of every measurement; `mixed` and `political` posts scored in a round; `hosts` with `accounts` of
    `posts` crawled in a round; `flags` in the queue and `views` of each page in a round; `captures` in a round.
    `lag_targets` due within an hour on `lag_hosts`, asked `lag_delay` seconds apart, each with `lag_past` runs behind
    it, watched for `lag_seconds` after `lag_warm_up`.
    """

    rounds: int = 3
    mixed: int = 160
    political: int = 80
    hosts: int = 4
    accounts: int = 4
    posts: int = 720
    flags: int = 5_000
    views: int = 20
    captures: int = 5
    lag_targets: int = 100_000
    lag_hosts: int = 500
    lag_delay: float = 1.0
    lag_past: int = 10
    lag_warm_up: float = 60.0
    lag_seconds: float = 300.0
