"""What the first look costs, seen from posts that are read in full though they could have been let go."""

from __future__ import annotations

from dataclasses import dataclass

from models.intervals import wilson


@dataclass(frozen=True)
class Audit:
    """Counts of different texts: `passed` were let go unread, `audited` were read in full, `flagged` of those reach
    the threshold.
    """

    passed: int = 0
    audited: int = 0
    flagged: int = 0

    def plus(self, *, passed: int, audited: int, flagged: int) -> Audit:
        """With more counted."""
        return Audit(self.passed + passed, self.audited + audited, self.flagged + flagged)

    def interval(self) -> tuple[float, float]:
        """Where the share of flags among posts let go lies (Wilson 1927, 95 %); 0 to 1 before the first audit."""
        return wilson(self.flagged / self.audited, self.audited) if self.audited else (0.0, 1.0)
