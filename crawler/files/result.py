"""What became of a file's records, for the person who brought it."""

from __future__ import annotations

import dataclasses

from models.errors import BadInput

MAX_PROBLEMS = 5


@dataclasses.dataclass(slots=True)
class ImportResult:
    """Counts in records (`new`, `edited`: posts). `kept_raw`: a rostered account's, kept until it can be read.

    `problems` are the first different reasons why items were not understood.
    """

    source: str = ""
    records: int = 0
    new: int = 0
    edited: int = 0
    known: int = 0
    off_roster: int = 0
    conflicting: int = 0
    not_public: int = 0
    not_understood: int = 0
    kept_raw: int = 0
    unknown_platforms: dict[str, int] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)

    def note(self, problem: str) -> None:
        """Remember a reason, once."""
        told = BadInput(problem).message  # on one line, whatever the file put into it
        if told and told not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(told)

    def __str__(self) -> str:
        """One line for the person who imported."""
        parts = [
            f"{self.records} butir dibaca: {self.new} unggahan baru",
            f"{self.edited} suntingan",
            f"{self.known} sudah ada",
            f"{self.off_roster} bukan milik akun terverifikasi dalam mandat (tidak disimpan)",
        ]
        if self.not_public:
            parts.append(f"{self.not_public} tidak terbuka untuk umum (tidak disimpan)")
        if self.conflicting:
            parts.append(f"{self.conflicting} ber-id milik akun lain (tidak disimpan)")
        if self.kept_raw:
            parts.append(f"{self.kept_raw} belum dapat dibaca (data mentah disimpan)")
        if self.not_understood:
            parts.append(f"{self.not_understood} tidak dikenali (tidak disimpan)")
        parts += [f"{count} dari platform tak dikenal {name}" for name, count in sorted(self.unknown_platforms.items())]
        return ", ".join(parts)
