"""What comes out: the report and the trace."""

from __future__ import annotations

from enum import StrEnum

import typer


class ReportFormat(StrEnum):
    """How a report can be written."""

    PDF = "pdf"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.command()(report)
    app.command()(trace)
