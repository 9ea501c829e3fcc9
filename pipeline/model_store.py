"""Where models lie in a home, and which one scores."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.shipped import SHIPPED
from models.errors import BadInput, StorageError
from pipeline.settings import Settings

if TYPE_CHECKING:  # torch loads only where a model is read, the database's library where there is a home
    from classifier.assess import Model
    from models.classifiers import ClassifierModel
    from models.database import Database

FOLDER = "models"
_BESIDE = ("README.md", "reference.json", "tokenizer_config.json")
_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class ScoringModel:
    """The model to score with. `sha256`, where given, is checked at loading; `label` is None for the initial model."""

    directory: Path
    sha256: str | None
    label: str | None


@dataclasses.dataclass(frozen=True)
class StagedModel:
    """A model copied into the home and loaded once, but not yet in its place."""

    home: Path
    copy: Path
    version: str
    sha256: str

    @property
    def location(self) -> str:
        """Its place, relative to the home: under its SHA-256, so that no later training writes over it."""
        return f"{FOLDER}/{self.sha256[:_DIGITS]}/{self.copy.name}"

    def place(self, location: str) -> None:
        """Put it there; an intact copy stays, a damaged one is replaced."""
        target = self.home / location
        if is_intact(target, self.sha256):
            return
        target.parent.mkdir(exist_ok=True)
        if target.exists():
            shutil.rmtree(target)
        self.copy.rename(target)


def scoring_model(settings: Settings, database: Database | None) -> ScoringModel:
    """The model that two officers put in use; where there is none, the settings' model, else the shipped one.

    The settings come second: a line in a file, written by one person, must not undo what two approved and the log
    holds. `database` is None outside an initialised home.
    """
    if database is not None:
        from models.classifiers import active_model  # noqa: PLC0415

        with database.read() as session:
            active = active_model(session)
        if active is not None:
            return ScoringModel(settings.home / active.location, active.sha256, active.label)
    return ScoringModel(settings.model.directory or SHIPPED, settings.model.sha256, None)


def champion_sha256(model: ScoringModel) -> str:
    """The SHA-256 of the model that scores.

    Raises:
        BadInput: the initial model's directory is none.
    """
    from classifier.network.checkpoint import checkpoint_sha256  # noqa: PLC0415 - torch loads

    approved = model.sha256 if model.label is not None else None
    return approved or checkpoint_sha256(model.directory)


@contextlib.contextmanager
def staged_model(settings: Settings, source: Path) -> Iterator[StagedModel]:
    """Copy a model into the home and see that it can score; unless it is placed, no trace of it stays.

    Raises:
        BadInput: `source` is no model, or carries the initial model's label without being it.
    """
    from classifier.assess import load_model  # noqa: PLC0415 - torch loads
    from classifier.network.checkpoint import FILES, checkpoint_sha256  # noqa: PLC0415

    sha256 = checkpoint_sha256(source)
    folder = settings.home / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        copy = Path(temporary, source.resolve().name)
        copy.mkdir()
        for file in (*FILES, *(extra for extra in _BESIDE if (source / extra).is_file())):
            shutil.copyfile(source / file, copy / file)
        model = load_model(copy, sha256)
        _refuse_label_of(settings.model.directory or SHIPPED, model)
        yield StagedModel(settings.home, copy, model.version, sha256)


def _refuse_label_of(initial: Path, model: Model) -> None:
    """Two models of one label could not be told apart in assessments."""
    from classifier.network.calibrate import Calibration  # noqa: PLC0415 - torch loads
    from classifier.network.checkpoint import checkpoint_sha256  # noqa: PLC0415

    label = f"{initial.name}@{Calibration.load(initial / 'calibration.json').version}"
    if model.label == label and model.sha256 != checkpoint_sha256(initial):
        raise BadInput(f"the initial model is called {label} too: give this one its own name or version")


def is_intact(directory: Path, sha256: str) -> bool:
    """Whether the model of this SHA-256 lies there."""
    from classifier.network.checkpoint import checkpoint_sha256  # noqa: PLC0415 - torch loads

    try:
        return checkpoint_sha256(directory) == sha256
    except BadInput:
        return False


def require_intact(settings: Settings, model: ClassifierModel) -> None:
    """Let pass only a registered model whose files are there and unaltered.

    Raises:
        StorageError: they are not; says how to bring them back.
    """
    directory = settings.home / model.location
    if not is_intact(directory, model.sha256):
        raise StorageError(
            f"{directory}: the files of model {model.label} are missing or altered; bring them back with "
            "'netra models register' and its original directory"
        )
