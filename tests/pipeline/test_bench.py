"""Every measurement runs, measures the same work on both sides, and its table tells the truth."""

from __future__ import annotations

import io
import json

import pypdf
import pytest
from rich.console import Console
from sqlalchemy import func, select

from classifier.evaluation import bench
from crawler.bench import bare_crawl
from models.errors import BadInput
from models.flags import Flag, FlagState
from models.posts import Post
from pipeline.bench.capturing import measure_capture
from pipeline.bench.classifying import measure_classifier, measure_cold_start
from pipeline.bench.crawling import crawled, in_child, measure_crawl
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.lag import measure_lag
from pipeline.bench.measurements import MEASUREMENTS
from pipeline.bench.pages import measure_pages
from pipeline.bench.reporting import measure_report, pdf_pages
from pipeline.bench.scratch import raise_flags, scratch
from pipeline.bench.size import Size
from pipeline.bench.storage import measure_storage
from pipeline.bench.table import figures_table, spread
from pipeline.bench.timelines import timelines
from pipeline.commands.bench import bench as bench_command

TINY = Size(rounds=1, mixed=10, political=4, hosts=2, accounts=1, posts=50, flags=12, views=2, captures=1,
            lag_targets=3_600, lag_hosts=20, lag_delay=0.1, lag_past=1, lag_warm_up=10, lag_seconds=8)  # fmt: skip


def the_figures(measure) -> list[Figure]:
    """What a tiny measurement gives: positive numbers (shares may be none), as many references as values."""
    figures = measure(TINY)
    assert figures
    for figure in figures:
        assert figure.values
        assert all(value > 0 or (figure.unit == "%" and value == 0) for value in figure.values + figure.reference)
        assert len(figure.ratios) == len(figure.reference)
        json.dumps(figure.as_json(), allow_nan=False)
    return figures


def test_the_classifier_is_measured_beside_the_reference():
    mixed, political, explained, lost = the_figures(measure_classifier)
    assert "10 unggahan, 8 berbeda" in mixed.note
    assert "4 unggahan, 4 berbeda" in political.note
    assert mixed.reference
    assert political.reference
    assert not explained.reference
    assert lost.goal
    assert "unggahan yang tidak dilatihkan" in lost.note


def test_a_cold_start_is_measured():
    (figure,) = the_figures(measure_cold_start)
    assert figure.goal == Goal(Aim.AT_MOST, 3)


def test_both_crawls_are_measured():
    (figure,) = the_figures(measure_crawl)
    assert figure.note.startswith("100 unggahan, 2 host")


def test_both_crawls_get_the_same_posts(tmp_path):
    out = tmp_path / "posts.jsonl"
    with timelines(TINY) as addresses:
        in_child(bare_crawl, addresses, out)
        bare = [json.loads(line)["uri"] for line in out.read_text().splitlines()]
        with crawled(addresses) as done, done.app.database.read() as session:
            ours = session.scalars(select(Post.external_id)).all()
    assert sorted(bare) == sorted(ours)
    assert len(set(ours)) == len(addresses) * TINY.posts == done.posts


def test_the_storage_of_a_crawl_is_measured():
    (figure,) = the_figures(measure_storage)
    for part in ("respons mentah", "unggahan", "versi", "jejak audit", "indeks", "gzip"):
        assert part in figure.note


def test_the_lag_of_the_schedule_is_measured_with_its_memory_and_manners():
    lag, memory = the_figures(measure_lag)
    assert "3600 sasaran per jam di 20 host" in lag.note
    assert "terbanyak bersamaan 1" in lag.note
    assert lag.met
    assert 100 < memory.values[0] < 1_000


def test_the_review_pages_are_measured():
    queue, item = the_figures(measure_pages)
    assert queue.note == item.note == "12 temuan menunggu, median dari 2 tampilan per putaran"


def test_a_report_is_measured_and_its_bytes_are_compared():
    (figure,) = the_figures(measure_report)
    assert "byte sama setiap kali" in figure.note


@pytest.mark.browser
def test_captures_are_measured_in_a_real_browser():
    (figure,) = the_figures(measure_capture)
    assert "1 dengan teks ditemukan, 0 rusak" in figure.note


def test_the_mixed_stream_is_mostly_everyday_posts_with_copies_among_them():
    political = {post.text for post in bench.read_posts() if post.partisan}
    stream = bench.mixed_stream(200)
    assert stream == bench.mixed_stream(200)
    assert len(stream) == 200
    assert len(set(stream)) == 160
    assert len(set(stream) & political) == 24


def test_the_political_stream_has_no_post_twice():
    assert len(set(bench.political_stream(50))) == 50


def test_scratch_flags_wait_for_reviewers():
    with scratch() as app:
        raised = raise_flags(app, ["Ayo pilih nomor 1!", "Ayo pilih nomor 2!"])
        with app.database.read() as session:
            ready = session.scalar(select(func.count()).select_from(Flag).where(Flag.state == FlagState.READY))
    assert len(raised) == ready == 2


def test_the_pages_of_a_pdf_are_counted():
    writer = pypdf.PdfWriter()
    for _ in range(3):
        writer.add_blank_page(100, 100)
    whole = io.BytesIO()
    writer.write(whole)
    assert pdf_pages(whole.getvalue()) == 3


def test_a_ratio_compares_the_two_sides_of_one_round():
    figure = Figure("Crawl", "unggahan/detik", (10.0, 30.0), "Scrapy", (20.0, 20.0), Goal(Aim.AT_LEAST, 1.0))
    assert figure.ratios == (0.5, 1.5)
    assert figure.met is True


@pytest.mark.parametrize(("aim", "met"), [(Aim.AT_LEAST, False), (Aim.AT_MOST, True)])
def test_without_a_reference_the_goal_bounds_the_value(aim, met):
    assert Figure("Mulai", "detik", (2.0,), goal=Goal(aim, 3.0)).met is met


def test_a_figure_without_a_goal_is_neither_met_nor_missed():
    assert Figure("Mulai", "detik", (2.0,)).met is None


def test_the_table_shows_median_and_range_and_whether_the_goal_is_met():
    out = io.StringIO()
    figures = [
        Figure("Crawl", "unggahan/detik", (500.0, 600.0, 900.0), "Scrapy", (1000.0, 1000.0, 1000.0),
               Goal(Aim.AT_LEAST, 0.9)),
        Figure("Mulai", "detik", (2.0,), goal=Goal(Aim.AT_MOST, 3.0)),
    ]  # fmt: skip
    Console(file=out, width=150).print(figures_table(figures))
    header, crawl, start = out.getvalue().splitlines()
    assert header.split()[0] == "Yang"
    assert "600 (500–900) unggahan/detik" in crawl
    assert "0.6 (0.5–0.9) ×" in crawl
    assert crawl.rstrip().endswith("✗")
    assert start.rstrip().endswith("✓")


def test_a_single_round_has_no_range():
    assert spread([2.0]) == "2"


def test_an_unknown_measurement_is_refused_by_name():
    with pytest.raises(BadInput, match="there are classifier, cold-start, crawl"):
        bench_command(only="kopi")


def test_every_measurement_has_a_name():
    assert set(MEASUREMENTS) == {"classifier", "cold-start", "crawl", "storage", "lag", "pages", "report", "capture"}
