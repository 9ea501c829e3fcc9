"""Signing in and out, and choosing the language."""

from __future__ import annotations

import secrets

from fastapi import APIRouter
from starlette.responses import Response

from models.errors import NotAllowed
from models.officers import Officer
from review_ui.desk import LANGUAGE_COOKIE, SESSION_COOKIE, AnyVisitor, Posted, Submission, Visitor, moved
from review_ui.i18n import LANGUAGES
from review_ui.sessions import SignedIn, sign_in, sign_out

router = APIRouter()

FORM_COOKIE = "netra_masuk"
"""Before there is a session, the sign-in form proves itself by a cookie that only our page could set."""

YEAR_SECONDS = 365 * 24 * 3600


@router.get("/masuk")
def sign_in_page(who: AnyVisitor) -> Response:
    """Everyone: the sign-in form."""
    return _form(who, _inside(who.request.query_params.get("lanjut", "")))


@router.post("/masuk")
def sign_in_now(who: AnyVisitor, form: Posted) -> Response:
    """Everyone: check name and password; a session of before is never carried over."""
    target = _inside(form.text("lanjut"))
    if not _form_is_ours(who, form):
        return _form(who, target, problem="login.expired")
    signed = sign_in(
        who.ui.database,
        form.text("username"),
        form.secret("password"),
        hours=who.ui.config.session_hours,
        replacing=who.request.cookies.get(SESSION_COOKIE),
    )
    if signed is None:
        return _form(who, target, problem="login.wrong")
    return _welcome(who, signed, target)


@router.post("/keluar")
def sign_out_now(who: AnyVisitor, form: Posted) -> Response:
    """Everyone signed in: end the session and clear what the browser kept."""
    _require_own_form(who, form)
    token = who.request.cookies.get(SESSION_COOKIE)
    if token:
        with who.ui.database.write() as session:
            sign_out(session, token)
    response = moved("/masuk", "signed_out")
    response.delete_cookie(SESSION_COOKIE)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@router.post("/bahasa")
def choose_language(who: AnyVisitor, form: Posted) -> Response:
    """Everyone: change the language, kept with the officer or in a cookie."""
    _require_own_form(who, form)
    language = form.text("bahasa")
    response = moved(_inside(form.text("lanjut")))
    if language in LANGUAGES:
        _set_cookie(who, response, LANGUAGE_COOKIE, language, YEAR_SECONDS)
        if who.officer is not None:
            with who.ui.database.write() as session:
                session.get_one(Officer, who.officer.id).language = language
    return response


def _form(who: Visitor, target: str, problem: str | None = None) -> Response:
    token = who.request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(32)
    response = who.page("login.html", 403 if problem else 200, target=target, form_token=token, problem=problem)
    _set_cookie(who, response, FORM_COOKIE, token, None)
    return response


def _welcome(who: Visitor, signed: SignedIn, target: str) -> Response:
    response = moved(target)
    _set_cookie(who, response, SESSION_COOKIE, signed.token, None)
    response.delete_cookie(FORM_COOKIE)
    return response


def _require_own_form(who: Visitor, form: Submission) -> None:
    if who.csrf_token is not None:
        ours = secrets.compare_digest(form.secret("csrf_token").encode(), who.csrf_token.encode())
    else:
        ours = _form_is_ours(who, form)
    if not ours:
        raise NotAllowed("this form has expired; open the page again")


def _form_is_ours(who: Visitor, form: Submission) -> bool:
    expected = who.request.cookies.get(FORM_COOKIE, "")
    return bool(expected) and secrets.compare_digest(form.secret("form_token").encode(), expected.encode())


def _set_cookie(who: Visitor, response: Response, name: str, value: str, max_age: int | None) -> None:
    origin = who.ui.config.origin_of(who.request.headers.get("host", "")) or ""
    response.set_cookie(
        name, value, max_age=max_age, httponly=True, samesite="strict", secure=origin.startswith("https:")
    )


def _inside(path: str) -> str:
    """`path` if it is one of ours, else the front page: no open redirects."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path else "/"
