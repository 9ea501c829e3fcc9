"""A model on disk: safetensors, JSON and a tokenizer file in one directory. Nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from classifier.network.bert import Bert
from classifier.network.calibrate import Calibration
from classifier.network.linear import LinearModel
from classifier.network.model import MAX_TOKENS, PartisanModel
from classifier.network.plain import PooledHead, described, joined_tensors, split_tensors
from classifier.network.skim import READS_ALL, Skim
from models.errors import BadInput

FILES = (
    "calibration.json",
    "config.json",
    "heads.safetensors",
    "linear.json",
    "linear.safetensors",
    "model.safetensors",
    "tokenizer.json",
)
"""Everything a score depends on; the model card beside them is for people."""


@dataclass(frozen=True)
class Checkpoint:
    """The parts of a trained classifier."""

    model: PartisanModel
    tokenizer: Tokenizer
    tokenizer_config: dict[str, Any]
    linear: LinearModel
    calibration: Calibration
    skim: Skim = READS_ALL


def checkpoint_sha256(directory: Path) -> str:
    """One SHA-256 for a model: over the names and SHA-256 sums of its files.

    Raises:
        BadInput: a file is missing.
    """
    lines: list[str] = []
    for name in FILES:
        try:
            with (directory / name).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
        except OSError as error:
            raise BadInput(f"not a model directory: {error.strerror}", path=directory / name) from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def save_checkpoint(directory: Path, checkpoint: Checkpoint, pooled: PooledHead | None = None) -> None:
    """Write a checkpoint, weights in half precision.

    Transformers opens the directory as an encoder, and with `pooled` (`classifier.network.distil.pooled_head`) as a
    sequence classifier; our own heads lie in a file beside it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    config = described(checkpoint.model.encoder.config, headed=pooled is not None)
    halved = {name: tensor.half().contiguous() for name, tensor in checkpoint.model.state_dict().items()}
    encoder, heads = split_tensors(halved, config)
    if pooled is not None:
        encoder |= pooled.tensors(config["model_type"])
    save_file(encoder, directory / "model.safetensors", metadata={"format": "pt"})
    save_file(heads, directory / "heads.safetensors", metadata={"format": "pt"})
    _write_json(directory / "config.json", config)
    theirs = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TOKENS}
    _write_json(directory / "tokenizer_config.json", {**checkpoint.tokenizer_config, **theirs})
    checkpoint.tokenizer.save(str(directory / "tokenizer.json"))
    checkpoint.linear.save(directory)
    checkpoint.calibration.save(directory / "calibration.json")
    checkpoint.skim.save(directory / "calibration.json")


def load_checkpoint(directory: Path) -> Checkpoint:
    """Read a checkpoint in full precision.

    Raises:
        BadInput: a file is missing, damaged or does not fit the others.
    """
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
        model = PartisanModel(Bert(config, "meta"))
        opened, heads = (load_file(directory / name) for name in ("model.safetensors", "heads.safetensors"))
        weights = joined_tensors(opened, heads, config)
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()}, assign=True)
        tokenizer = _load_tokenizer(directory / "tokenizer.json")
        tokenizer_config = json.loads((directory / "tokenizer_config.json").read_text(encoding="utf-8"))
        linear = LinearModel.load(directory)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"not a readable model: {str(error).splitlines()[0]}", path=directory) from error
    numbers = directory / "calibration.json"
    return Checkpoint(model.eval(), tokenizer, tokenizer_config, linear, Calibration.load(numbers), Skim.load(numbers))


def _load_tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise ValueError(f"{path.name}: {error}") from error


def _write_json(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
