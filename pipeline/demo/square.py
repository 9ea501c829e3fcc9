"""The public square: one small server on this machine that speaks Mastodon's API, RSS and Atom, and has pages.

`python -m pipeline.demo.square --port N` runs it; `start_square` runs it beside another process.
"""

from __future__ import annotations

import argparse
import contextlib
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Self

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from models.clock import utc_now
from models.errors import StorageError
from pipeline.demo.mastodon_api import RATE_LIMIT, RateLimit, mastodon_routes
from pipeline.demo.pages import Pages, office_routes, picture_routes, square_routes
from pipeline.demo.timeline import Square
from pipeline.demo.world import World, load_world

HOST = "127.0.0.1"
PORT = 8010
START_SECONDS = 30.0
STOP_SECONDS = 10.0


def create_square(world: World, *, requests_allowed: int = RATE_LIMIT) -> FastAPI:
    """The square as an ASGI application, with every age counted from now."""
    square = Square(world, utc_now().replace(second=0, microsecond=0))
    pages, budget = Pages(square), RateLimit(requests_allowed)
    app = FastAPI(title="Alun-Alun Seruni", docs_url=None, redoc_url=None, openapi_url=None)
    for routes in (mastodon_routes(square), picture_routes(square), office_routes(square, pages),
                   square_routes(square, pages)):  # fmt: skip
        app.include_router(routes)

    async def missing(request: Request, _error: Exception) -> Response:
        return pages.missing(request)

    app.add_exception_handler(HTTPException, missing)
    app.add_exception_handler(RequestValidationError, missing)

    @app.middleware("http")
    async def limit(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not request.url.path.startswith("/api/"):
            return await call_next(request)
        allowed, headers = budget.spend()
        if not allowed:
            return Response(b'{"error":"Too many requests"}', 429, headers, "application/json; charset=utf-8")
        response = await call_next(request)
        response.headers.update(headers)
        return response

    return app


class RunningSquare:
    """A square in a process of its own; it ends with `stop()` or when the process that started it is gone."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    def stop(self) -> None:
        """End it; calling this twice does no harm."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.stop()


def start_square(host: str = HOST, port: int = PORT) -> RunningSquare:
    """Start the square and wait until it answers; port 0 takes a free one.

    Raises:
        StorageError: it did not come up, mostly because the port is taken.
    """
    command = [sys.executable, "-m", "pipeline.demo.square", "--host", host, "--port", str(port), "--leashed"]
    # A session of its own: Ctrl-C in the terminal reaches the parent, which then ends the square in order.
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    url = _first_line(process)
    running = RunningSquare(process, url)
    if not url:
        running.stop()
        raise StorageError(f"the demo's square did not start on {host}:{port}; is the port taken?")
    return running


def _first_line(process: subprocess.Popen[str]) -> str:
    """The address the process prints once it listens; empty when it ends or stays silent."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        return process.stdout.readline().strip() if selector.select(START_SECONDS) else ""


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
        yield listener


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    """A pipe closes with the process that holds it, however that dies."""

    def wait() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Serve until interrupted."""
    arguments = argparse.ArgumentParser(prog="python -m pipeline.demo.square", description=__doc__)
    arguments.add_argument("--host", default=HOST)
    arguments.add_argument("--port", type=int, default=PORT)
    arguments.add_argument("--leashed", action="store_true", help="stop when standard input closes")
    chosen = arguments.parse_args()
    try:
        with _listening(chosen.host, chosen.port) as listener:
            config = uvicorn.Config(create_square(load_world()), log_level="warning", timeout_graceful_shutdown=2)
            server = uvicorn.Server(config)
            if chosen.leashed:
                _stop_at_end_of_input(server)
            sys.stdout.write(f"http://{chosen.host}:{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            with contextlib.suppress(KeyboardInterrupt):
                server.run(sockets=[listener])
    except OSError as error:
        sys.stderr.write(f"square: {chosen.host}:{chosen.port}: {error.strerror}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
