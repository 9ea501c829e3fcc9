"""Puts the pages together: one FastAPI application over one database."""

from __future__ import annotations

import logging

from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from models.database import Database
from models.errors import BadInput, Conflict, IllegalTransition, NetraError, NotAllowed, NotFound
from models.evidence import EvidenceStore
from models.vault import Vault
from review_ui.config import UiConfig
from review_ui.desk import Ui, checked_csrf, checked_upload_csrf, visitor
from review_ui.pages import (
    attributions,
    clusters,
    evidence_files,
    home,
    item,
    login,
    mandates,
    officers,
    operations,
    oversight,
    preview,
    queue,
    reports,
    rosters,
    sample,
    targets,
    trace,
    verdict,
)
from review_ui.ports import Ports
from review_ui.refusals import worded
from review_ui.shield import Shield
from review_ui.templating import STATIC, build_environment

SIGNED_IN_PAGES = (
    home,
    queue,
    item,
    verdict,
    evidence_files,
    clusters,
    sample,
    reports,
    mandates,
    operations,
    targets,
    preview,
    attributions,
    trace,
    oversight,
    officers,
)

STATUS_OF: dict[type[NetraError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    IllegalTransition: 409,
    Conflict: 409,
    BadInput: 422,
}

OUR_TROUBLE = 500
"""Anything else of the tree."""

_log = logging.getLogger(__name__)


def create_app(database: Database, vault: Vault, evidence: EvidenceStore, config: UiConfig, ports: Ports) -> FastAPI:
    """The review pages as an ASGI application."""
    app = FastAPI(title="Netra", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.ui = Ui(database, vault, evidence, config, ports, build_environment())
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(login.router)
    app.include_router(rosters.router, dependencies=[Depends(checked_upload_csrf)])
    for page in SIGNED_IN_PAGES:
        app.include_router(page.router, dependencies=[Depends(checked_csrf)])
    app.add_exception_handler(NetraError, _refused)
    app.add_exception_handler(HTTPException, _stopped)
    app.add_exception_handler(404, _unknown)
    app.add_exception_handler(405, _unknown)
    app.add_middleware(Shield, config=config)
    return app


def _refused(request: Request, error: Exception) -> Response:
    """A page that says kindly why something was refused; for a form that htmx sent, a line beside the form."""
    status = next((code for kind, code in STATUS_OF.items() if isinstance(error, kind)), OUR_TROUBLE)
    who = visitor(request)
    message = worded(error, who.t) if isinstance(error, NetraError) else ""
    if status == OUR_TROUBLE:
        _log.error("%s %s: %s", request.method, request.url.path, error)
        message = ""  # it may name files of this machine
    if "hx-request" in request.headers:
        line = who.page("error_line.html", status, message=message)
        line.headers.update({"HX-Retarget": "#galat", "HX-Reswap": "outerHTML", "HX-Reselect": "#galat"})
        line.headers["HX-Push-Url"] = "false"
        return line
    return who.page("error.html", status, status=status, message=message)


def _stopped(request: Request, error: Exception) -> Response:
    """Carry out the redirect to the sign-in page, also for htmx, which follows its own header."""
    if not isinstance(error, HTTPException) or error.headers is None:
        return JSONResponse({"detail": "error"}, 500)
    location = error.headers["Location"]
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": location})
    return RedirectResponse(location, 303)


def _unknown(request: Request, _error: Exception) -> Response:
    return visitor(request).page("error.html", 404, status=404, message="")
