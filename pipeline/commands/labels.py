"""Labels: what the office decided goes out without names, what annotators say comes back, what to look at next."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.errors import BadInput
from models.log import record
from pipeline.application import Application, open_application
from pipeline.commands.options import Home

if TYPE_CHECKING:  # the masker's spaCy loads only where rows are read or made
    from classifier.labels.exported import TextRow

Out = Annotated[str, typer.Option(help="Berkas hasil; '-' untuk keluaran standar.")]
Format = Annotated[str, typer.Option("--format", help="jsonl, label-studio, argilla, atau doccano.")]
_EXCERPT = 100


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    export = typer.Typer(help="Keluarkan data tanpa nama siapa pun.", no_args_is_help=True)
    export.command("labels")(export_labels)
    app.add_typer(export, name="export")
    labels = typer.Typer(help="Label: masukkan, periksa, pilih yang berikut.", no_args_is_help=True)
    labels.command("import")(import_labels)
    labels.command("suspects")(list_suspects)
    labels.command("suggest")(suggest_texts)
    app.add_typer(labels, name="labels")


def export_labels(
    out: Out,
    fmt: Format = "jsonl",
    since: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Hanya yang diputuskan sejak tanggal ini (UTC).")
    ] = None,
    home: Home = None,
) -> None:
    """Tulis putusan dan label sampel sebagai baris label: teks bertopeng, tanpa akun, nama, unit, atau tanggal."""
    from classifier.labels.exchange.formats import check_format  # noqa: PLC0415
    from classifier.labels.verdicts import label_rows  # noqa: PLC0415

    check_format(fmt)
    begin = None if since is None else since.replace(tzinfo=dt.UTC)
    with open_application(home) as app:
        with app.database.read() as session:
            rows = label_rows(session, app.vault, since=begin)
        _write(app, rows, fmt, out, action="labels.exported", actor="netra export labels")
    typer.echo(f"{len(rows)} baris label", err=True)


def import_labels(file: Path, out: Out, fmt: Format = "jsonl") -> None:
    """Baca ekspor alat pelabelan dan tulis sebagai baris label."""
    from classifier.labels.exchange.formats import imported  # noqa: PLC0415
    from classifier.labels.exported import row_lines  # noqa: PLC0415
    from classifier.whole_file import whole_file  # noqa: PLC0415

    found = imported(file, fmt)
    with whole_file(out) as stream:
        stream.writelines(row_lines(found.rows))
    left = f"{found.unlabelled} belum berlabel, {found.disputed} diperselisihkan"
    typer.echo(f"{len(found.rows)} baris label; {left}", err=True)


def list_suspects(file: Path) -> None:
    """Tampilkan baris yang labelnya mungkin keliru, yang paling mencurigakan lebih dulu."""
    from classifier.labels.exported import read_label_rows  # noqa: PLC0415
    from classifier.labels.suspects import find_suspects  # noqa: PLC0415

    try:
        found = find_suspects(list(read_label_rows(file)))
    except BadInput as error:
        raise error if error.path else BadInput(error.message, path=file) from error
    for one in found:
        labels = f"{one.row.act} -> {one.likely}"
        typer.echo(f"{one.given_probability:.3f}\t{labels}\t{one.row.id}\t{_one_line(one.row.masked)}")


def suggest_texts(
    count: Annotated[int, typer.Option(min=1, max=1000, help="Berapa teks.")],
    out: Out = "-",
    fmt: Format = "jsonl",
    home: Home = None,
) -> None:
    """Pilih teks yang paling berguna untuk dilabeli: model ragu, dan tidak saling mirip."""
    from classifier.labels.exchange.formats import check_format  # noqa: PLC0415
    from classifier.labels.suggest import suggest  # noqa: PLC0415

    check_format(fmt)
    with open_application(home) as app:
        with app.database.read() as session:
            rows = suggest(session, app.vault, count=count)
        _write(app, rows, fmt, out, action="labels.suggested", actor="netra labels suggest")
    typer.echo(f"{len(rows)} teks", err=True)


def _write(app: Application, rows: Sequence[TextRow], fmt: str, out: str, *, action: str, actor: str) -> None:
    """The file and its log entry; what could not be logged is not written either."""
    from classifier.labels.exchange.formats import written  # noqa: PLC0415
    from classifier.whole_file import whole_file  # noqa: PLC0415

    digest = hashlib.sha256()
    with whole_file(out) as stream:
        stream.writelines(_hashed(written(rows, fmt), digest))
        with app.database.write() as session:
            record(session, action, f"labels:{fmt}", actor=actor, rows=len(rows), sha256=digest.hexdigest())


def _hashed(chunks: Iterable[bytes], digest: hashlib._Hash) -> Iterable[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _one_line(text: str) -> str:
    """The beginning of a text that comes from outside, without anything that a terminal takes for orders."""
    shown = "".join(char if char.isprintable() else " " for char in text[:_EXCERPT])
    return shown + ("…" if len(text) > _EXCERPT else "")
