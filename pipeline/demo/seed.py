"""Fills a fresh installation with the invented regency: officers, contest, mandate, roster, accounts, targets."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.accounts import (
    Account,
    Attribution,
    claim_attribution,
    save_account,
    suspend_attribution,
    verify_attribution,
)
from models.clock import utc_now
from models.database import Database
from models.mandates import Contest, Mandate, approve_mandate, propose_mandate, save_contest
from models.nip import check_staff_number
from models.officers import Officer, Role, add_officer, officer_named
from models.people import CivilServant, Person, enrol
from models.targets import add_target
from models.vault import Vault
from pipeline.demo.world import AccountSpec, PersonSpec, demo_contest, load_world

ACTOR = "netra demo"
MANDATE_NUMBER = "014/PM.00.02/K.TS/DEMO"
MANDATE_DAYS_BACK, MANDATE_DAYS_AHEAD = 30, 60
LEGAL_BASIS = "Surat tugas rekaan untuk peragaan; Perbawaslu 5/2022 tentang pengawasan penyelenggaraan pemilihan"
AGENCY = "Bawaslu Kabupaten Tanjung Seruni"
EMPLOYER = "Pemerintah Kabupaten Tanjung Seruni"
CRAWL_SECONDS = 15 * 60
FEED_SECONDS = 30 * 60
NOT_MY_ACCOUNT = "Klarifikasi pemegang nama: “bukan akun saya”; foto diambil dari akun lain."


@dataclasses.dataclass(frozen=True, slots=True)
class DemoLogin:
    """One officer's way in. The passwords are public; the demo listens on this machine only."""

    username: str
    password: str
    name: str
    position: str
    roles: tuple[Role, ...]


LOGINS = (
    DemoLogin("wulan", "operator-seruni-1", "Wulan Citrakirana", "Staf Penanganan Pelanggaran", (Role.OPERATOR,)),
    DemoLogin("bayu", "operator-seruni-2", "Bayu Segaralangit", "Kepala Subbagian Pengawasan", (Role.OPERATOR,)),
    DemoLogin("dewanti", "pengawas-seruni-1", "Dewanti Kalyanasari", "Anggota Bawaslu Kabupaten", (Role.SUPERVISOR,)),
    DemoLogin("surya", "pengawas-seruni-2", "Surya Panembahara", "Anggota Bawaslu Kabupaten", (Role.SUPERVISOR,)),
    DemoLogin("kartini", "pengawas-seruni-3", "Kartini Rahwanda", "Ketua Bawaslu Kabupaten", (Role.SUPERVISOR,)),
    DemoLogin("naya", "analis-seruni-1", "Naya Wiratanaya", "Analis Data", (Role.ANALYST,)),
    DemoLogin("imam", "auditor-seruni-1", "Imam Purwasastra", "Auditor Bawaslu Provinsi", (Role.AUDITOR,)),
    DemoLogin("admin", "admin-seruni-1", "Laras Adhimukti", "Pengelola Sistem", (Role.ADMIN,)),
)


def seed(database: Database, vault: Vault, *, square_url: str, hash_password: Callable[[str], str]) -> list[DemoLogin]:
    """Write the invented world and return who can sign in; what is there already stays as it is.

    `square_url` is the address of the running square. The whole world is written in one transaction.
    """
    world, base, today = load_world(), square_url.rstrip("/"), utc_now().date()
    with database.write() as session:
        proposer, approver, supervisor = (
            _officer(session, login, hash_password) for login in (LOGINS[0], LOGINS[1], LOGINS[2])
        )
        for login in LOGINS[3:]:
            _officer(session, login, hash_password)
        session.flush()
        mandate = _mandate(session, proposer, approver, today)
        session.flush()
        for account, person in world.rostered():
            _put_under(session, vault, mandate, account, person, base, (proposer, approver, supervisor))
        add_target(session, mandate, source="feed", address=f"{base}/dinas/feed.xml", account=None, actor=ACTOR,
                   interval_seconds=FEED_SECONDS)  # fmt: skip
    return list(LOGINS)


def _officer(session: Session, login: DemoLogin, hash_password: Callable[[str], str]) -> Officer:
    known = officer_named(session, login.username)
    if known is not None:
        return known
    return add_officer(
        session,
        username=login.username,
        name=login.name,
        position=login.position,
        password_hash=hash_password(login.password),
        roles=list(login.roles),
        actor=ACTOR,
    )


def _mandate(session: Session, proposer: Officer, approver: Officer, today: dt.date) -> Mandate:
    known = session.scalar(select(Mandate).where(Mandate.number == MANDATE_NUMBER))
    if known is not None:
        return known
    spec = demo_contest(today)
    contest = session.scalar(select(Contest).where(Contest.name == spec.name)) or save_contest(
        session, spec, actor=ACTOR
    )
    session.flush()
    mandate = propose_mandate(
        session,
        proposer,
        number=MANDATE_NUMBER,
        legal_basis=LEGAL_BASIS,
        agency=AGENCY,
        contest=contest,
        first_day=today - dt.timedelta(days=MANDATE_DAYS_BACK),
        last_day=today + dt.timedelta(days=MANDATE_DAYS_AHEAD),
    )
    approve_mandate(session, mandate, approver)
    return mandate


def _put_under(
    session: Session,
    vault: Vault,
    mandate: Mandate,
    spec: AccountSpec,
    person: PersonSpec,
    base: str,
    officers: tuple[Officer, Officer, Officer],
) -> None:
    """Enrol the person, attribute the account as far as the world says, and put it on the schedule."""
    servant = enrol(
        session,
        vault,
        mandate,
        Person(
            name=person.name,
            nip=check_staff_number(person.nip, person.status),
            status=person.status,
            position=person.position,
            unit=person.unit,
            agency=EMPLOYER,
        ),
        actor=ACTOR,
    )
    address = f"{base}/@{spec.handle}"
    account = save_account(session, source="mastodon", handle=spec.acct, url=address, actor=ACTOR)
    account.display_name = spec.name
    session.flush()
    _attribute(session, account, servant, spec, officers)
    add_target(session, mandate, source="mastodon", address=address, account=account, actor=ACTOR,
               interval_seconds=CRAWL_SECONDS)  # fmt: skip


def _attribute(
    session: Session,
    account: Account,
    servant: CivilServant,
    spec: AccountSpec,
    officers: tuple[Officer, Officer, Officer],
) -> None:
    """One officer claims, another verifies, and for “bukan akun saya” a third suspends."""
    if session.scalar(select(Attribution.id).where(Attribution.account_id == account.id)) is not None:
        return
    claimant, verifier, suspender = officers
    attribution = claim_attribution(
        session, account, servant, claimant, evidence=spec.evidence, confidence=spec.confidence
    )
    session.flush()
    if spec.attribution == "waiting":
        return
    verify_attribution(session, attribution, verifier)
    if spec.attribution == "suspended":
        suspend_attribution(session, attribution, suspender, reason=NOT_MY_ACCOUNT)
