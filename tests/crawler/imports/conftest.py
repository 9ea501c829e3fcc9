"""A world with accounts on platforms without an open route, and files that are brought into it."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from crawler.files.imports import import_file
from models.accounts import Account, Confidence, claim_attribution, save_account, verify_attribution
from models.officers import Officer
from models.people import CivilServant
from models.posts import Post, PostVersion, Sighting
from models.targets import Fetch, Run, Target

HANDLES = {
    "tiktok": "@Sari.Melur",
    "instagram": "sari.melur",
    "x": "sarimelur",
    "facebook": "sari.melur.77",
    "threads": "sari.melur",
    "csv": "sari",
}


@pytest.fixture
def verified_account(sqlite_world):
    """Give the small world's person one more verified account."""

    def verified_account(source, handle, url=None, platform_id=None):
        with sqlite_world.database.write() as session:
            account = save_account(
                session, source=source, handle=handle, url=url or f"https://{source}.example/", actor="test"
            )
            account.external_id = platform_id
            person = session.get_one(CivilServant, sqlite_world.person.id)
            operator = session.get_one(Officer, sqlite_world.operator.id)
            claim = claim_attribution(
                session, account, person, operator, evidence="Profil resmi", confidence=Confidence.OFFICIAL_RECORD
            )
            session.flush()
            verify_attribution(session, claim, session.get_one(Officer, sqlite_world.second_operator.id))
            return session.get_one(Account, account.id)

    return verified_account


@pytest.fixture
def world(sqlite_world, verified_account):
    """The small world, in which the person has accounts on platforms without an open route."""
    for source, handle in HANDLES.items():
        verified_account(source, handle)
    return sqlite_world


@pytest.fixture
def bring_in(world, evidence, tmp_path):
    """Write a file and import it."""

    def bring_in(content, source=None, name=None, **options):
        path = tmp_path / (name or f"berkas.{source}")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(
            world.database, evidence, path, source=source, mandate_id=world.mandate.id, actor="test", **options
        )

    return bring_in


@pytest.fixture
def stored(world):
    """All posts: source, id and every text, oldest first."""

    def stored():
        with world.database.read() as session:
            rows = session.execute(
                select(Post.source, Post.external_id, PostVersion.text)
                .join(PostVersion, PostVersion.post_id == Post.id)
                .order_by(Post.id, PostVersion.number)
            )
            return [tuple(row) for row in rows]

    return stored


@pytest.fixture
def counts(world):
    """How many rows an import could have made."""

    def counts():
        with world.database.read() as session:
            tables = (Post, PostVersion, Sighting, Run, Fetch, Target)
            return [session.scalar(select(func.count()).select_from(table)) for table in tables]

    return counts


@pytest.fixture(scope="session")
def pages() -> Path:
    """Files in the shapes that people bring, with invented people."""
    return Path(__file__).parents[1] / "pages"
