"""A model on disk: safetensors, JSON and a tokenizer file in one directory. Nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from classifier.calibrate import Calibration
from classifier.linear import LinearModel
from classifier.model import PartisanModel
from models.errors import BadInput

FILES = (
    "calibration.json",
    "config.json",
    "linear.json",
    "linear.safetensors",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)
"""Everything a score depends on; the model card beside them is for people."""


@dataclass(frozen=True)
class Checkpoint:
    """The parts of a trained classifier."""

    model: PartisanModel
    tokenizer: PreTrainedTokenizerBase
    linear: LinearModel
    calibration: Calibration


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


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, weights in half precision."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.half().contiguous() for name, tensor in checkpoint.model.state_dict().items()}
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    checkpoint.model.encoder.config.to_json_file(directory / "config.json")
    checkpoint.tokenizer.save_pretrained(directory)
    checkpoint.linear.save(directory)
    checkpoint.calibration.save(directory / "calibration.json")


def load_checkpoint(directory: Path) -> Checkpoint:
    """Read a checkpoint in full precision.

    Raises:
        BadInput: a file is missing, damaged or does not fit the others.
    """
    try:
        config = BertConfig.from_json_file(directory / "config.json")
        with torch.device("meta"):
            model = PartisanModel(BertModel(config, add_pooling_layer=False))
        weights = {name: tensor.float() for name, tensor in load_file(directory / "model.safetensors").items()}
        model.load_state_dict(weights, assign=True)
        tokenizer = PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        linear = LinearModel.load(directory)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, json.JSONDecodeError, SafetensorError) as error:
        raise BadInput(f"not a readable model: {str(error).splitlines()[0]}", path=directory) from error
    _fill_positions(model)
    return Checkpoint(model.eval(), tokenizer, linear, Calibration.load(directory / "calibration.json"))


def _fill_positions(model: PartisanModel) -> None:
    """Buffers are not saved with the weights: count the positions again."""
    embeddings = model.encoder.embeddings
    places = torch.arange(model.encoder.config.max_position_embeddings).unsqueeze(0)
    embeddings.register_buffer("position_ids", places, persistent=False)
    embeddings.register_buffer("token_type_ids", torch.zeros_like(places), persistent=False)
