"""The classifier: posts a second on both streams, and the first score of a fresh process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence

from models.clock import utc_now
from models.contest import ContestSpec
from pipeline.bench.figures import Aim, Figure, Goal
from pipeline.bench.size import Size
from pipeline.demo.world import CONTEST_FILE, demo_contest
from pipeline.supervisor import part_command

UNIT = "unggahan/detik"
REFERENCE = "transformers fp32, batch 32"
MIXED_GOAL = Goal(Aim.AT_LEAST, 12)
POLITICAL_GOAL = Goal(Aim.AT_LEAST, 3.5)
LOST_GOAL = Goal(Aim.AT_MOST, 0.3)
COLD_GOAL = Goal(Aim.AT_MOST, 3)
ONE_POST = b'{"id": 1, "text": "Ayo coblos nomor 2, lanjutkan!"}\n'
IMPORTS = "import torch, transformers"


def measure_classifier(size: Size) -> list[Figure]:
    """Posts a second without explanations, beside the reference; and with them, as flags are made."""
    from classifier.evaluation import bench  # noqa: PLC0415 - torch is heavy, only this measurement needs it

    contest = demo_contest(utc_now().date())
    mixed, political = bench.mixed_stream(size.mixed), bench.political_stream(size.political)
    explained = tuple(bench.explained(mixed, contest, size.rounds))
    lost = bench.first_look()
    return [
        _race("Penilaian, aliran campuran", mixed, contest, size, MIXED_GOAL),
        _race("Penilaian, seluruhnya berpihak, tanpa tembolok", political, contest, size, POLITICAL_GOAL),
        Figure("Penilaian, aliran campuran, dengan penjelasan", UNIT, explained),
        Figure(
            "Unggahan memihak yang hilang oleh saringan awal",
            "%",
            (100 * lost.lost / max(lost.partisan, 1),),
            goal=LOST_GOAL,
            note=f"{lost.lost} dari {lost.partisan} unggahan yang tidak dilatihkan",
        ),
    ]


def measure_cold_start(size: Size) -> list[Figure]:
    """Seconds from starting `netra classify` on one line to its end, beside importing the two libraries alone."""
    with tempfile.TemporaryDirectory(prefix="netra-bench-") as home:
        command = part_command("classify", "-", "--contest", str(CONTEST_FILE), "--out", "-", "--home", home)
        pairs = [(_seconds(command), _seconds([sys.executable, "-c", IMPORTS])) for _ in range(size.rounds)]
    ours, theirs = zip(*pairs, strict=True)
    note = f"impor torch dan transformers saja: {min(theirs):.1f}–{max(theirs):.1f} detik"
    return [Figure("netra classify satu baris, proses baru", "detik", ours, goal=COLD_GOAL, note=note)]


def _race(what: str, texts: Sequence[str], contest: ContestSpec, size: Size, goal: Goal) -> Figure:
    from classifier.evaluation import bench  # noqa: PLC0415

    ours, theirs = _sides(bench.race(texts, contest, size.rounds))
    return Figure(what, UNIT, ours, REFERENCE, theirs, goal, f"{len(texts)} unggahan, {len(set(texts))} berbeda")


def _sides(rounds: Iterable[tuple[float, float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    pairs = list(rounds)
    return tuple(ours for ours, _ in pairs), tuple(theirs for _, theirs in pairs)


def _seconds(command: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, input=ONE_POST, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own interpreter
    return time.perf_counter() - began
