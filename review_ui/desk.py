"""What a page function gets: who asks, in which language, and how to answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, HTTPException, Query, Request
from jinja2 import Environment
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, RedirectResponse

from models.database import Database
from models.errors import BadInput, NotAllowed
from models.evidence import EvidenceStore
from models.officers import Officer, Role, require_role
from models.vault import Vault
from review_ui.config import UiConfig
from review_ui.i18n import DEFAULT_LANGUAGE, Catalogue, catalogue
from review_ui.ports import Ports
from review_ui.sessions import find_session

SESSION_COOKIE = "netra_sesi"
LANGUAGE_COOKIE = "netra_bahasa"
MAX_FIELD_CHARACTERS = 20_000

PageNumber = Annotated[int, Query(ge=0, le=100_000)]
"""Which page of a long list, from 0."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ui:
    """Everything the pages share, put together once."""

    database: Database
    vault: Vault
    evidence: EvidenceStore
    config: UiConfig
    ports: Ports
    templates: Environment


@dataclasses.dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks; `officer` and `csrf_token` are None until they have signed in."""

    request: Request
    ui: Ui
    t: Catalogue
    officer: Officer | None
    csrf_token: str | None

    def page(self, name: str, code: int = 200, **values: Any) -> HTMLResponse:
        """Render a template for this visitor."""
        html = self.ui.templates.get_template(name).render(
            t=self.t,
            lang=self.t.language,
            officer=self.officer,
            csrf_token=self.csrf_token,
            path=self.request.url.path,
            notice=self._notice(),
            offset=values.pop("offset", self.ui.config.utc_offset_minutes),
            config=self.ui.config,
            **values,
        )
        return HTMLResponse(html, code)

    def _notice(self) -> str | None:
        """The phrase that the previous step asked for; only phrases of ours can be named."""
        key = f"notice.{self.request.query_params.get('pesan', '')}"
        return self.t(key) if self.t.has(key) else None


@dataclasses.dataclass(frozen=True, slots=True)
class Desk(Visitor):
    """A signed-in officer with one of the roles that the page asks for."""

    officer: Officer
    csrf_token: str

    def has(self, *roles: Role) -> bool:
        """Whether the officer has one of these roles."""
        return bool({role.value for role in roles} & set(self.officer.roles))


def moved(path: str, notice: str = "", **query: str) -> RedirectResponse:
    """Send the browser on after a change, so that reloading repeats nothing."""
    values = {**({"pesan": notice} if notice else {}), **query}
    return RedirectResponse(f"{path}?{urlencode(values)}" if values else path, 303)


def visitor(request: Request) -> Visitor:
    """Whoever asks, signed in or not."""
    ui: Ui = request.app.state.ui
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        with ui.database.read() as session:
            found = find_session(session, token)
        if found is not None:
            login, officer = found
            return Visitor(request, ui, catalogue(officer.language), officer, login.csrf_token)
    return Visitor(request, ui, catalogue(request.cookies.get(LANGUAGE_COOKIE, DEFAULT_LANGUAGE)), None, None)


AnyVisitor = Annotated[Visitor, Depends(visitor)]


def seat(*roles: Role) -> Callable[[Visitor], Desk]:
    """A dependency that lets only signed-in officers with one of `roles` pass.

    Raises (in the request):
        HTTPException: 303 to the sign-in page. NotAllowed: signed in without the role.
    """

    def dependency(who: AnyVisitor) -> Desk:
        if who.officer is None or who.csrf_token is None:
            back = who.request.url.path if who.request.method == "GET" else "/"
            raise HTTPException(303, headers={"Location": f"/masuk?lanjut={quote(back)}"})
        require_role(who.officer, *roles)
        return Desk(who.request, who.ui, who.t, who.officer, who.csrf_token)

    return dependency


AnyDesk = Annotated[Desk, Depends(seat(*Role))]
SupervisorDesk = Annotated[Desk, Depends(seat(Role.SUPERVISOR))]
OperatorDesk = Annotated[Desk, Depends(seat(Role.OPERATOR))]
FieldDesk = Annotated[Desk, Depends(seat(Role.OPERATOR, Role.SUPERVISOR))]
FieldOrAuditDesk = Annotated[Desk, Depends(seat(Role.OPERATOR, Role.SUPERVISOR, Role.AUDITOR))]
RecordsDesk = Annotated[Desk, Depends(seat(Role.SUPERVISOR, Role.AUDITOR))]
CaseDesk = Annotated[Desk, Depends(seat(Role.SUPERVISOR, Role.AUDITOR, Role.ANALYST))]
SampleDesk = Annotated[Desk, Depends(seat(Role.ANALYST, Role.SUPERVISOR))]
AnalystDesk = Annotated[Desk, Depends(seat(Role.ANALYST))]
OversightDesk = Annotated[Desk, Depends(seat(Role.AUDITOR, Role.ADMIN))]
OperationsDesk = Annotated[Desk, Depends(seat(Role.OPERATOR, Role.ADMIN, Role.AUDITOR))]
StewardDesk = Annotated[Desk, Depends(seat(Role.OPERATOR, Role.ADMIN))]
AuditorDesk = Annotated[Desk, Depends(seat(Role.AUDITOR))]
AdminDesk = Annotated[Desk, Depends(seat(Role.ADMIN))]


class Submission:
    """A posted form."""

    def __init__(self, form: FormData) -> None:
        self._form = form

    def text(self, name: str) -> str:
        """One field, trimmed; empty when it is missing.

        Raises:
            BadInput: longer than `MAX_FIELD_CHARACTERS`.
        """
        value = self._form.get(name)
        text = value.replace("\r\n", "\n").replace("\x00", "").strip() if isinstance(value, str) else ""
        if len(text) > MAX_FIELD_CHARACTERS:
            raise BadInput(f"{name}: at most {MAX_FIELD_CHARACTERS} characters")
        return text

    def secret(self, name: str) -> str:
        """A password exactly as typed."""
        value = self._form.get(name)
        return value if isinstance(value, str) else ""

    def many(self, name: str) -> tuple[str, ...]:
        """Every value of a field with several."""
        return tuple(value for value in self._form.getlist(name) if isinstance(value, str))

    def day(self, name: str) -> dt.date:
        """A calendar day.

        Raises:
            BadInput: not a day.
        """
        try:
            return dt.date.fromisoformat(self.text(name))
        except ValueError as error:
            raise BadInput(f"{name}: choose a day") from error


class Upload(Submission):
    """A posted form with a file."""

    async def file(self, name: str) -> tuple[str, bytes]:
        """The file's name as the browser tells it, and its bytes.

        Raises:
            BadInput: no file was chosen.
        """
        value = self._form.get(name)
        if not isinstance(value, UploadFile) or not value.filename:
            raise BadInput("choose a file")
        return value.filename, await value.read()


async def submission(request: Request) -> Submission:
    """The posted form of this request."""
    return Submission(await request.form(max_files=0))


Posted = Annotated[Submission, Depends(submission)]


async def upload(request: Request, _desk: OperatorDesk) -> AsyncIterator[Upload]:
    """The posted form of this request, with at most one file; read for signed-in operators only, and closed after."""
    async with request.form(max_files=1) as form:
        yield Upload(form)


Uploaded = Annotated[Upload, Depends(upload)]


async def checked_csrf(request: Request, who: AnyVisitor, form: Posted) -> None:
    """Refuse any change without the session's token (every router of signed-in pages depends on this).

    Raises:
        NotAllowed: the token is missing or another session's.
    """
    require_token(request, who, form)


async def checked_upload_csrf(request: Request, who: AnyVisitor, form: Uploaded) -> None:
    """Like `checked_csrf`, for routers whose forms carry a file.

    Raises:
        NotAllowed: the token is missing or another session's.
    """
    require_token(request, who, form)


def require_token(request: Request, who: Visitor, form: Submission) -> None:
    """Let pass what only reads, and forms with the session's token.

    Raises:
        NotAllowed: the token is missing or another session's.
    """
    if request.method in ("GET", "HEAD") or who.csrf_token is None:
        return  # reading changes nothing, and without a session `seat` refuses
    if not secrets.compare_digest(form.secret("csrf_token").encode(), who.csrf_token.encode()):
        raise NotAllowed("this form has expired; open the page again")
