"""The table that `netra bench` prints."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from rich.table import Table

from pipeline.bench.figures import Figure

_WHOLE_FROM = 100
_MARKS = {None: "", True: "[green]✓[/]", False: "[red]✗[/]"}


def figures_table(figures: Iterable[Figure]) -> Table:
    """One row a figure: median (least–most) of its rounds, the same of what it is compared with, and the ratio."""
    table = Table("Yang diukur", "Terukur", "Pembanding", "Rasio", "Sasaran", "", box=None, pad_edge=False)
    for figure in figures:
        what = f"{figure.what}\n[dim]{figure.note}[/]" if figure.note else figure.what
        measured = f"{spread(figure.values)} {figure.unit}"
        reference = f"{figure.against}: {spread(figure.reference)}" if figure.reference else "–"
        ratio = f"{spread(figure.ratios)} ×" if figure.reference else "–"
        table.add_row(what, measured, reference, ratio, _goal(figure), _MARKS[figure.met])
    return table


def spread(values: Sequence[float]) -> str:
    """`median (least–most)`; a single value stands alone."""
    middle = _short(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({_short(min(values))}–{_short(max(values))})"


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return "–"
    unit = "×" if figure.reference else figure.unit
    return f"{figure.goal.aim} {figure.goal.bound:g} {unit}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= _WHOLE_FROM else f"{value:.3g}"
