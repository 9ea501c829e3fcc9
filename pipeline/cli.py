"""The command `netra`: every command in one visible table; any error is one line and exit code 2."""

from __future__ import annotations

import errno
import importlib
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_group

from models.errors import NetraError
from pipeline.logs import configure_logs

ROOMS = {
    "init": "setup",
    "doctor": "setup",
    "officers": "setup",
    "demo": "demo",
    "contests": "intake",
    "mandates": "intake",
    "targets": "roster",
    "attributions": "attributions",
    "import": "intake",
    "preview": "preview",
    "crawl": "flow",
    "reparse": "reparse",
    "assess": "flow",
    "capture": "flow",
    "purge": "flow",
    "work": "flow",
    "serve": "flow",
    "run": "flow",
    "classify": "models",
    "models": "registry",
    "train": "training",
    "evaluate": "evaluate",
    "report": "outcome",
    "trace": "outcome",
    "export": "labels",
    "labels": "labels",
    "sample": "sampling",
    "bench": "bench",
}
"""Each command and the module of `pipeline.commands` that registers it, in the order of `netra --help`."""

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class _Rooms(TyperGroup):
    """Commands that are imported when they are named: one line to score need not wait for the pages."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(ROOMS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in ROOMS:
            return None
        room = typer.Typer(pretty_exceptions_enable=False)
        importlib.import_module(f"pipeline.commands.{ROOMS[cmd_name]}").register(room)
        return get_group(room).get_command(ctx, cmd_name)


app = typer.Typer(
    name="netra",
    cls=_Rooms,
    help="Membantu pengawas menemukan dugaan pelanggaran netralitas ASN. Keputusan selalu di tangan manusia.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> NoReturn:
    """Run the command line."""
    configure_logs()
    try:
        get_group(app)(prog_name="netra")
    except NetraError as error:
        _fail(str(error))
    except OSError as error:
        reason = "the disk is full" if error.errno in FULL_DISK else error.strerror or str(error)
        _fail(f"{error.filename}: {reason}" if error.filename else reason)
    except Exception as error:
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - heavy, and rarely needed

        if not isinstance(error, DBAPIError):
            raise
        _fail(f"database: {error.orig}")
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"netra: {' '.join(message.split())}\n")
    sys.exit(2)
