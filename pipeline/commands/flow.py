"""The flow: one stage at a time by hand, or all of them under one supervisor."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import time
from collections.abc import Callable
from typing import Annotated

import filelock
import structlog
import typer
from sqlalchemy import Select, select

from models.clock import utc_now
from models.errors import BadInput, Conflict, NotFound
from models.targets import Run, RunOutcome, Target, queue_run
from pipeline.application import Application, open_application
from pipeline.commands.options import Home
from pipeline.progress import counter
from pipeline.stages import assess_new, capture_pending_flags, crawl_queued, purge_old, queue_due
from pipeline.supervisor import Part, end_with_supervisor, part_command, supervise
from pipeline.work import WORKERS, run_worker, stop_on_signals

UnderSupervisor = Annotated[bool, typer.Option("--under-supervisor", hidden=True)]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    for command in (crawl, assess, capture, purge, work, serve, run):
        app.command()(command)


def crawl(
    target: Annotated[str | None, typer.Option(help="Hanya sasaran ini, sekarang juga.")] = None, home: Home = None
) -> None:
    """Crawl sasaran yang jatuh tempo (atau satu sasaran), lalu tampilkan hasilnya."""
    with open_application(home) as app:
        began = utc_now()
        if target is None:
            until_idle(app, "Menjadwalkan", queue_due)
            run_ids = None
        else:
            run_ids = [_queue_now(app, target)]
        _crawl_or_wait(app, run_ids)
        with app.database.read() as session:
            query = _runs_since(began) if run_ids is None else _runs_named(run_ids)
            for done in session.scalars(query):
                counts = f"baru {done.posts_new}, disunting {done.posts_edited}"
                typer.echo(f"{done.id}\t{done.outcome}\t{counts}\t{done.reason}")


def assess(home: Home = None) -> None:
    """Nilai semua unggahan yang belum dinilai."""
    with open_application(home) as app:
        typer.echo(f"{until_idle(app, 'Menilai unggahan', assess_new)} unggahan dinilai")


def capture(home: Home = None) -> None:
    """Ambil tangkapan halaman untuk semua temuan yang menunggu."""
    with open_application(home) as app:
        typer.echo(f"{until_idle(app, 'Mengambil tangkapan', capture_pending_flags)} tangkapan")


def purge(home: Home = None) -> None:
    """Hapus unggahan tanpa temuan yang lewat masa simpan; yang tersisa hanya hash bergaram."""
    with open_application(home) as app:
        typer.echo(f"{purge_old(app)} unggahan dihapus (masa simpan {app.settings.retention_days} hari)")


def work(
    stage: Annotated[str, typer.Argument(help="crawl, assess, capture, atau clock.")],
    home: Home = None,
    under_supervisor: UnderSupervisor = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Jalankan satu bagian terus-menerus (netra run menjalankan semuanya)."""
    stop = stop_on_signals()
    if under_supervisor:
        end_with_supervisor()
    structlog.contextvars.bind_contextvars(part=stage)
    with open_application(home) as app:
        if stage == "clock":
            from pipeline.schedule import run_clock  # noqa: PLC0415 - only this part keeps time

            run_clock(app, stop)
            return
        found = next((worker for worker in WORKERS if worker.name == stage), None)
        if found is None:
            raise BadInput(f"no stage {stage!r}; there are clock, {', '.join(worker.name for worker in WORKERS)}")
        run_worker(dataclasses.replace(app, stop=stop, lingers=True), found, stop)


def serve(home: Home = None, under_supervisor: UnderSupervisor = False) -> None:  # noqa: FBT002 - a flag
    """Sajikan halaman telaah saja."""
    from pipeline.pages import web_application  # noqa: PLC0415
    from review_ui.serve import serve as serve_pages  # noqa: PLC0415

    if under_supervisor:
        end_with_supervisor()
    with open_application(home) as app:
        serve_pages(web_application(app), app.settings.web.host, app.settings.web.port)


def run(home: Home = None) -> None:
    """Jalankan semuanya: jadwal, crawl, penilaian, tangkapan, dan halaman telaah."""
    with open_application(home) as app:
        run_everything(app)


def _crawl_or_wait(app: Application, run_ids: list[str] | None) -> None:
    """Crawl here; where 'netra run' does so already, wait until it has done what was queued."""
    try:
        crawl_queued(app, run_ids=run_ids)
    except filelock.Timeout:
        typer.echo("netra run sedang meng-crawl; menunggu hasilnya …", err=True)
        _wait_for(app, run_ids)


def _wait_for(app: Application, run_ids: list[str] | None) -> None:
    while True:
        with app.database.read() as session:
            open_runs = select(Run.id).where(Run.outcome.in_((RunOutcome.QUEUED, RunOutcome.RUNNING)))
            if run_ids is not None:
                open_runs = open_runs.where(Run.id.in_(run_ids))
            if session.scalar(open_runs.limit(1)) is None:
                return
        time.sleep(1)


def run_everything(app: Application) -> None:
    """Supervise every part until a signal comes.

    Raises:
        Conflict: another `netra run` works in this home.
    """
    stop = stop_on_signals()
    lock = filelock.FileLock(app.settings.home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise Conflict(f"netra run works in {app.settings.home} already") from error
    with lock:
        home = ("--home", str(app.settings.home), "--under-supervisor")
        parts = [Part("web", part_command("serve", *home)), Part("clock", part_command("work", "clock", *home))]
        parts += [Part(worker.name, part_command("work", worker.name, *home)) for worker in WORKERS]
        typer.echo(f"Netra berjalan: http://{app.settings.web.host}:{app.settings.web.port}  (Ctrl+C untuk berhenti)")
        supervise(app.database, parts, stop)


def until_idle(app: Application, label: str, advance: Callable[[Application], int]) -> int:
    """Advance a stage until it finds nothing to do, with a bar; returns how many rows it moved."""
    total = 0
    with counter(label) as show:
        for _turn in itertools.count():
            moved = advance(app)
            if not moved:
                return total
            total += moved
            show(moved)
    return total


def _queue_now(app: Application, target_id: str) -> str:
    with app.database.write() as session:
        target = session.get(Target, target_id)
        if target is None:
            raise NotFound(f"no target {target_id}; 'netra targets list' shows them")
        queued = queue_run(session, target, due_at=utc_now(), actor="netra crawl")
        if queued is None:
            raise Conflict("this target is being queued by somebody else")
        return queued.id


def _runs_named(run_ids: list[str]) -> Select[Run]:
    return select(Run).where(Run.id.in_(run_ids))


def _runs_since(began: dt.datetime) -> Select[Run]:
    return select(Run).where(Run.ended_at >= began).order_by(Run.ended_at)
