"""Whose page it is: renames are followed, and a page that is somebody else's now stops at once."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import event, select

from models.accounts import (
    Account,
    AccountHandle,
    Attribution,
    AttributionState,
    Confidence,
    HolderNews,
    Suspension,
    SuspensionCause,
    claim_attribution,
    end_attribution,
    handle_history,
    note_holder,
    reinstate_attribution,
    save_account,
    suspend_attribution,
    verified_attribution,
    verify_attribution,
)
from models.clock import utc_now
from models.errors import BadInput, NoMandate
from models.log import LogEntry
from models.mandates import Mandate
from models.people import CivilServant, Person, StaffStatus, enrol
from models.targets import Target, require_permission, start_run

NOON = dt.datetime(2026, 10, 5, 12, tzinfo=dt.UTC)


@pytest.fixture
def see(world):
    """A page of the world's account (or another) that says whose it is, `hours` after noon."""
    with world.database.write() as session:
        run = start_run(session, session.get_one(Target, world.target.id), due_at=utc_now(), actor="test")

    def look(platform_id, handle, *, hours=0, account=None):
        with world.database.write() as session:
            row = session.get_one(Account, (account or world.account).id)
            return note_holder(session, row, platform_id, handle, NOON + dt.timedelta(hours=hours), run)

    return look


def history(world, account=None):
    with world.database.read() as session:
        rows = handle_history(session, (account or world.account).id)
        return [(row.platform_id, row.handle, (row.last_seen_at - NOON) // dt.timedelta(hours=1)) for row in rows]


def state(world):
    with world.database.read() as session:
        return session.scalars(select(Attribution.state)).one()


def another_account(world, person_id, handle):
    with world.database.write() as session:
        account = save_account(session, source="mastodon", handle=handle, url="https://example.invalid/", actor="test")
        person = session.get_one(CivilServant, person_id)
        claim = claim_attribution(session, account, person, world.operator, evidence="Tautan",
                                  confidence=Confidence.SINGLE_SOURCE)  # fmt: skip
        verify_attribution(session, claim, world.second_operator)
        return account


def test_the_first_page_tells_the_platform_id_and_the_next_nothing_new(world, see):
    assert see("17", "sari") is HolderNews.FIRST_SEEN
    assert see("17", "Sari", hours=1) is HolderNews.SAME
    assert history(world) == [("17", "sari", 0)]
    with world.database.read() as session:
        assert session.get_one(Account, world.account.id).external_id == "17"


def test_nothing_is_written_when_nothing_changed_and_one_statement_is_enough(world, see):
    see("17", "sari")
    statements = []
    count = lambda *args: statements.append(args[2].split()[0])  # noqa: E731
    event.listen(world.database.engine, "before_cursor_execute", count)
    see("17", "sari", hours=23)
    event.remove(world.database.engine, "before_cursor_execute", count)
    assert [word for word in statements if word != "BEGIN"] == ["SELECT"] * 2  # the test's own, and the newest period
    see("17", "sari", hours=24)
    assert history(world) == [("17", "sari", 24)]


def test_a_renamed_account_is_followed_and_stays_attributed(world, see):
    see("17", "sari@example.invalid")
    news = see("17", "sari.baru@example.invalid", hours=5)
    assert (news, news.stops_run, news.reason) == (HolderNews.RENAMED, False, "")
    assert see("17", "sari.baru@example.invalid", hours=6) is HolderNews.SAME
    assert history(world) == [("17", "sari@example.invalid", 0), ("17", "sari.baru@example.invalid", 5)]
    assert state(world) is AttributionState.VERIFIED
    with world.database.read() as session:
        assert session.get_one(Account, world.account.id).handle == "@sari.baru@example.invalid"
        assert session.scalar(select(LogEntry.seq).where(LogEntry.action == "account.renamed")) is not None


def test_a_new_handle_that_another_row_has_is_noted_without_taking_it(world, see):
    with world.database.write() as session:
        save_account(session, source="mastodon", handle="@ratna", url="https://example.invalid/", actor="test")
    see("17", "sari")
    assert see("17", "ratna") is HolderNews.RENAMED
    assert see("17", "ratna", hours=1) is HolderNews.SAME
    with world.database.read() as session:
        assert session.get_one(Account, world.account.id).handle == world.account.handle


def test_another_account_under_the_handle_suspends_the_attribution_at_once(world, see):
    see("17", "sari")
    news = see("99", "sari", hours=2)
    assert (news, news.stops_run) == (HolderNews.TAKEN_OVER, True)
    assert "pihak lain" in news.reason
    assert state(world) is AttributionState.SUSPENDED
    with world.database.read() as session:
        suspension = session.scalars(select(Suspension)).one()
        assert (suspension.cause, suspension.recorded_by) == (SuspensionCause.HOLDER_CHANGED, None)
        assert "id platform 99, dulu 17" in suspension.reason
        assert session.get_one(Account, world.account.id).external_id == "17"
        with pytest.raises(NoMandate):
            require_permission(session, session.get_one(Target, world.target.id), utc_now())
        entries = select(LogEntry.actor).where(LogEntry.action == "attribution.suspended")
        assert session.scalars(entries).one().startswith("runs:")
    assert see("99", "sari", hours=3) is HolderNews.TAKEN_OVER
    assert [row[:2] for row in history(world)] == [("17", "sari"), ("99", "sari")]


def test_a_reinstated_account_goes_on_under_the_id_that_the_officer_chose(world, see):
    see("17", "sari")
    see("99", "sari", hours=1)
    with world.database.write() as session:
        claim = session.scalars(select(Attribution)).one()
        with pytest.raises(BadInput, match="never seen"):
            reinstate_attribution(session, claim, world.second_operator, reason="akun baru", platform_id="5")
        reinstate_attribution(session, claim, world.second_operator, reason="akun baru", platform_id="99")
    assert see("99", "sari", hours=2) is HolderNews.SAME
    assert see("17", "sari", hours=3) is HolderNews.TAKEN_OVER


def test_an_account_that_is_back_under_its_own_id_gets_a_new_period(world, see):
    see("17", "sari")
    see("99", "sari", hours=1)
    with world.database.write() as session:
        claim = session.scalars(select(Attribution)).one()
        reinstate_attribution(session, claim, world.second_operator, reason="sudah kembali")
    assert see("17", "sari", hours=2) is HolderNews.SAME
    assert [row[0] for row in history(world)] == ["17", "99", "17"]


def test_one_account_attributed_twice_to_a_person_is_refused_and_stays_as_it_was(world, see):
    see("17", "sari")
    twin = another_account(world, world.person.id, "@sari.wening")
    news = see("17", "sari.wening", account=twin)
    assert (news, news.stops_run) == (HolderNews.DUPLICATE, True)
    with world.database.read() as session:
        assert verified_attribution(session, twin.id) is not None
        assert verified_attribution(session, world.account.id) is not None


def test_one_account_attributed_to_two_people_is_neither_s_until_people_have_looked(world, see):
    see("17", "sari")
    with world.database.write() as session:
        mandate = session.get_one(Mandate, world.mandate.id)
        other = enrol(session, world.vault, mandate, Person("Tirta", "198001012006042001", StaffStatus.PNS), actor="t")
    twin = another_account(world, other.id, "@tirta")
    assert see("17", "tirta", account=twin) is HolderNews.DUPLICATE
    with world.database.read() as session:
        assert set(session.scalars(select(Attribution.state))) == {AttributionState.SUSPENDED}
        assert verified_attribution(session, twin.id) is None


def test_an_account_out_of_use_gives_its_platform_id_to_the_row_that_goes_on(world, see):
    see("17", "sari")
    twin = another_account(world, world.person.id, "@sari.wening")
    with world.database.write() as session:
        claim = verified_attribution(session, world.account.id)
        suspend_attribution(session, claim, world.operator, reason="berganti nama")
        end_attribution(session, claim, world.supervisors[0], reason="akun sama diteruskan sebagai @sari.wening")
    assert see("17", "sari.wening", account=twin) is HolderNews.FIRST_SEEN
    with world.database.read() as session:
        assert session.get_one(Account, world.account.id).external_id is None
        assert session.get_one(Account, twin.id).external_id == "17"
        ids = session.scalars(select(AccountHandle.account_id).where(AccountHandle.platform_id == "17"))
        assert set(ids) == {world.account.id, twin.id}


@pytest.mark.parametrize(("platform_id", "handle"), [("", "sari"), ("17", " "), ("1" * 256, "sari"), ("17", "a\x00b")])
def test_a_page_that_names_its_holder_in_no_usable_form_changes_nothing(world, see, platform_id, handle):
    with pytest.raises(BadInput):
        see(platform_id, handle)
    assert history(world) == []
