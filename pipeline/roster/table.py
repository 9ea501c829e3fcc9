"""Findings as a table for terminals."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from pipeline.roster.findings import Finding, Severity

MOST_SHOWN = 500

_KINDS = {Severity.ERROR: Text("kesalahan", "bold red"), Severity.WARNING: Text("periksa", "yellow")}


def findings_table(findings: Sequence[Finding]) -> Table:
    """Errors before warnings, each by row and column; at most `MOST_SHOWN`, and how many more there are."""
    ordered = sorted(findings, key=lambda found: found.severity is not Severity.ERROR)
    table = Table("", "baris", "kolom", "temuan", show_edge=False, pad_edge=False)
    table.columns[1].justify = "right"
    for found in ordered[:MOST_SHOWN]:
        place = f"{found.column} {found.heading}".strip()
        table.add_row(_KINDS[found.severity], str(found.row), Text(place), Text(found.text()))
    if len(ordered) > MOST_SHOWN:
        table.add_row("", "", "", Text(f"… dan {len(ordered) - MOST_SHOWN} temuan lain", "dim"))
    return table
