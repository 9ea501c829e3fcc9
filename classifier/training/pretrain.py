"""Let the base encoder read text of the field before it learns labels.

One more round of masked-language-model training on unlabelled posts, masked by their contests as use masks them
("Don't stop pretraining": Gururangan et al. 2020, arXiv:2004.10964). The base encoder knows encyclopaedias better
than tweets.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from classifier.labels.corpus import is_excluded, read_posts
from classifier.network.bert import Bert
from classifier.network.model import Encoder
from classifier.text.mask import Masker
from classifier.training.encoders import Base, load_base
from classifier.training.examples import example_of
from classifier.training.watch import Watch
from models.contest import load_contest
from models.errors import BadInput

_LONGEST = 96
_HIDDEN = 0.2
"""Share of the pieces to be guessed: of ten, eight stand as <mask>, one as another piece, one as it is."""
_BATCH = 32
_RATE, _WORD_RATE, _HEAD_RATE = 1e-4, 5e-5, 1e-3
_WARM = 60
"""Steps in which only the new head learns, so that its first guesses do not shake the encoder."""

_SPECIAL = ("pad_token", "mask_token", "cls_token", "sep_token")


class GuessHead(nn.Module):
    """From states to pieces; the output weights are the encoder's word embeddings."""

    def __init__(self, encoder: Bert) -> None:
        super().__init__()
        self.dense = nn.Linear(encoder.width, encoder.width)
        self.norm = nn.LayerNorm(encoder.width)
        self.bias = nn.Parameter(torch.zeros(encoder.embeddings.word_embeddings.num_embeddings))

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """(places, width) and (pieces, width) → (places, pieces)."""
        return functional.linear(self.norm(functional.gelu(self.dense(states))), words, self.bias)


@dataclass(frozen=True)
class Hidden:
    """A batch with pieces hidden: `ids` and `mask` (texts, tokens), `hidden` where, `truth` (places,) what."""

    ids: Tensor
    mask: Tensor
    hidden: Tensor
    truth: Tensor


def pretrain(base: Base, texts: Sequence[str], watch: Watch, *, seed: int = 1) -> None:
    """Train the encoder of `base` in place, one pass over masked texts."""
    torch.manual_seed(seed)
    order = random.Random(seed)  # noqa: S311 - shuffling, no secret
    encoder, head = base.encoder.train(), GuessHead(base.encoder)
    batches = _batches([text.ids[:_LONGEST] for text in Encoder(base.tokenizer).encode(texts)], order)
    optimiser = torch.optim.AdamW(_groups(encoder, head), weight_decay=0.01)
    schedules = [_head_slope(len(batches)), _slope(len(batches)), _slope(len(batches))]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, schedules)
    for batch in watch.each(batches, "membaca teks"):
        loss = _guess(encoder, head, _hide(batch, base))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([*encoder.parameters(), *head.parameters()], 1.0)
        optimiser.step()
        schedule.step()
    encoder.eval()


def _groups(encoder: Bert, head: GuessHead) -> list[dict[str, object]]:
    words = encoder.embeddings.word_embeddings.weight
    rest = [parameter for parameter in encoder.parameters() if parameter is not words]
    return [
        {"params": list(head.parameters()), "lr": _HEAD_RATE},
        {"params": rest, "lr": _RATE},
        {"params": [words], "lr": _WORD_RATE},
    ]


def _head_slope(steps: int) -> Callable[[int], float]:
    return lambda step: min(1.0, (step + 1) / 20) * max(0.0, 1 - step / steps)


def _slope(steps: int) -> Callable[[int], float]:
    """Nothing while the head warms up, then up within 100 steps and down to nearly nothing."""
    return lambda step: min(1.0, max(0.0, (step - _WARM) / 100)) * max(0.02, 1 - step / steps)


def _batches(texts: Sequence[Sequence[int]], order: random.Random) -> list[list[Sequence[int]]]:
    keyed = sorted(texts, key=lambda ids: len(ids) + order.uniform(0, 10))
    batches = [list(keyed[at : at + _BATCH]) for at in range(0, len(keyed), _BATCH)]
    order.shuffle(batches)
    return batches


def _hide(batch: Sequence[Sequence[int]], base: Base) -> Hidden:
    pad, mask_token, ends = _special(base)
    ids = torch.full((len(batch), max(map(len, batch))), pad)
    for row, text in enumerate(batch):
        ids[row, : len(text)] = torch.tensor(text)
    hidden = (torch.rand(ids.shape) < _HIDDEN) & ~torch.isin(ids, torch.tensor([pad, *ends]))
    shown, chance = ids.clone(), torch.rand(ids.shape)
    shown[hidden & (chance < 0.8)] = mask_token  # noqa: PLR2004 - _HIDDEN tells
    other = hidden & (chance > 0.9)  # noqa: PLR2004
    shown[other] = torch.randint(len(ends) + 2, base.tokenizer.get_vocab_size(), (int(other.sum()),))
    return Hidden(shown, ids != pad, hidden, ids[hidden])


def _special(base: Base) -> tuple[int, int, list[int]]:
    """The ids of padding and mask, and of the tokens at a text's ends.

    Raises:
        BadInput: the tokenizer lacks one of them.
    """
    found = [base.tokenizer.token_to_id(str(base.tokenizer_config.get(name))) for name in _SPECIAL]
    if None in found:
        raise BadInput(f"the base's tokenizer lacks its {_SPECIAL[found.index(None)]}")
    pad, mask, *ends = (int(token) for token in found if token is not None)
    return pad, mask, ends


def _guess(encoder: Bert, head: GuessHead, batch: Hidden) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        states = encoder.embeddings(batch.ids)
        for layer in encoder.layers:
            states = layer(states, batch.mask[:, None, None, :])
        guesses = head(states[batch.hidden], encoder.embeddings.word_embeddings.weight)
    return functional.cross_entropy(guesses.float(), batch.truth)


def save_base(base: Base, out: Path) -> None:
    """Write a directory that `load_base` and transformers open."""
    out.mkdir(parents=True)
    save_file(
        {k: v.contiguous() for k, v in base.encoder.state_dict().items()}, out / "model.safetensors", {"format": "pt"}
    )
    config = {**base.encoder.config, "vocab_size": base.encoder.embeddings.word_embeddings.num_embeddings}
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    base.tokenizer.save(str(out / "tokenizer.json"))
    theirs = {"tokenizer_class": "PreTrainedTokenizerFast", **base.tokenizer_config}
    (out / "tokenizer_config.json").write_text(json.dumps(theirs, indent=2) + "\n", encoding="utf-8")


def read_texts(path: Path, contest: Path, limit: int) -> Iterator[str]:
    """Distinct masked texts of a CSV file with a column text, none of them kept for evaluation.

    Raises:
        BadInput: the file cannot be read or has no such column.
    """
    masker = Masker(load_contest(contest))
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            texts = dict.fromkeys(row["text"] for row in csv.DictReader(lines))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise BadInput("not a readable CSV file with a column `text`", path=path) from error
    kept = (text for text in texts if not is_excluded(text))
    return (masker.mask(text).text for text, _count in zip(kept, range(limit), strict=False))


def main() -> None:
    """Read posts and the corpus once, and write the base encoder that comes of it."""
    parser = argparse.ArgumentParser(prog="python -m classifier.training.pretrain", description=main.__doc__)
    parser.add_argument("--base", required=True, help="directory, or OWNER/NAME@COMMIT on the hub")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--texts", nargs=3, action="append", default=[], metavar=("FILE.csv", "CONTEST.yaml", "LIMIT"), required=True
    )
    given = parser.parse_args()
    watch = Watch(Console(stderr=True))
    try:
        base, texts = load_base(given.base), list(_texts(given.texts))
        with watch.shown():
            pretrain(base, texts, watch)
        save_base(base, given.out)
    except BadInput as error:
        sys.exit(f"netra: {error}")


def _texts(files: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    for path, contest, limit in files:
        yield from read_texts(Path(path), Path(contest), int(limit))
    yield from (example_of(post).text for post in read_posts())


if __name__ == "__main__":
    main()
