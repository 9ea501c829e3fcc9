"""`/metrics`: readable by Prometheus, silent about people, closed to strangers."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from models.clock import utc_now
from models.health.counts import LAG, count_runs
from models.hosts import HostNews, note_news, take_hosts
from models.ids import new_id
from models.targets import Run, RunOutcome, add_target
from pipeline.metrics import HOSTS, LEAST_TARGETS
from pipeline.pages import web_application
from pipeline.settings import Settings, WebSettings

ORIGIN = "http://127.0.0.1:8000"
TOKEN = "rahasia-untuk-prometheus"


def crawled(world, host, number=1, outcome=RunOutcome.FAILED):
    at = utc_now()
    with world.database.write() as session:
        for _ in range(number):
            target = add_target(
                session, world.mandate, source="feed", address=f"https://{host}/{new_id()}", account=None, actor="test"
            )
            session.add(Run(target_id=target.id, host=host, due_at=at, started_at=at, ended_at=at, outcome=outcome,
                            posts_seen=10, unparsed=2))  # fmt: skip
    count_runs(world.database, now=utc_now() + LAG)


def asked(world, *hosts):
    with world.database.write() as session:
        take_hosts(session, hosts, new_id(), now=utc_now(), lease=LAG)
        news = [HostNews(host, requests=7, failures=5, failure="HTTP 503") for host in hosts]
        note_news(session, news, actor="test", now=utc_now())


def visitor(app, *, token="", client=("127.0.0.1", 5000), origin=ORIGIN):
    web = WebSettings(metrics_token=token, public_origins=["https://netra.example"])
    settings = app.settings.model_copy(update={"web": web})
    pages = web_application(
        app.__class__(settings=settings, database=app.database, vault=app.vault, evidence=app.evidence)
    )
    return TestClient(pages, base_url=origin, client=client)


def families(text):
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text, name, **labels):
    (sample,) = [one for one in families(text)[name].samples if labels.items() <= one.labels.items()]
    return sample.value


def test_the_figures_are_those_of_the_page(app, world):
    crawled(world, "lapak.example", 3)
    crawled(world, "pasar.example", 2, RunOutcome.DONE)
    answer = visitor(app).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert value(answer.text, "netra_targets", source="feed", outcome="failed") == 3
    assert value(answer.text, "netra_targets", source="feed", outcome="done") == 2
    assert value(answer.text, "netra_items_unparsed_last_day", source="feed") == 10
    assert value(answer.text, "netra_concerns", kind="unparsed") == 1
    assert value(answer.text, "netra_concerns", kind="gone") == 0
    assert value(answer.text, "netra_database_bytes") > 100_000


def test_no_label_names_a_person(app, world):
    crawled(world, "platform.example", LEAST_TARGETS)
    crawled(world, "sari-melur-wening.example", 1)
    asked(world, "platform.example", "sari-melur-wening.example")
    text = visitor(app).get("/metrics").text
    assert value(text, "netra_hosts_broken") == 2
    assert value(text, "netra_host_requests_hour", host="platform.example") == 7
    assert "melur" not in text
    assert "sari" not in text.lower()


def test_the_labels_stay_few_however_many_hosts_there_are(app, world):
    names = [f"h{number}.example" for number in range(HOSTS + 10)]
    with world.database.write() as session:
        for name in names:
            for _ in range(LEAST_TARGETS):
                add_target(session, world.mandate, source="feed", address=f"https://{name}/{new_id()}", account=None,
                           actor="test")  # fmt: skip
    asked(world, *names)
    text = visitor(app).get("/metrics").text
    assert len(families(text)["netra_host_requests_hour"].samples) == HOSTS


@pytest.mark.parametrize(
    "options",
    [
        {"client": ("192.0.2.7", 5000)},
        {"origin": "https://netra.example"},
        {"client": ("192.0.2.7", 5000), "origin": "https://netra.example"},
    ],
)
def test_without_a_token_only_this_machine_reads(app, options):
    assert visitor(app, **options).get("/metrics").status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_is_not_this_machine(app, header):
    assert visitor(app).get("/metrics", headers={header: "192.0.2.7"}).status_code == 403


def test_with_a_token_whoever_shows_it_reads_from_anywhere(app):
    outside = visitor(app, token=TOKEN, client=("192.0.2.7", 5000), origin="https://netra.example")
    assert outside.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for shown in ("", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer é"):
        assert outside.get("/metrics", headers={"Authorization": shown.encode()}).status_code == 403
    assert visitor(app, token=TOKEN).get("/metrics").status_code == 403


def test_another_host_name_is_refused_before_anything_else(app):
    assert visitor(app, origin="http://rebound.example").get("/metrics").status_code == 421


def test_a_short_token_is_no_token():
    with pytest.raises(ValueError, match="metrics_token"):
        WebSettings(metrics_token="pendek")
    assert Settings.model_fields["web"].default.metrics_token == ""
