"""The review pages with a long queue, over HTTP from the real server."""

from __future__ import annotations

import contextlib
import http.client
import http.cookies
import itertools
import re
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from classifier.labels.corpus import read_posts
from models.errors import StorageError
from models.officers import Role
from pipeline.application import Application
from pipeline.bench.figures import Figure
from pipeline.bench.scratch import raise_flags, scratch
from pipeline.bench.size import Size
from pipeline.demo.seed import LOGINS, DemoLogin
from pipeline.supervisor import part_command

HOST = "127.0.0.1"
START_SECONDS = 60.0
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


def measure_pages(size: Size) -> list[Figure]:
    """Median milliseconds of a view of the queue and of an item, one value a round."""
    port = _free_port()
    texts = list(itertools.islice(itertools.cycle(post.text for post in read_posts()), size.flags))
    with scratch(port=port) as app:
        flags = raise_flags(app, texts)
        with _served(app, port) as browser:
            browser.sign_in(next(login for login in LOGINS if Role.SUPERVISOR in login.roles))
            items = itertools.cycle(f"/temuan/{flag_id}" for flag_id in flags[:: max(1, len(flags) // 100)])
            browser.milliseconds(["/telaah", next(items)])  # templates and plans are made at the first view
            queue = [browser.milliseconds(["/telaah"] * size.views) for _ in range(size.rounds)]
            item = [browser.milliseconds(list(itertools.islice(items, size.views))) for _ in range(size.rounds)]
    note = f"{len(flags)} temuan menunggu, median dari {size.views} tampilan per putaran"
    return [
        Figure("Halaman antrean", "milidetik", tuple(queue), note=note),
        Figure("Halaman temuan", "milidetik", tuple(item), note=note),
    ]


class _Browser:
    """One officer's browser: one connection, its cookies, whole pages."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._origin = f"http://{HOST}:{port}"
        self._cookies = http.cookies.SimpleCookie()

    def close(self) -> None:
        self._connection.close()

    def ask(self, path: str, form: dict[str, str] | None = None) -> str:
        """A page's HTML.

        Raises:
            StorageError: the server answers with something else than a page or the way to one.
        """
        headers = {"Origin": self._origin, "Cookie": self._cookies.output(attrs=[], header="", sep=";").strip()}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = None if form is None else urlencode(form)
        self._connection.request("GET" if form is None else "POST", path, body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        if response.status not in {http.HTTPStatus.OK, http.HTTPStatus.SEE_OTHER}:
            raise StorageError(f"the review pages answered {path} with {response.status}")
        return text

    def sign_in(self, login: DemoLogin) -> None:
        """Through the form, as people do."""
        token = _TOKEN.search(self.ask("/masuk"))
        if token is None:
            raise StorageError("the sign-in page has no form")
        self.ask("/masuk", {"username": login.username, "password": login.password, "form_token": token[1]})

    def milliseconds(self, paths: Sequence[str]) -> float:
        """The median view of these paths."""
        return statistics.median(self._view(path) for path in paths)

    def _view(self, path: str) -> float:
        began = time.perf_counter()
        self.ask(path)
        return (time.perf_counter() - began) * 1_000


@contextlib.contextmanager
def _served(app: Application, port: int) -> Iterator[_Browser]:
    command = part_command("serve", "--home", str(app.settings.home))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        _wait_for(port)
        with contextlib.closing(_Browser(port)) as browser:
            yield browser
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    """Wait until the server listens.

    Raises:
        StorageError: it did not in time.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.05)
    raise StorageError(f"the review pages did not start on port {port}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
