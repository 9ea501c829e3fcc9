"""Take out of a masked text whatever could still say who wrote it or whom it names beside the candidates.

What is known of the author (names, handle, unit) is looked for as such; the rest goes by its form. Slots stay.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import Account, Attribution
from models.people import CivilServant, open_person
from models.vault import Vault

LEAST_NAME_LETTERS = 3
"""Shorter parts of a name are initials and particles, which stand in every text."""

_FORMS = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), "SUREL"),
    (re.compile(r"@\w[\w.]*(?:@[\w.-]+)?"), "AKUN"),
    (re.compile(r"https?://\S+|\b[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/\S*", re.IGNORECASE), "URL"),
    (re.compile(r"\+?\d(?:[ .\-()]{0,2}\d){8,}"), "ANGKA"),
)
"""Addresses, handles, links, and runs of nine digits or more (telephone, NIP, NIK, accounts)."""

_WORD = re.compile(r"[^\W_]+")


def without_traces(masked: str, names: Collection[str] = ()) -> str:
    """`masked` with addresses, handles, links, long numbers and these names replaced by words in capitals.

    Names match whole words, whatever their case and what stands between their words. Doing it twice changes nothing.
    """
    for form, word in _FORMS:
        masked = form.sub(word, masked)
    if not names:
        return masked
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    joined = "|".join(r"[\W_]+".join(map(re.escape, name.split())) for name in longest_first)
    return re.sub(rf"(?<!\w)(?:{joined})(?!\w)", "NAMA", masked, flags=re.IGNORECASE)


def names_behind(session: Session, vault: Vault, account_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """What each account's holder could be called in a text: handle, shown name, name and unit of the attributed person.

    Two statements, whatever the number of accounts. An attribution that was rejected counts as well.

    Raises:
        StorageError: the key file is not the one the people were sealed with.
    """
    found: dict[str, set[str]] = {account_id: set() for account_id in account_ids}
    for account in session.scalars(select(Account).where(Account.id.in_(account_ids))):
        found[account.id] |= name_forms(account.handle) | name_forms(account.display_name or "")
    people = session.execute(
        select(Attribution.account_id, CivilServant)
        .join(CivilServant, CivilServant.id == Attribution.civil_servant_id)
        .where(Attribution.account_id.in_(account_ids))
    )
    for account_id, row in people:
        person = open_person(vault, row)
        found[account_id] |= name_forms(person.name) | _whole(person.unit)
    return {account_id: frozenset(names) for account_id, names in found.items()}


def name_forms(name: str) -> frozenset[str]:
    """A name or handle as a whole, and each word of it; a handle's server is nobody's name."""
    local = name.lstrip("@").split("@")[0]
    return _whole(local) | {word for word in _WORD.findall(local) if len(word) >= LEAST_NAME_LETTERS}


def _whole(phrase: str) -> frozenset[str]:
    """The phrase with single spaces; the words of a unit (“Dinas”, “Negeri”) are everybody's."""
    words = _WORD.findall(phrase)
    return frozenset({" ".join(words)} if sum(map(len, words)) >= LEAST_NAME_LETTERS else ())
