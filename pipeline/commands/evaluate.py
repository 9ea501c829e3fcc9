"""`netra evaluate`: how good a model is, on labelled posts that it was not trained on."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from models.canonical import canonical_json
from models.contest import ContestSpec
from models.errors import BadInput
from pipeline.commands.options import Home, contests_by_source
from pipeline.parts import classifier_model, database_if_any
from pipeline.settings import read_settings

if TYPE_CHECKING:  # torch and Altair are loaded only once there is something to measure
    from classifier.assess import Model
    from classifier.evaluation.evaluate import Evaluation, Wanted

PICTURES = (("Keandalan skor", "reliability.svg"), ("Presisi dan recall", "precision_recall.svg"))


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(evaluate)


def evaluate(
    file: Annotated[Path | None, typer.Argument(help="CSV dengan kolom id,text,label,source.")] = None,
    *,
    contest: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE=FILE", help="Berkas pemilihan tiap sumber; dapat diulang."),
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Direktori model (bawaan: yang sedang dipakai).")] = None,
    out: Annotated[Path | None, typer.Option(help="Direktori untuk card.md, metrics.json dan gambar.")] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Ukur juga aturan sederhana dan TF-IDF.")] = False,
    behaviour: Annotated[bool, typer.Option("--behaviour", help="Jalankan uji perilaku.")] = False,
    languages: Annotated[bool, typer.Option("--languages", help="Bandingkan bahasa daerah dengan Indonesia.")] = False,
    capacity: Annotated[float | None, typer.Option(help="Ambang untuk sekian telaah sehari.")] = None,
    posts_a_day: Annotated[float | None, typer.Option(help="Unggahan sehari di aliran.")] = None,
    prevalence: Annotated[float | None, typer.Option(help="Bagian aliran yang memihak, misalnya 0.01.")] = None,
    home: Home = None,
) -> None:
    """Ukur model pada unggahan berlabel: per sumber, pemilihan, ragam dan calon, dengan selang kepercayaan."""
    wanted = {"capacity": capacity, "posts_a_day": posts_a_day, "prevalence": prevalence}
    if file is None and not behaviour and not languages:
        raise BadInput("give a labelled file, --behaviour or --languages")
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput("--out is no directory", path=out)
    _check_capacity(wanted)
    contests = contests_by_source(contest or [])
    loaded = _model(model, home)
    if behaviour:
        _behave(loaded)
    if languages:
        _compare_languages(loaded)
    if file is not None:
        _report(_measure(file, contests, loaded, _wanted(wanted, baselines=baselines)), out)


def _model(directory: Path | None, home: Path | None) -> Model:
    """The model named, else the one that scores."""
    from classifier.assess import load_model  # noqa: PLC0415 - wrong files are told before torch loads

    if directory is not None:
        return load_model(directory)
    settings = read_settings(home)
    with database_if_any(settings) as database:
        return classifier_model(settings, database)


def _check_capacity(given: Mapping[str, float | None]) -> None:
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return
    if missing:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise BadInput(f"a threshold by capacity also needs {names}")
    for name, value in given.items():
        if value is not None and not 0 < value < (1 if name == "prevalence" else math.inf):
            raise BadInput(f"--{name.replace('_', '-')} {value} is out of range")


def _wanted(given: Mapping[str, float | None], *, baselines: bool) -> Wanted:
    from classifier.evaluation.capacity import Stream  # noqa: PLC0415
    from classifier.evaluation.evaluate import Wanted  # noqa: PLC0415

    reviews, posts, prevalence = given["capacity"], given["posts_a_day"], given["prevalence"]
    stream = None if posts is None or prevalence is None else Stream(posts, prevalence)
    return Wanted(baselines=baselines, reviews=reviews, stream=stream)


def _measure(file: Path, contests: Mapping[str, ContestSpec], model: Model, wanted: Wanted) -> Evaluation:
    from classifier.evaluation.evaluate import evaluate  # noqa: PLC0415
    from classifier.training.watch import Watch  # noqa: PLC0415

    watch = Watch(Console(stderr=True))
    with watch.shown():
        return evaluate(file, contests, model, wanted, watch)


def _report(found: Evaluation, out: Path | None) -> None:
    from classifier.evaluation.card import card  # noqa: PLC0415

    if out is None:
        typer.echo(card(found), nl=False)
        return
    from classifier.evaluation.pictures import precision_recall_picture, reliability_picture  # noqa: PLC0415

    _write(
        out,
        {
            "card.md": card(found, pictures=PICTURES).encode(),
            "metrics.json": canonical_json(found.as_json()),
            "reliability.svg": reliability_picture(found.asked, found.answered).encode(),
            "precision_recall.svg": precision_recall_picture(found.asked, found.answered).encode(),
        },
    )
    typer.echo(f"{out / 'card.md'}")


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write every file in full beside its place before any is put there."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".netra-") as waiting:
        for name, content in files.items():
            (Path(waiting) / name).write_bytes(content)
        for name in files:
            (Path(waiting) / name).replace(directory / name)


def _behave(model: Model) -> None:
    from classifier.evaluation.behaviour import behave, pass_rates, read_cases  # noqa: PLC0415
    from classifier.evaluation.card import behaviour_table  # noqa: PLC0415

    typer.echo(behaviour_table(pass_rates(behave(model, read_cases()))), nl=False)


def _compare_languages(model: Model) -> None:
    from classifier.evaluation.card import languages_table  # noqa: PLC0415
    from classifier.evaluation.regional import regional_costs  # noqa: PLC0415
    from classifier.training.watch import Watch  # noqa: PLC0415

    watch = Watch(Console(stderr=True))
    with watch.shown():
        costs = regional_costs(model, watch)
    typer.echo(languages_table(costs), nl=False)
