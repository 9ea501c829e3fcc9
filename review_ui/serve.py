"""Run the pages on this machine."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

GRACE_SECONDS = 5


def serve(app: FastAPI, host: str, port: int) -> None:
    """Answer requests until the process is told to stop.

    Raises:
        SystemExit: the address cannot be bound.
    """
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
