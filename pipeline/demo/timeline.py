"""The square's memory: accounts and statuses with their ids and times, and Mastodon's rules for paging them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable, Sequence

from pipeline.demo.world import AccountSpec, EditSpec, ImageSpec, PostSpec, Quirk, World

ID_MOMENT = dt.datetime(2026, 10, 20, 5, 0, tzinfo=dt.UTC)
"""Ids are counted back from here, so that a restarted square serves the same posts under the same ids."""

_SEQUENCE_BITS = 16


@dataclasses.dataclass(frozen=True)
class Account:
    """One account of the square."""

    id: int
    spec: AccountSpec
    joined: dt.datetime

    @property
    def handle(self) -> str:
        """The local name, without `@`."""
        return self.spec.handle


@dataclasses.dataclass(frozen=True)
class Status:
    """One post as it stands on the square. Equal to another when it has the same id."""

    id: int
    account: Account = dataclasses.field(compare=False)
    spec: PostSpec = dataclasses.field(compare=False)
    created_at: dt.datetime = dataclasses.field(compare=False)
    started: dt.datetime = dataclasses.field(compare=False)

    @property
    def text(self) -> str:
        """What the author wrote."""
        return self.spec.text

    @property
    def image(self) -> ImageSpec | None:
        """The picture beside the text, if any."""
        return self.spec.image

    @property
    def edit(self) -> EditSpec | None:
        """The earlier text, if it was edited."""
        return self.spec.edited

    @property
    def edited_at(self) -> dt.datetime | None:
        """When the text took its present form."""
        return None if self.edit is None else self.started - self.edit.ago

    def rewritten(self) -> Status:
        """The post after its author thought better of it."""
        change = EditSpec.model_construct(ago=dt.timedelta(), was=self.text)
        return dataclasses.replace(self, spec=self.spec.model_copy(update={"text": self.spec.shown, "edited": change}))


class Square:
    """What the square holds at the moment `started`."""

    def __init__(self, world: World, started: dt.datetime) -> None:
        self.world = world
        self.started = started
        self.accounts = {
            spec.handle: Account(
                _snowflake(dt.timedelta(days=400, hours=-7 * index), index), spec, _joined(started, index)
            )
            for index, spec in enumerate(world.accounts)
        }
        numbers = itertools.count()
        statuses = [
            Status(_snowflake(post.ago, next(numbers)), account, post, started - post.ago, started)
            for account in self.accounts.values()
            for post in account.spec.posts
        ]
        self._statuses = {status.id: status for status in sorted(statuses, key=lambda status: -status.id)}
        self._keys = {status.spec.key: status for status in statuses if status.spec.key}
        self._served: set[int] = set()

    def account_with_id(self, account_id: int) -> Account | None:
        """The account of this id."""
        return next((account for account in self.accounts.values() if account.id == account_id), None)

    def status(self, status_id: int) -> Status | None:
        """The post of this id as it stands now; None when there is none or its author has deleted it."""
        status = self._statuses.get(status_id)
        return None if status is None else _in_the_end(status)

    def named(self, key: str) -> Status:
        """The post that `reblog` or `reply_to` means."""
        return self._keys[key]

    def public(self) -> list[Status]:
        """Everything a visitor sees, newest first."""
        return [found for status in self._statuses.values() if (found := _in_the_end(status)) is not None]

    def by(self, account: Account) -> list[Status]:
        """What a visitor sees of one account, newest first."""
        return [status for status in self.public() if status.account == account]

    def replies_to(self, status: Status) -> list[Status]:
        """The answers below a post, oldest first."""
        key = status.spec.key
        return [other for other in reversed(self.public()) if key and other.spec.reply_to == key]

    def listed(self, account: Account) -> list[Status]:
        """What the API lists of one account now, newest first.

        Posts that are deleted or rewritten later stand here unharmed until they have been served once.
        """
        own = [status for status in self._statuses.values() if status.account == account]
        now = [_in_the_end(status) if status.id in self._served else status for status in own]
        return [status for status in now if status is not None]

    def served(self, statuses: Iterable[Status]) -> None:
        """Note that the API listed these: their authors now have second thoughts."""
        self._served.update(status.id for status in statuses)


def _in_the_end(status: Status) -> Status | None:
    if status.spec.quirk is Quirk.GONE:
        return None
    return status.rewritten() if status.spec.quirk is Quirk.REWRITTEN else status


def page(
    statuses: Sequence[Status],
    *,
    limit: int,
    max_id: int | None = None,
    since_id: int | None = None,
    min_id: int | None = None,
) -> list[Status]:
    """One page, newest first, by Mastodon's rules: `min_id` takes those just above it, `since_id` the newest above it.

    `statuses` come newest first.
    """
    floor = max((bound for bound in (since_id, min_id) if bound is not None), default=-1)
    wanted = [status for status in statuses if floor < status.id and (max_id is None or status.id < max_id)]
    return wanted[-limit:] if min_id is not None else wanted[:limit]


def _snowflake(age: dt.timedelta, sequence: int) -> int:
    """Mastodon's ids: milliseconds since 1970, then sixteen bits that keep equal moments apart."""
    return (int((ID_MOMENT - age).timestamp() * 1000) << _SEQUENCE_BITS) + sequence


def _joined(started: dt.datetime, index: int) -> dt.datetime:
    return started.replace(hour=0, minute=0, second=0, microsecond=0) - dt.timedelta(days=300 + 37 * index)
