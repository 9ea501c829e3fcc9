"""A stored comparison of two models, in Markdown for people."""

from __future__ import annotations

from collections.abc import Iterator

from models.base import JsonObject

_MEASURES = {"auc": "AUC", "average_precision": "AP", "f1": "F1"}


def comparison_table(body: JsonObject) -> str:
    """The verdict with its reasons, both models by source, and false positives by side."""
    return "\n".join(_lines(body)) + "\n"


def _lines(body: JsonObject) -> Iterator[str]:
    new, old = body["challenger"]["model"], body["champion"]["model"]
    yield f"# {new} dibandingkan dengan {old}"
    yield ""
    yield f"**{'Lulus' if body['passed'] else 'Tidak lulus'}.**"
    yield from (f"- {reason}" for reason in body["reasons"])
    yield ""
    yield "| sumber | baris (memihak) | " + " | ".join(_headings()) + " | benar: hanya lama / hanya baru | p (Holm) |"
    yield "|---" * (2 * len(_MEASURES) + 4) + "|"
    yield from (_source(result) for result in body["sources"])
    yield ""
    yield "Salah tandai pada baris tidak memihak yang menyebut satu calon saja:"
    yield ""
    yield "| pemilihan | calon | baris | lama | baru |"
    yield "|---|---|---|---|---|"
    yield from _sides(body["sides"], body["rules"]["least_side_rows"])


def _headings() -> Iterator[str]:
    for name in _MEASURES.values():
        yield f"{name} lama → baru"
        yield "selisih (95%)"


def _source(result: JsonObject) -> str:
    cells = [result["source"] or "semua", f"{result['rows']} ({result['partisan']})"]
    for key in _MEASURES:
        found = result["measures"][key]
        cells += [f"{_number(found['champion'])} → {_number(found['challenger'])}", _interval(found)]
    test = result["mcnemar"]
    cells += [f"{test['only_champion']} / {test['only_challenger']}", _number(result["p_holm"])]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _interval(found: JsonObject) -> str:
    if found["low"] is None or found["challenger"] is None or found["champion"] is None:
        return "–"
    difference = found["challenger"] - found["champion"]
    return f"{_signed(difference)} ({_signed(found['low'])} … {_signed(found['high'])})"


def _sides(sides: JsonObject, least: int) -> Iterator[str]:
    for new, old in zip(sides["challenger"], sides["champion"], strict=True):
        contest = new["contest"].replace("|", "/")
        for ours, theirs in zip(new["sides"], old["sides"], strict=True):
            few = "" if ours["rows"] >= least else f" (kurang dari {least})"
            yield f"| {contest} | {ours['number']} | {ours['rows']}{few} | {_rate(theirs)} | {_rate(ours)} |"
        yield f"| {contest} | **selisih** | | {_gap(old)} | {_gap(new)} |"


def _rate(side: JsonObject) -> str:
    return f"{side['flagged']} = {_points(side['flagged'] / side['rows'])}%"


def _gap(contest: JsonObject) -> str:
    if contest["gap"] is None:
        return "tidak terukur"
    gap, low, high = (_points(contest[key]) for key in ("gap", "low", "high"))
    return f"{gap} poin ({low}–{high})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace(".", ",")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace(".", ",")


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")
