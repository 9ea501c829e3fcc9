"""What a crawl writes: responses, posts, watermarks and endings, inside transactions that the coordinator opens.

The raw bytes of a response, its posts, the watermark that covers them and the validators that would skip it next time
are written together, so a killed crawl leaves either all of it or nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crawler.source import Holder, KnownPost, Unparsed
from crawler.wire import EditsQuestion, Ended, Ending, Job, Looked, Received, UnlistedQuestion
from models.accounts import Account, note_holder
from models.accounts.rows import HANDLE_CHARACTERS
from models.base import insert_row, storable
from models.bodies import keep_body
from models.claims import give_back
from models.clock import utc_now
from models.observations import Sight, observe, observe_account, unlisted_posts
from models.posts import Post, PostVersion, store_history, store_posts
from models.targets import Fetch, Run, RunOutcome, Target, close_run, refusals

MAX_REASON_CHARACTERS = 500
MAX_PROBLEMS = 20
"""Items not understood that are shown of one response; all of them are counted."""
MAX_RECHECKS = 30
"""Posts asked for by themselves in one run."""

_VALIDATORS = ("etag", "last-modified")
_UNKEPT_HEADERS = frozenset({"set-cookie", "set-cookie2"})
_ACCOUNT_SIGHTS = {RunOutcome.GONE: Sight.ACCOUNT_GONE, RunOutcome.BLOCKED: Sight.BLOCKED}


class Dropped(Exception):
    """The run is not ours to write any more; the message is the reason it ended with."""


class Recorder:
    """Writes under one actor's name what concerns the runs of one worker; of others' runs nothing.

    `look_back`: how far back posts are marked when their account is gone. Every transaction begins with `open`.
    """

    def __init__(self, actor: str, worker: str, look_back: dt.timedelta) -> None:
        self._actor = actor
        self._worker = worker
        self._look_back = look_back
        self._held: dict[str, tuple[Run, Target]] = {}
        self._refused: dict[str, str] = {}

    def open(self, session: Session, run_ids: Collection[str]) -> None:
        """Read the runs that one transaction is about, and why those may not go on that may not."""
        rows = session.execute(select(Run, Target).join(Target, Target.id == Run.target_id).where(Run.id.in_(run_ids)))
        self._held = {run.id: (run, target) for run, target in rows}
        self._refused = refusals(session, [target for _, target in self._held.values()], utc_now())

    def receive(self, session: Session, news: Received) -> None:
        """Keep a response and what was understood of it.

        Raises:
            Dropped: the run may not go on; it has been ended.
        """
        run, target = self._opened(session, news.run_id)
        if news.page is not None:
            self._require_holder(session, run, target, news.page.holder)
        fetch = self._add_fetch(session, run, news)
        if news.page is None:
            return
        if news.history:
            store_history(session, run, fetch, news.page.parsed.posts, actor=self._actor)
            return
        with session.no_autoflush:
            store_posts(session, run, fetch, news.page.parsed.posts, actor=self._actor)
        target.watermark = news.page.watermark
        if news.ask.conditional:
            target.validators = {news.ask.url: _validators(news.response.answer.headers)}

    def look(self, session: Session, news: Looked) -> None:
        """Note what asking for one post by itself showed.

        Raises:
            Dropped: the run may not go on; it has been ended.
        """
        run, target = self._opened(session, news.run_id)
        fetch = None
        if news.response is not None:
            fetch = self._add_fetch(session, run, Received(news.run_id, news.ask, news.response))
        post = session.scalar(
            select(Post).where(Post.source == target.source, Post.external_id == news.external_id).with_for_update()
        )
        if post is None or post.account_id != target.account_id:
            return
        if news.post is not None and fetch is not None and news.post.external_id == news.external_id:
            store_posts(session, run, fetch, [news.post], actor=self._actor)
        else:
            observe(session, run, post, news.sight, fetch=fetch, reason=storable(news.reason)[:MAX_REASON_CHARACTERS],
                    actor=self._actor, at=utc_now())  # fmt: skip
            session.flush()

    def end(self, session: Session, news: Ended) -> None:
        """Close the run, unless somebody has; what ends an account ends the sight of its recent posts."""
        run = session.get_one(Run, news.run_id)
        if not self._is_ours(run):
            return
        if news.returned or news.ending is None:
            give_back(session, run, actor=self._actor)
            return
        self._close(session, run, news.ending)

    def unknown_edits(self, session: Session, question: EditsQuestion) -> set[str]:
        """Which of the posts carry a text that is not stored."""
        target = session.get_one(Target, session.get_one(Run, question.run_id).target_id)
        rows = session.execute(
            select(Post.external_id, PostVersion.text_sha256)
            .join(PostVersion, PostVersion.post_id == Post.id)
            .where(Post.source == target.source, Post.external_id.in_(question.texts))
        )
        return question.texts.keys() - {key for key, digest in rows if question.texts[key] == digest}

    def unlisted(self, session: Session, question: UnlistedQuestion) -> list[KnownPost]:
        """The known posts that the run looked for in vain."""
        run = session.get_one(Run, question.run_id)
        posts = unlisted_posts(session, run, since=question.since, limit=MAX_RECHECKS)
        return [KnownPost(post.external_id, post.url, post.posted_at) for post in posts]

    def _is_ours(self, run: Run) -> bool:
        return run.outcome is RunOutcome.RUNNING and run.worker == self._worker

    def _opened(self, session: Session, run_id: str) -> tuple[Run, Target]:
        """The run, if it is ours and may go on; one whose permission ended meanwhile is ended here, storing nothing."""
        run, target = self._held[run_id]
        if not self._is_ours(run):
            raise Dropped(run.reason)
        self._refuse(session, run, self._refused.get(target.id, ""))
        return run, target

    def _require_holder(self, session: Session, run: Run, target: Target, holder: Holder | None) -> None:
        """End the run when the page turned out to be somebody else's; of it not a byte is kept."""
        if holder is not None and target.account_id is not None:
            account = session.get_one(Account, target.account_id)
            handle = "".join(filter(str.isprintable, holder.handle)).strip()[:HANDLE_CHARACTERS] or account.handle
            self._refuse(session, run, note_holder(session, account, holder.platform_id, handle, utc_now(), run).reason)

    def _refuse(self, session: Session, run: Run, reason: str) -> None:
        if reason:
            self._close(session, run, Ending(RunOutcome.REFUSED, reason))
            raise Dropped(reason)

    def _close(self, session: Session, run: Run, ending: Ending) -> None:
        now, target = utc_now(), session.get_one(Target, run.target_id)
        reason = storable(ending.reason)[:MAX_REASON_CHARACTERS]
        close_run(session, run, ending.outcome, actor=self._actor, reason=reason, at=now)
        if run.looks_back_to is not None and ending.outcome in (RunOutcome.DONE, RunOutcome.UNCHANGED):
            target.looked_back_at = now
        sight = _ACCOUNT_SIGHTS.get(ending.outcome)
        if sight is not None:
            fetch = session.scalar(select(Fetch).where(Fetch.run_id == run.id).order_by(Fetch.id.desc()).limit(1))
            since = run.looks_back_to or now - self._look_back
            observe_account(session, run, sight, since=since, fetch=fetch, reason=reason, actor=self._actor, at=now)

    @staticmethod
    def _add_fetch(session: Session, run: Run, news: Received) -> Fetch:
        answer, strange = news.response.answer, _strange(news)
        headers = {name: value for name, value in answer.headers.items() if name not in _UNKEPT_HEADERS}
        fetch = Fetch(
            run_id=run.id,
            url=storable(answer.url),
            status=news.response.status,
            headers=headers,
            fetched_at=utc_now(),
            body_sha256=keep_body(session, answer.body),
            media_type=answer.headers.get("content-type", "")[:120],
            kind=news.ask.kind[:32],
            unparsed=len(strange),
            problems=[{"locator": item.locator, "reason": item.reason} for item in strange[:MAX_PROBLEMS]],
        )
        insert_row(session, fetch)
        run.fetches += 1
        run.unparsed += len(strange)
        return fetch


def job_of(run: Run, target: Target) -> Job:
    """A claimed run as the fetcher takes it."""
    return Job(
        run_id=run.id,
        source=target.source,
        address=target.address,
        host=target.host,
        watermark=dict(target.watermark),
        validators=dict(target.validators),
        looks_back_to=run.looks_back_to,
    )


def _strange(news: Received) -> list[Unparsed]:
    """What of the response was not understood: some items, or all of it."""
    if news.page is not None:
        return [Unparsed(storable(item.locator), storable(item.reason)) for item in news.page.parsed.unparsed]
    return [Unparsed("", storable(news.problem)[:MAX_REASON_CHARACTERS])] if news.problem else []


def _validators(headers: Mapping[str, Any]) -> dict[str, Any]:
    """What the next request may be made conditional with (RFC 9110 §8.8)."""
    return {name: headers[name] for name in _VALIDATORS if headers.get(name)}
