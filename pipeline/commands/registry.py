"""`netra models`: which classifiers this office knows, which one scores, and how that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import select

from classifier.shipped import SHIPPED
from models.base import JsonObject
from models.canonical import canonical_json, sha256_hex
from models.classifiers import (
    ClassifierModel,
    ComparisonOutcome,
    ModelState,
    approve_model,
    comparisons_of,
    find_model,
    propose_model,
    register_model,
    rollback_model,
    store_comparison,
)
from models.contest import ContestSpec
from models.errors import BadInput
from models.log import record
from models.officers import Officer, Role, actor_of, require_role
from pipeline.application import Application, open_application
from pipeline.commands.drift import drift
from pipeline.commands.options import Acting, Home, SourceContests, acting_officer, contests_by_source
from pipeline.commands.thresholds import threshold
from pipeline.comparison_table import comparison_table
from pipeline.model_store import ScoringModel, champion_sha256, require_intact, scoring_model, staged_model
from pipeline.progress import counter

if TYPE_CHECKING:  # torch loads only where a model is read
    from classifier.assess import Model

SHIPPED_WORD = "shipped"
_STATES = {
    ModelState.CANDIDATE: "calon",
    ModelState.PROPOSED: "diusulkan",
    ModelState.ACTIVE: "dipakai",
    ModelState.RETIRED: "diganti",
}

Directory = Annotated[str, typer.Argument(metavar="DIR", help="Direktori model, NAMA@VERSI, atau kata shipped.")]
Named = Annotated[str, typer.Argument(metavar="VERSI", help="NAMA@VERSI, atau delapan angka pertama SHA-256-nya.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    models = typer.Typer(help="Model penilai: daftar, banding, usul, setujui, kembalikan.", no_args_is_help=True)
    models.command("list")(list_models)
    models.command("register")(register_directory)
    models.command("compare")(compare)
    models.command("show")(show)
    models.command("promote")(promote)
    models.command("approve")(approve)
    models.command("rollback")(rollback)
    models.command("threshold")(threshold)
    models.command("drift")(drift)
    app.add_typer(models, name="models")


def list_models(home: Home = None) -> None:
    """Tampilkan model yang dikenal, keadaannya, dan yang sedang menilai."""
    with open_application(home) as app:
        chosen = scoring_model(app.settings, app.database)
        with app.database.read() as session:
            models = session.scalars(select(ClassifierModel).order_by(ClassifierModel.registered_at)).all()
            names = {officer.id: officer.username for officer in session.scalars(select(Officer))}
    table = Table("Model", "Keadaan", "Sejak (UTC)", "Oleh", "SHA-256", "Catatan", box=None, pad_edge=False)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for model in models:
        people, note = _people(model, names)
        cells = (model.label, _STATES[model.state], f"{model.since:%Y-%m-%d %H:%M}", people, model.sha256[:12], note)
        table.add_row(*map(Text, cells))
    Console().print(table)
    typer.echo(f"Yang menilai sekarang: {_shown(chosen)}")


def register_directory(directory: Directory, officer: Acting, home: Home = None) -> None:
    """Salin sebuah model ke direktori data dan daftarkan; model yang sudah dikenal dipulihkan berkasnya."""
    with open_application(home) as app:
        acting = _analyst(app, officer)
        with staged_model(app.settings, _directory(app, directory)) as staged, app.database.write() as session:
            known = session.scalar(select(ClassifierModel).where(ClassifierModel.sha256 == staged.sha256))
            model = known or register_model(
                session,
                acting,
                name=staged.copy.name,
                version=staged.version,
                sha256=staged.sha256,
                location=staged.location,
            )
            if known is not None:
                record(session, "model.restored", model, actor=actor_of(acting), model=model.label, sha256=model.sha256)
            staged.place(model.location)
    done = "terdaftar" if known is None else "sudah terdaftar; berkasnya lengkap"
    typer.echo(f"{model.label}\t{model.sha256}\t{done} di {model.location}")


def compare(
    directory: Directory,
    file: Annotated[Path, typer.Argument(help="CSV berlabel: id,text,label,source.")],
    contest: SourceContests,
    officer: Acting,
    home: Home = None,
) -> None:
    """Bandingkan sebuah model dengan yang sedang dipakai pada baris berlabel yang sama, dan simpan hasilnya.

    Keluar dengan kode 1 bila tidak lulus.
    """
    contests = contests_by_source(contest)
    with open_application(home) as app:
        acting = _analyst(app, officer)
        passed, body = _compared(app, directory, file, contests)
        challenger, champion = (body[side]["sha256"] for side in ("challenger", "champion"))
        outcome = ComparisonOutcome(challenger, champion, passed, body)
        with app.database.write() as session:
            store_comparison(session, acting, outcome)
    typer.echo(comparison_table(body), nl=False)
    if not passed:
        raise typer.Exit(1)


def show(version: Named, home: Home = None) -> None:
    """Tampilkan perbandingan terbaru sebuah model, dan berapa kali dicoba; bacalah sebelum menyetujui."""
    with open_application(home) as app, app.database.read() as session:
        model = find_model(session, version)
        comparisons = comparisons_of(session, model)
    if not comparisons:
        raise BadInput(f"model {model.label} was never compared: 'netra models compare'")
    typer.echo(comparison_table(comparisons[0].read_body()))
    for done in comparisons:
        typer.echo(f"{done.compared_at:%Y-%m-%d %H:%M} UTC\t{'lulus' if done.passed else 'tidak lulus'}")


def promote(version: Named, officer: Acting, home: Home = None) -> None:
    """Usulkan model yang lulus perbandingan; petugas lain menyetujuinya."""
    with open_application(home) as app:
        acting = acting_officer(app.database, officer)
        _require_files(app, version)
        initial = champion_sha256(scoring_model(app.settings, app.database))
        with app.database.write() as session:
            model = find_model(session, version)
            propose_model(session, model, acting, initial_sha256=initial)
    typer.echo(f"{model.label}\tmenunggu persetujuan petugas lain")


def approve(version: Named, officer: Acting, home: Home = None) -> None:
    """Setujui model yang diusulkan petugas lain; unggahan berikutnya dinilai dengannya."""
    with open_application(home) as app:
        acting = acting_officer(app.database, officer)
        _require_files(app, version)
        initial = champion_sha256(scoring_model(app.settings, app.database))
        with app.database.write() as session:
            model = find_model(session, version)
            approve_model(session, model, acting, initial_sha256=initial)
            tries = len(comparisons_of(session, model))
    typer.echo(f"{model.label}\tdipakai untuk unggahan berikutnya (dibandingkan {tries} kali)")


def rollback(
    officer: Acting,
    reason: Annotated[str, typer.Option(help="Alasan; dicatat dan ditampilkan.")],
    home: Home = None,
) -> None:
    """Kembali seketika ke model sebelumnya; satu petugas cukup."""
    with open_application(home) as app:
        acting = acting_officer(app.database, officer)
        with app.database.write() as session:
            rollback_model(session, acting, reason=reason)
        chosen = scoring_model(app.settings, app.database)
    typer.echo(f"{_shown(chosen)}\tdipakai untuk unggahan berikutnya")


def _analyst(app: Application, username: str) -> Officer:
    """The acting officer, an analyst; told before minutes of work and not after."""
    officer = acting_officer(app.database, username)
    require_role(officer, Role.ANALYST)
    return officer


def _directory(app: Application, named: str) -> Path:
    """The directory meant: a path, a registered model's, or the shipped one's."""
    if named == SHIPPED_WORD:
        return SHIPPED
    if Path(named).is_dir():
        return Path(named)
    if "@" not in named:
        raise BadInput("no such directory", path=named)
    with app.database.read() as session:
        return app.settings.home / find_model(session, named).location


def _require_files(app: Application, version: str) -> None:
    """Nobody proposes or approves what could not score."""
    with app.database.read() as session:
        model = find_model(session, version)
    require_intact(app.settings, model)


def _compared(
    app: Application, directory: str, file: Path, contests: dict[str, ContestSpec]
) -> tuple[bool, JsonObject]:
    """The verdict, and all that is stored of the comparison: no text, but the hashes of what it was made on."""
    from classifier.assess import load_model  # noqa: PLC0415 - wrong arguments are told before torch loads
    from classifier.evaluation.compare import answers_of, compare, read_comparable  # noqa: PLC0415
    from pipeline.parts import classifier_model  # noqa: PLC0415

    texts, rows = read_comparable(file, contests)
    challenger, champion = load_model(_directory(app, directory)), classifier_model(app.settings, app.database)
    with counter("Menilai baris", total=2 * len(texts)) as advance:
        new, old = (answers_of(model, texts, contests, advance) for model in (challenger, champion))
    result = compare(rows, new, old)
    data = {
        "file": file.name,
        "sha256": sha256_hex(file.read_bytes()),
        "rows": len(texts),
        "contests": {
            source: {"name": spec.name, "sha256": sha256_hex(canonical_json(spec.model_dump(mode="json")))}
            for source, spec in contests.items()
        },
    }
    described = {"challenger": _described(challenger), "champion": _described(champion), "data": data}
    return result.passed, result.as_json() | described


def _described(model: Model) -> JsonObject:
    return {"model": model.label, "sha256": model.sha256, "threshold": model.threshold}


def _shown(model: ScoringModel) -> str:
    return model.label or f"{model.directory.name} (bawaan)"


def _people(model: ClassifierModel, names: dict[str, str]) -> tuple[str, str]:
    """Who brought the model into its state, and what is to be known of it."""
    if model.rolled_back_by is not None and model.state is ModelState.RETIRED:
        return names[model.rolled_back_by], f"dikembalikan: {model.rollback_reason}"
    if model.proposed_by is not None:
        approver = model.approved_by
        note = "menunggu petugas lain" if approver is None else f"disetujui {names[approver]}"
        return names[model.proposed_by], note
    return names[model.registered_by], ""
