"""The connector against a real server of Mastodon's API (mastodon-mock)."""

import socket
import subprocess
import sysconfig
import time
from pathlib import Path

import httpx
import pytest

from models.targets import RunOutcome
from tests.crawler.conftest import Crawls


class Square:
    """A Mastodon server and one account on it."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self._web = httpx.Client(base_url=self.url)
        app = self._post(
            "/api/v1/apps", client_name="uji", redirect_uris="urn:ietf:wg:oauth:2.0:oob", scopes="read write"
        )
        token = self._post(
            "/oauth/token",
            client_id=app["client_id"],
            client_secret=app["client_secret"],
            grant_type="client_credentials",
            scope="write",
        )
        self._sign_in(token)
        account = {"email": "sari@example.invalid", "password": "dermaga-pagi", "agreement": "true", "locale": "id"}
        self._sign_in(self._post("/api/v1/accounts", username="sari", **account))

    def _sign_in(self, token):
        self._web.headers["Authorization"] = f"Bearer {token['access_token']}"

    def _post(self, path, **fields):
        return self._web.post(path, data=fields).raise_for_status().json()

    def close(self):
        self._web.close()

    def say(self, text, **fields):
        return self._post("/api/v1/statuses", status=text, **fields)

    def boost(self, status):
        return self._post(f"/api/v1/statuses/{status['id']}/reblog")

    def edit(self, status, text):
        self._web.put(f"/api/v1/statuses/{status['id']}", data={"status": text}).raise_for_status()


@pytest.fixture
def square():
    """A fresh server with an empty in-memory database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sysconfig.get_path("scripts")) / "mastodon_mock"
    server = subprocess.Popen(
        [str(command), "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port), "--log-level", "critical"]
    )
    try:
        _await(f"http://127.0.0.1:{port}/api/v1/instance")
        square = Square(port)
        yield square
        square.close()
    finally:
        server.kill()
        server.wait()


def _await(url):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def test_an_account_with_edits_boosts_and_warnings_is_crawled_from_a_real_server(
    sqlite_world, sqlite_url, evidence, square
):
    statuses = [square.say(f"Kabar ke-{n} dari dermaga & pasar <b>Seruni</b>") for n in range(43)]
    square.say("Ayo pilih Bang Raka, nomor 1!\n#SeruniBangkit", spoiler_text="soal pemilihan")
    square.boost(statuses[3])

    crawls = Crawls(sqlite_world.database, sqlite_url, evidence, sqlite_world.mandate)
    crawls.allowed.append(("127.0.0.1", int(square.url.rpartition(":")[2])))
    target = crawls.target("mastodon", f"{square.url}/@sari", sqlite_world.account)
    missing = crawls.target("mastodon", f"{square.url}/@tidak_ada")
    first, gone = crawls.run(target, missing)
    assert (first.outcome, first.posts_new, first.unparsed) == (RunOutcome.DONE, 45, 0)
    assert gone.outcome is RunOutcome.GONE

    square.edit(statuses[40], "Ralat: dermaga tutup")
    square.say("Kabar baru")
    (second,) = crawls.run(target)
    assert (second.posts_new, second.posts_edited) == (1, 1)
    texts = list(crawls.texts().values())
    assert ["Kabar ke-40 dari dermaga & pasar <b>Seruni</b>", "Ralat: dermaga tutup"] in texts
    assert ["soal pemilihan\n\nAyo pilih Bang Raka, nomor 1!\n#SeruniBangkit"] in texts
    assert len(texts) == 46
