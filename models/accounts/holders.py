"""Whose page it is: the history of an account's handles by the platform's own id, as crawls see it.

Handles are renamed, given up and taken by others; the platform's id stays with the account. What is collected counts
against a person, so a page that turns out to be somebody else's stops at once.
"""

from __future__ import annotations

import datetime as dt
import enum

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts.rows import HANDLE_CHARACTERS, LIVE_STATES, Account, AccountHandle, Attribution, AttributionState
from models.accounts.suspensions import suspend_changed_holder
from models.base import Row, lock_row
from models.errors import BadInput
from models.log import record, subject_of

LAST_SEEN_STEP = dt.timedelta(days=1)
"""How exactly the history says until when a handle was seen."""


class HolderNews(enum.StrEnum):
    """What a page that says whose it is told about its account.

    same: what is known. first_seen: the platform id is known from now on. renamed: the same account under another
    handle. taken_over: another account sits under the handle. duplicate: an account that is watched already.
    """

    SAME = "same"
    FIRST_SEEN = "first_seen"
    RENAMED = "renamed"
    TAKEN_OVER = "taken_over"
    DUPLICATE = "duplicate"

    @property
    def stops_run(self) -> bool:
        """Whether nothing of this page may be stored and the run ends as refused."""
        return self in _REASONS

    @property
    def reason(self) -> str:
        """Why the run is refused, for people; empty when it goes on."""
        return _REASONS.get(self, "")


_REASONS = {
    HolderNews.TAKEN_OVER: "akun kini milik pihak lain (id platform berbeda); atribusi ditangguhkan",
    HolderNews.DUPLICATE: "akun ini (id platform yang sama) sudah diatribusikan dengan nama akun lain",
}


def note_holder(
    session: Session, account: Account, platform_id: str, handle: str, at: dt.datetime, run: Row
) -> HolderNews:
    """Compare whose page it is with what is known of the account, and keep what is new.

    Costs one SELECT when nothing has changed (and one UPDATE a day). To be called in the transaction that would store
    the page's posts; with news that `stops_run`, commit it without them.

    Raises:
        BadInput: the page's id or handle is empty or longer than one can be.
    """
    for value in (platform_id, handle):
        if not value.strip() or len(value) > HANDLE_CHARACTERS or not value.isprintable():
            raise BadInput("the page does not say in a usable form whose it is")
    if _is_known(session, account, platform_id, handle, at):
        return HolderNews.SAME
    lock_row(session, account)  # another run of the account may have come first
    if account.external_id is None:
        return _identify(session, account, platform_id, handle, at, run)
    if account.external_id != platform_id:
        return _stop(session, account, platform_id, handle, at, run)
    if _is_known(session, account, platform_id, handle, at):
        return HolderNews.SAME
    return _rename(session, account, handle, at, run)


def handle_history(session: Session, account_id: str) -> list[AccountHandle]:
    """Under which ids and handles the account's page was seen, oldest first."""
    rows = select(AccountHandle).where(AccountHandle.account_id == account_id)
    return list(session.scalars(rows.order_by(AccountHandle.first_seen_at, AccountHandle.id)))


def _is_known(session: Session, account: Account, platform_id: str, handle: str, at: dt.datetime) -> bool:
    """Whether the history's newest period goes on; brings its end up to date."""
    current = _newest_period(session, account)
    if current is None or account.external_id != platform_id or current.platform_id != platform_id:
        return False
    if not _same_handle(current.handle, handle):
        return False
    if at - current.last_seen_at >= LAST_SEEN_STEP:
        current.last_seen_at = at
    return True


def _rename(session: Session, account: Account, handle: str, at: dt.datetime, run: Row) -> HolderNews:
    """The account goes on under another handle, or is back under its own after somebody else had sat there."""
    current = _newest_period(session, account)
    before = account.handle if current is None else current.handle
    _begin_period(session, account, str(account.external_id), handle, at)
    if _same_handle(before, handle):
        record(session, "account.returned", account, actor=subject_of(run), at=at, words={"handle": handle})
        return HolderNews.SAME
    _follow(session, account, handle)
    record(session, "account.renamed", account, actor=subject_of(run), at=at, words={"from": before, "to": handle})
    return HolderNews.RENAMED


def _identify(
    session: Session, account: Account, platform_id: str, handle: str, at: dt.datetime, run: Row
) -> HolderNews:
    """Note the platform id, unless another account row has it and is in use."""
    other = session.scalar(
        select(Account).where(Account.source == account.source, Account.external_id == platform_id).with_for_update()
    )
    if other is not None:
        if _live(session, other) is not None:
            return _refuse_duplicate(session, account, other, at, run)
        other.external_id = None
        session.flush()
        record(session, "account.merged", other, actor=subject_of(run), at=at, into=account.id)
    account.external_id = platform_id
    _begin_period(session, account, platform_id, handle, at)
    record(session, "account.identified", account, actor=subject_of(run), at=at,
           words={"platform_id": platform_id, "handle": handle})  # fmt: skip
    return HolderNews.FIRST_SEEN


def _refuse_duplicate(session: Session, account: Account, other: Account, at: dt.datetime, run: Row) -> HolderNews:
    """One account is not two people's: if it was attributed to two, neither stands until people have looked."""
    claims = [_live(session, row) for row in (account, other)]
    if len({claim.civil_servant_id for claim in claims if claim is not None}) > 1:
        for claim, known_as in zip(claims, (other, account), strict=True):
            if claim is not None and claim.state is AttributionState.VERIFIED:
                reason = f"akun yang sama (id platform sama) diatribusikan kepada orang lain sebagai {known_as.handle}"
                suspend_changed_holder(session, claim, reason=reason, actor=subject_of(run), at=at)
    return HolderNews.DUPLICATE


def _stop(session: Session, account: Account, platform_id: str, handle: str, at: dt.datetime, run: Row) -> HolderNews:
    """Another account sits under the handle: what it says is not the person's."""
    newest = _newest_period(session, account)
    if newest is None or newest.platform_id != platform_id:
        _begin_period(session, account, platform_id, handle, at)
        record(session, "account.taken_over", account, actor=subject_of(run), at=at,
               words={"platform_id": platform_id, "before": str(account.external_id), "handle": handle})  # fmt: skip
    claim = _live(session, account)
    if claim is not None and claim.state is AttributionState.VERIFIED:
        reason = f"halaman {account.handle} kini milik akun lain: id platform {platform_id}, dulu {account.external_id}"
        suspend_changed_holder(session, claim, reason=reason, actor=subject_of(run), at=at)
    return HolderNews.TAKEN_OVER


def _follow(session: Session, account: Account, handle: str) -> None:
    """Call the account by its new handle, in the way people wrote the old one, unless another row has that name."""
    wanted = f"@{handle}" if account.handle.startswith("@") and not handle.startswith("@") else handle
    taken = select(Account.id).where(Account.source == account.source, Account.handle == wanted)
    if session.scalar(taken) is None:
        account.handle = wanted


def _begin_period(session: Session, account: Account, platform_id: str, handle: str, at: dt.datetime) -> None:
    session.add(
        AccountHandle(account_id=account.id, platform_id=platform_id, handle=handle, first_seen_at=at, last_seen_at=at)
    )


def _newest_period(session: Session, account: Account) -> AccountHandle | None:
    rows = select(AccountHandle).where(AccountHandle.account_id == account.id)
    return session.scalar(rows.order_by(AccountHandle.first_seen_at.desc(), AccountHandle.id.desc()).limit(1))


def _same_handle(one: str, other: str) -> bool:
    """Platforms tell handles apart without case."""
    return one.casefold() == other.casefold()


def _live(session: Session, account: Account) -> Attribution | None:
    rows = select(Attribution).where(Attribution.account_id == account.id, Attribution.state.in_(LIVE_STATES))
    return session.scalar(rows)
