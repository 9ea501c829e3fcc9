"""The review pages over the small world, as a browser without scripts sees them."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

import argon2
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from models.canonical import canonical_json
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.evidence import EvidenceStore
from models.flags import Flag
from models.officers import Officer, Role, add_officer
from models.reports import signed_content
from review_ui.app import create_app
from review_ui.config import UiConfig
from review_ui.ports import Ports, RosterFinding, RosterPreview, Seen

ORIGIN = "http://127.0.0.1:8000"
PASSWORD = "kata-sandi-uji-123"
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa7\x9a\xa0\xa0\x00\x00\x00\x00IEND\xaeB`\x82"
)


@functools.cache
def password_hash() -> str:
    """A cheap hash: argon2 takes its time on purpose, and tests sign in often."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def report_content(_session, report, *, at, signer) -> bytes:
    """A report's content in the shape that the pipeline gives."""
    sections = {letter: {"title": f"Bagian {letter}", "blocks": []} for letter in "ABCDEFGHIJKLMNO"}
    number = {"key": "nomor", "label": "Nomor", "value": report.number}
    blank = {"key": "saksi", "label": "Saksi", "value": report.fields.get("saksi")}
    sections["A"]["blocks"] = [{"kind": "rows", "title": "", "rows": [number, blank]}]
    sections["G"]["blocks"] = [{"kind": "quote", "key": "teks", "title": "Teks", "text": "<b>Ayo</b> pilih"}]
    signature = None if signer is None else {"name": signer.name, "at": at.isoformat()}
    return canonical_json({**sections, "signature": signature, "place": report.fields.get("tempat_kejadian")})


def look_at(source, address, _selectors, *, officer) -> Seen:
    """A look that finds nothing; pages that need more bring their own."""
    assert officer
    return Seen(source, address, "halaman kosong", "")


def signing_problems(content: bytes) -> list[str]:
    """One required field stands for all."""
    return ["Bagian F: tempat belum diisi"] if b'"place":null' in content else []


class PlainRosters:
    """Rosters whose lines are names: “galat” is an error, “ganda” a warning; what was taken is kept."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str]] = []

    def template(self) -> bytes:
        """Stands for a workbook."""
        return b"PK templat"

    def examine(self, _session, _mandate, data: bytes) -> RosterPreview:
        """One finding a line."""
        lines = data.decode().splitlines()
        errors = [_finding(row, line) for row, line in enumerate(lines, 1) if "galat" in line]
        warnings = [_finding(row, line) for row, line in enumerate(lines, 1) if "ganda" in line]
        return RosterPreview(len(lines), 0, tuple(errors), tuple(warnings), f"{len(warnings)}-peringatan")

    def take(self, _session, _mandate, data: bytes, officer: Officer, confirmed: str) -> None:
        """Keep it."""
        assert officer.username
        self.taken.append((data, confirmed))


def _finding(row: int, line: str) -> RosterFinding:
    return RosterFinding(row, "A · NIP", {"id": f"{line} salah", "en": f"{line} is wrong"})


class Browser:
    """One officer's browser: keeps cookies, sends what browsers send, fills in the token of our forms."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def get(self, path: str, **options: Any):
        """Open a page."""
        return self.client.get(path, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any):
        """Send a form of ours."""
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **options)

    def token(self) -> str:
        """The session's form token."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/").text)
        assert found is not None
        return found.group(1)


@dataclasses.dataclass
class Site:
    """The pages, the world behind them, and browsers to open them with."""

    ORIGIN = ORIGIN
    PASSWORD = PASSWORD
    PNG = PNG

    world: Any
    app: FastAPI
    evidence: EvidenceStore

    def stranger(self, origin: str = ORIGIN) -> TestClient:
        """A browser that has not signed in."""
        return TestClient(self.app, base_url=origin, headers={"Origin": origin}, follow_redirects=False)

    def sign_in(self, username: str) -> Browser:
        """A browser in which the officer has signed in."""
        client = self.stranger()
        answer = self.submit_sign_in(client, username, PASSWORD)
        assert answer.status_code == 303, answer.text
        return Browser(client)

    @staticmethod
    def submit_sign_in(client: TestClient, username: str, password: str, **extra: str):
        """Open the sign-in page and send its form."""
        page = client.get("/masuk").text
        token = re.search(r'name="form_token" value="([^"]+)"', page).group(1)
        return client.post("/masuk", data={"username": username, "password": password, "form_token": token, **extra})

    def picture_flag(self, body: str = "Ayo pilih Bang Raka, nomor 1!", *, score: float = 0.9, picture: bytes = PNG):
        """A flag waiting for reviewers, with a screenshot in the evidence store."""
        flag = self.world.flag(body, score=score)
        with self.world.database.write() as session:
            flag = session.get_one(Flag, flag.id)
            capture = Capture(
                flag_id=flag.id,
                quality=CaptureQuality.PAGE,
                reason="",
                url="https://example.invalid/",
                final_url="https://example.invalid/",
                captured_at=utc_now(),
                screenshot_sha256=self.evidence.put(picture),
                page_sha256=None,
                text_found=True,
            )
            attach_capture(session, flag, capture, actor="test")
        return flag


def build_site(world, evidence: EvidenceStore, **settings: Any) -> Site:
    """The pages over `world`, with every officer's password set."""
    with world.database.write() as session:
        add_officer(
            session,
            username="admin",
            name="Admin",
            position="Kepala",
            password_hash=password_hash(),
            roles=[Role.ADMIN],
            actor="test",
        )
        for officer in session.scalars(select(Officer)):
            officer.password_hash = password_hash()
    config = UiConfig(**{"origins": (ORIGIN, "https://netra.example"), **settings})

    def render_report(session, report, fmt):
        del session
        return b"%PDF-1.7 stand-in" if fmt == "pdf" else signed_content(world.vault, report)

    ports = Ports(report_content, signing_problems, render_report, look_at, ("page", "feed"), PlainRosters())
    return Site(world, create_app(world.database, world.vault, evidence, config, ports), evidence)


@pytest.fixture
def site(sqlite_world, evidence) -> Site:
    """The pages on SQLite."""
    return build_site(sqlite_world, evidence)


@pytest.fixture
def any_site(world, evidence) -> Site:
    """The pages, once on SQLite and once on PostgreSQL."""
    return build_site(world, evidence)


@pytest.fixture
def make_site(sqlite_world, evidence) -> Callable[..., Site]:
    """The pages with other settings."""
    return lambda **settings: build_site(sqlite_world, evidence, **settings)


@pytest.fixture
def verdict() -> Callable[..., dict[str, Any]]:
    """The fields of a verdict form."""

    def fields(side: str = "yes", **changes: Any) -> dict[str, Any]:
        return {
            "orang": "yes",
            "memihak": side,
            "suara": "own",
            "bentuk": ["ON-4"],
            "alasan": "alasan-rahasia-saya",
            "meringankan": "tidak ditemukan",
            **changes,
        }

    return fields
