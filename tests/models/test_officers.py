"""Officers: unique names, roles that are asked for, sessions that end."""

from __future__ import annotations

import datetime as dt

import pytest

from models.clock import utc_now
from models.errors import BadInput, NotAllowed
from models.officers import LoginSession, Officer, Role, add_officer, officer_named, require_role, set_active


@pytest.fixture
def admin(sqlite_world):
    with sqlite_world.database.write() as session:
        return _add(session, "admin", [Role.ADMIN])


def _add(session, username, roles):
    return add_officer(
        session, username=username, name="Nama", position="Staf", password_hash="x", roles=roles, actor="test"
    )


def test_a_username_is_taken_whatever_its_case(sqlite_world):
    with sqlite_world.database.write() as session:
        assert officer_named(session, " OPERATOR ") is not None
        with pytest.raises(BadInput, match="taken"):
            _add(session, "Operator", [Role.OPERATOR])


def test_an_officer_without_a_role_is_refused(sqlite_world):
    with sqlite_world.database.write() as session, pytest.raises(BadInput, match="role"):
        _add(session, "tanpa-peran", [])


def test_a_deactivated_officer_has_no_role_and_no_session(sqlite_world, admin):
    world = sqlite_world
    with world.database.write() as session:
        session.add(
            LoginSession(
                token_hash="a" * 64,
                officer_id=world.operator.id,
                csrf_token="b",
                created_at=utc_now(),
                expires_at=utc_now() + dt.timedelta(hours=1),
            )
        )
        session.flush()
        operator = session.get_one(Officer, world.operator.id)
        set_active(session, operator, active=False, by=admin)
        with pytest.raises(NotAllowed):
            require_role(operator, Role.OPERATOR)
    with world.database.read() as session:
        assert session.get(LoginSession, "a" * 64) is None


def test_nobody_deactivates_themselves_and_only_an_admin_others(sqlite_world, admin):
    with sqlite_world.database.write() as session:
        own = session.get_one(Officer, admin.id)
        with pytest.raises(NotAllowed):
            set_active(session, own, active=False, by=own)
        with pytest.raises(NotAllowed):
            set_active(session, own, active=False, by=sqlite_world.operator)
