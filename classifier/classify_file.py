"""`netra classify`: posts of a CSV or JSON Lines file in, one JSON object a line out, in the same order."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from classifier.assess import Model
from classifier.attached import with_image_text
from classifier.interop.image_text import MAX_BYTES, ImageReader
from classifier.rows import InputRow, read_rows
from classifier.whole_file import STANDARD, whole_file
from models.contest import ContestSpec
from models.errors import BadInput

BATCH = 512
_JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})


def classify_file(
    source: str | Path,
    contest: ContestSpec,
    out: str | Path,
    model: Model,
    *,
    explain: bool = True,
    images: str | None = None,
) -> int:
    """Score every post of `source` and write the scores to `out`; `-` is standard input or output.

    CSV needs the columns `id` and `text`, JSON Lines the same keys; other columns are passed through. A file
    is read as JSON Lines by its suffix (.jsonl, .ndjson, .json), standard input by its first sign. Memory does
    not grow with the file. The output appears whole, after the last post, or not at all.

    `images` names a column of paths to images (relative ones beside the file; an empty one is no image), whose text
    is scored with the post's own; `spans` may then lie beyond the end of `text`, in the line `[gambar] …`.

    Returns the number of posts.

    Raises:
        BadInput: the source cannot be read or is malformed, names file and line; or an image, names it.
        StorageError: the output cannot be written.
        NetraError: images are to be read, and the extra `netra[ocr]` is not installed.
    """
    folder = Path() if str(source) == STANDARD else Path(source).parent
    with _opened(source) as (stream, name, json_lines, size), whole_file(out) as target, _progress(size) as advanced:
        rows = read_rows(stream, path=name, json_lines=json_lines, advanced=advanced)
        if images is not None:
            rows = _with_images(rows, images, folder)
        return sum(_write_batch(batch, contest, model, target, explain=explain) for batch in _batched(rows))


def _with_images(rows: Iterable[InputRow], column: str, folder: Path) -> Iterator[InputRow]:
    with ImageReader() as reader:
        for row in rows:
            named = row.others.get(column)
            if not isinstance(named, str) or not named:
                yield row
            else:
                yield dataclasses.replace(row, text=with_image_text(row.text, _read_image(reader, folder / named)))


def _read_image(reader: ImageReader, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return reader.read_text(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read the image: {error}", path=path) from error
    except BadInput as error:
        raise BadInput(error.message, path=path) from error


def _batched(rows: Iterable[InputRow]) -> Iterator[list[InputRow]]:
    iterator = iter(rows)
    while batch := list(itertools.islice(iterator, BATCH)):
        yield batch


def _write_batch(
    batch: Sequence[InputRow], contest: ContestSpec, model: Model, target: BinaryIO, *, explain: bool
) -> int:
    scores = model.assess([row.text for row in batch], contest, explain=explain)
    target.writelines(
        _line({"id": row.id, **row.others, **score.as_json()}) for row, score in zip(batch, scores, strict=True)
    )
    return len(batch)


def _line(fields: dict[str, object]) -> bytes:
    try:
        return json.dumps(fields, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can spell and UTF-8 cannot
        return json.dumps(fields, allow_nan=False).encode("ascii") + b"\n"


@contextlib.contextmanager
def _opened(source: str | Path) -> Iterator[tuple[BinaryIO, str, bool, int | None]]:
    """The stream, its name for messages, whether it holds JSON Lines, and its size where known."""
    if str(source) == STANDARD:
        stream = cast("BufferedReader", sys.stdin.buffer)
        yield stream, "<stdin>", stream.peek(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{", None
        return
    path = Path(source)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BadInput(f"cannot read: {error.strerror}", path=path) from error
    with stream:
        yield stream, str(path), path.suffix.lower() in _JSON_SUFFIXES, os.fstat(stream.fileno()).st_size


@contextlib.contextmanager
def _progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """A bar of bytes read on standard error, shown only to a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("Menilai", total=size)
        yield lambda count: progress.advance(task, count)
