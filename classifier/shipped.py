"""Where the model in the repository is; importing this loads nothing heavy."""

from __future__ import annotations

from pathlib import Path

SHIPPED = Path(__file__).with_name("weights") / "netra-id-small"
