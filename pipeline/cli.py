"""The command `netra`: every command in one visible list; any error is one line and exit code 2."""

from __future__ import annotations

import errno
import sys
from typing import NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from models.errors import NetraError
from pipeline.commands import bench, demo, evaluate, flow, intake, labels, models, outcome, registry, sampling, setup
from pipeline.logs import configure_logs

app = typer.Typer(
    name="netra",
    help="Membantu pengawas menemukan dugaan pelanggaran netralitas ASN. Keputusan selalu di tangan manusia.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for room in (setup, demo, intake, flow, models, registry, evaluate, outcome, labels, sampling, bench):
    room.register(app)

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def main() -> NoReturn:
    """Run the command line."""
    configure_logs()
    try:
        app()
    except NetraError as error:
        _fail(str(error))
    except DBAPIError as error:
        _fail(f"database: {error.orig}")
    except OSError as error:
        reason = "the disk is full" if error.errno in FULL_DISK else error.strerror or str(error)
        _fail(f"{error.filename}: {reason}" if error.filename else reason)
    sys.exit(0)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(f"netra: {' '.join(message.split())}\n")
    sys.exit(2)
