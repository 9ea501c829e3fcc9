"""The crawl, from open runs to stored posts, against a spider that keeps nothing but JSON lines."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.accounts import Confidence, claim_attribution, save_account, verify_attribution
from models.clock import utc_now
from models.errors import NotFound, StorageError
from models.mandates import Mandate
from models.officers import Officer, officer_named
from models.people import CivilServant
from models.posts import PostVersion
from models.targets import Fetch, Run, Target, add_target, queue_run
from pipeline.application import Application, open_application
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.scratch import ACTOR, scratch
from pipeline.bench.size import Size
from pipeline.bench.timelines import timelines
from pipeline.demo.seed import LOGINS

GOAL = Goal(Aim.AT_LEAST, 0.9)
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, slots=True)
class Crawled:
    """A finished crawl: where its posts are, how many, and the seconds from its first answer to its last commit."""

    app: Application
    posts: int
    seconds: float


def measure_crawl(size: Size) -> list[Figure]:
    """Posts a second of both crawls over the same servers, turn by turn."""
    with timelines(size) as addresses:
        pairs = [(_our_pace(addresses), _bare_pace(addresses)) for _ in range(size.rounds)]
    ours, theirs = zip(*pairs, strict=True)
    posts = size.hosts * size.accounts * size.posts
    note = (
        f"{posts} unggahan, {size.hosts} host, tanpa jeda; dari jawaban pertama sampai akhir, tanpa waktu mulai kedua "
        "proses; disimpan: respons mentah, unggahan, versi, log"
    )
    return [Figure("Crawl", "unggahan/detik", ours, "Scrapy ke JSON Lines", theirs, GOAL, note)]


@contextlib.contextmanager
def crawled(addresses: Sequence[str]) -> Iterator[Crawled]:
    """Crawl the accounts into a fresh installation.

    Raises:
        StorageError: nothing was stored.
    """
    hosts = sorted({urlsplit(address).netloc for address in addresses})
    with scratch(hosts=hosts) as app:
        runs = _open_runs(app, addresses)
        in_child(_crawl, app.settings.home, runs)
        with app.database.read() as session:
            posts = session.scalar(select(func.count()).select_from(PostVersion)) or 0
            first, last = (
                session.scalar(select(func.min(Fetch.fetched_at))),
                session.scalar(select(func.max(Run.ended_at))),
            )
        if not posts or first is None or last is None:
            raise StorageError("the bench's crawl stored no posts")
        yield Crawled(app, posts, (last - first).total_seconds())


def _our_pace(addresses: Sequence[str]) -> float:
    with crawled(addresses) as done:
        return done.posts / done.seconds


def _bare_pace(addresses: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as name:
        out = Path(name) / "posts.jsonl"
        seconds = in_child(_bare, addresses, out)
        with out.open("rb") as lines:
            return sum(1 for _ in lines) / seconds


def _open_runs(app: Application, addresses: Sequence[str]) -> list[str]:
    with app.database.write() as session:
        mandate, person = session.scalars(select(Mandate)).one(), session.scalars(select(CivilServant)).first()
        claimant, verifier = (officer_named(session, login.username) for login in LOGINS[:2])
        if person is None or claimant is None or verifier is None:
            raise NotFound("the invented regency has no people")
        targets = [_target(session, mandate, person, (claimant, verifier), address) for address in addresses]
        runs = [queue_run(session, target, due_at=utc_now(), actor=ACTOR) for target in targets]
        return [run.id for run in runs if run is not None]


def _target(
    session: Session, mandate: Mandate, person: CivilServant, officers: tuple[Officer, Officer], address: str
) -> Target:
    account = save_account(session, source="mastodon", handle=address.partition("//")[2], url=address, actor=ACTOR)
    session.flush()
    attribution = claim_attribution(
        session, account, person, officers[0], evidence="rekaan", confidence=Confidence.OFFICIAL_RECORD
    )
    session.flush()
    verify_attribution(session, attribution, officers[1])
    return add_target(session, mandate, source="mastodon", address=address, account=account, actor=ACTOR)


def in_child(work: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Call `work` in a process of its own: Twisted's reactor starts once in a process."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *arguments, **named).result()


def _crawl(home: Path, run_ids: Sequence[str]) -> None:
    from crawler.crawl import crawl  # noqa: PLC0415 - Scrapy lives in this process only
    from pipeline.parts import crawl_config  # noqa: PLC0415

    with open_application(home) as app:
        crawl(app.database, crawl_config(app.settings), only=run_ids)


def _bare(addresses: Sequence[str], out: Path) -> float:
    from crawler.bench import bare_crawl  # noqa: PLC0415

    return bare_crawl(addresses, out)
