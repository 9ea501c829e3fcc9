"""What somebody who waits for a training run sees: a bar for each part, and a line when it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")


class Watch:
    """Shows progress on a console; a quiet console shows nothing."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Draw bars as long as this lasts."""
        with self._progress:
            yield

    def each(self, items: Sequence[Item], label: str) -> Iterator[Item]:
        """Go through `items` under a bar."""
        task = self._progress.add_task(label, total=len(items))
        for item in items:
            yield item
            self._progress.advance(task)
        self._progress.remove_task(task)

    def say(self, line: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(line)


def quiet() -> Watch:
    """Shows nothing."""
    return Watch(Console(quiet=True))
