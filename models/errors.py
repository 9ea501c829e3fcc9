"""Every error Netra raises on purpose, as one tree.

    NetraError
    ├── BadInput            a file, row, argument or setting from outside is wrong; names the place
    ├── NotFound            an id that nothing carries
    ├── NotAllowed          this actor may not do this
    │   └── NoMandate       no active mandate covers it
    ├── IllegalTransition   the row is not in a state from which this step may be taken
    ├── Conflict            somebody else changed the row first
    └── StorageError        disk, database or key file cannot keep what it must
        └── EvidenceDamaged stored bytes no longer match their hash

The command line turns any of them into one line on standard error and exit code 2.
"""

from __future__ import annotations

from pathlib import Path


class NetraError(Exception):
    """Root of the tree; `str()` is one line a person can act on."""


class BadInput(NetraError):
    """Input from outside is malformed. `path`, `line` (1-based) and `column` (1-based) name the place.

    The message may quote hostile bytes: it is kept to one line that no terminal takes for orders.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.message = _one_line(message)
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        place = ":".join(str(part) for part in (self.path, line, column) if part is not None)
        super().__init__(f"{place}: {self.message}" if place else self.message)


class NotFound(NetraError):
    """Nothing carries this id."""


class NotAllowed(NetraError):
    """The actor lacks the role, is not a second person, or the rules forbid the act."""


class NoMandate(NotAllowed):
    """No approved mandate covers this target today."""


class IllegalTransition(NetraError):
    """The row's state does not allow this step."""


class Conflict(NetraError):
    """The row was changed by somebody else since it was read."""


class StorageError(NetraError):
    """Disk, database or key file failed; nothing was half-written."""


class EvidenceDamaged(StorageError):
    """Stored bytes do not match the SHA-256 they are named by."""


def _one_line(message: str) -> str:
    joined = " ".join(message.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)
