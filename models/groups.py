"""Disjoint sets: what is joined, directly or through others, is one group (Tarjan and van Leeuwen 1984)."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)


class Groups(Generic[Member]):
    """Groups of members, in memory."""

    def __init__(self) -> None:
        self._parents: dict[Member, Member] = {}

    def add(self, member: Member) -> None:
        """Make the member a group of its own, if it is in none."""
        self._parents.setdefault(member, member)

    def join(self, one: Member, other: Member) -> None:
        """Make the groups of both one."""
        self.add(one)
        self.add(other)
        self._parents[self._root(one)] = self._root(other)

    def sets(self) -> list[list[Member]]:
        """Every group, in the order of their first members."""
        found: dict[Member, list[Member]] = {}
        for member in self._parents:
            found.setdefault(self._root(member), []).append(member)
        return list(found.values())

    def _root(self, member: Member) -> Member:
        while (parent := self._parents[member]) != member:
            self._parents[member] = member = self._parents[parent]
        return member
