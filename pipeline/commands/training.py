"""Teaching the classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from models.errors import BadInput
from pipeline.commands.options import Home
from pipeline.parts import weights_directory
from pipeline.settings import read_settings


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(train)


def train(
    *,
    out: Annotated[Path, typer.Option(help="Direktori model baru; namanya menjadi nama model.")],
    labels: Annotated[
        list[Path] | None, typer.Option(help="Label hasil `netra export labels`; boleh lebih dari satu.")
    ] = None,
    version: Annotated[str, typer.Option(help="Versi model baru.")] = "1",
    start: Annotated[
        Path | None, typer.Option("--from", help="Model yang dilanjutkan (bawaan: model yang sedang dipakai).")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="Latih dari awal: direktori, atau PEMILIK/NAMA@COMMIT di Hugging Face (bawaan: [model] base)."
        ),
    ] = None,
    headlines: Annotated[Path | None, typer.Option(help="CSV berkolom text: judul berita, netral semuanya.")] = None,
    headlines_contest: Annotated[Path | None, typer.Option(help="Berkas pemilihan untuk menyamarkan judul.")] = None,
    tweets: Annotated[Path | None, typer.Option(help="CSV id,text: cuitan yang labelnya di pool_labels.tsv.")] = None,
    tweets_contest: Annotated[Path | None, typer.Option(help="Berkas pemilihan untuk menyamarkan cuitan.")] = None,
    home: Home = None,
) -> None:
    """Latih model dari label kantor sendiri (melanjutkan model yang dipakai), atau dari awal dengan --base."""
    settings = read_settings(home)
    begin = base or settings.model.base
    if begin is None and not labels:
        raise BadInput("nothing to learn from: give --labels, or --base to train from the beginning")
    from classifier.training.finetune import TrainSettings  # noqa: PLC0415 - wrong options are told before torch loads
    from classifier.training.train import Sources  # noqa: PLC0415
    from classifier.training.train import train as train_from  # noqa: PLC0415
    from classifier.training.update import update  # noqa: PLC0415
    from classifier.training.verdicts import verdict_examples  # noqa: PLC0415
    from classifier.training.watch import Watch  # noqa: PLC0415

    watch = Watch(Console(stderr=True))
    learnt = [example for path in labels or () for example in verdict_examples(path)]
    with watch.shown():
        if begin is None:
            update(start or weights_directory(settings), learnt, out, version, watch)
        else:
            sources = Sources(headlines, headlines_contest, tweets, tweets_contest)
            chosen = TrainSettings()
            train_from(out, begin, [*sources.examples(chosen.seed), *learnt], version, chosen, watch)
    watch.say(f"model {out.name}@{version}: {out}")
