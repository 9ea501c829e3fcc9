"""Pictures of an evaluation as SVG: reliability and precision-recall, one panel a source. They read well in grey."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np

from classifier.evaluation.answers import Answered, Asked
from classifier.evaluation.metrics import BINS, LEAST, Bools, Floats
from models.intervals import wilson

_COLUMNS = 3
_SQUARE = 4
_SIDE = 210
_INK, _FAINT, _MARK = "#1b1b1b", "#8a8a8a", "#b3261e"
_MOST_POINTS = 200
_DECIMALS = 4
_SHARE = alt.Scale(domain=[0, 1])
_TICKS = [0, 0.25, 0.5, 0.75, 1]

Panel = Callable[[Floats, Bools, float], Any]


def reliability_picture(asked: Asked, answered: Answered) -> str:
    """How often posts of a score do take a side: on the diagonal, scores mean what they say."""
    return _panels(
        asked,
        answered,
        _reliability,
        "Apakah skor berarti peluang?",
        [
            "Titik: unggahan dengan skor serupa (makin besar makin banyak); garis tegak: selang 95 %.",
            "Di atas diagonal model terlalu ragu, di bawahnya terlalu yakin.",
        ],
    )


def precision_recall_picture(asked: Asked, answered: Answered) -> str:
    """What a lower threshold finds, and at what price; the dot is the model's own threshold."""
    return _panels(
        asked,
        answered,
        _precision_recall,
        "Presisi dan recall di setiap ambang",
        [
            "Titik merah: ambang model ini. Garis putus-putus: presisi bila ditandai acak.",
        ],
    )


def _panels(asked: Asked, answered: Answered, panel: Panel, title: str, explained: Sequence[str]) -> str:
    """One panel for each source with rows enough of both classes, and the names of the others."""
    sources = np.array([row.source for row in asked.rows])
    partisan = asked.partisan
    charts, left_out = [], []
    for source in dict.fromkeys(sources.tolist()):
        here = sources == source
        count = int(partisan[here].sum())
        if min(count, here.sum() - count) < LEAST:
            left_out.append(source)
            continue
        head = alt.TitleParams(source, subtitle=f"{here.sum()} baris, {count} memihak", anchor="start", frame="group")
        drawn = panel(answered.scores[here], partisan[here], answered.threshold)
        charts.append(drawn.properties(width=_SIDE, height=_SIDE, title=head))
    why = [f"– Kurang dari {LEAST} baris memihak atau tidak memihak: {', '.join(left_out)}."] if left_out else []
    head = alt.TitleParams(title, subtitle=[*explained, *why], anchor="start", fontSize=16, offset=14)
    shown = charts or [alt.Chart(_data([])).mark_point().properties(width=_SIDE, height=1)]
    columns = 2 if len(shown) == _SQUARE else _COLUMNS
    return _svg(alt.concat(*shown, columns=columns, spacing=28).properties(title=head, padding=12))


def _reliability(scores: Floats, partisan: Bools, _threshold: float) -> Any:
    points = _data(_bins(scores, partisan))
    x, y = _axis("score", "Skor model", _TICKS), _axis("share", "Bagian yang memihak", _TICKS)
    diagonal = alt.Chart(_data([{"score": at, "share": at} for at in (0, 1)]))
    size = alt.Size("rows:Q", scale=alt.Scale(type="sqrt", domain=[1, 100], range=[12, 200], clamp=True), legend=None)
    return alt.layer(
        diagonal.mark_line(color=_FAINT, strokeDash=[4, 4], strokeWidth=1).encode(x=x, y=y),
        alt.Chart(points).mark_rule(color=_INK, strokeWidth=1).encode(x="score:Q", y="low:Q", y2="high:Q"),
        alt.Chart(points).mark_circle(color=_INK, opacity=1).encode(x="score:Q", y="share:Q", size=size),
    )


def _bins(scores: Floats, partisan: Bools) -> Iterator[dict[str, float]]:
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    for number in np.unique(place):
        here = place == number
        share = float(partisan[here].mean())
        low, high = wilson(share, int(here.sum()))
        yield {"score": float(scores[here].mean()), "share": share, "low": low, "high": high, "rows": int(here.sum())}


def _precision_recall(scores: Floats, partisan: Bools, threshold: float) -> Any:
    curve = list(_curve(scores, partisan))
    x, y = _axis("recall", "Recall (yang memihak dan ditemukan)", _TICKS), _axis("precision", "Presisi", _TICKS)
    base = float(partisan.mean())
    flags = scores >= threshold
    own = [] if not flags.any() else [{"recall": flags[partisan].mean(), "precision": partisan[flags].mean()}]
    chance = [{"recall": at, "precision": base} for at in (0, 1)]
    return alt.layer(
        alt.Chart(_data(chance)).mark_line(color=_FAINT, strokeDash=[4, 4], strokeWidth=1).encode(x=x, y=y),
        alt.Chart(_data(curve))
        .mark_line(color=_INK, strokeWidth=1.6, interpolate="step-before")
        .encode(x=x, y=y, order="order:Q"),
        alt.Chart(_data(own)).mark_circle(color=_MARK, size=90, opacity=1).encode(x=x, y=y),
    )


def _curve(scores: Floats, partisan: Bools) -> Iterator[dict[str, float]]:
    """Precision and recall at every distinct score, thinned evenly."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    found = partisan[order].cumsum()[ends]
    precision, recall = found / (ends + 1), found / partisan.sum()
    for number, at in enumerate(np.unique(np.linspace(0, len(ends) - 1, min(_MOST_POINTS, len(ends))).astype(int))):
        yield {"order": number, "precision": precision[at], "recall": recall[at]}


def _axis(field: str, title: str, ticks: Sequence[float]) -> Any:
    axis = alt.Axis(values=list(ticks), labelExpr="replace(format(datum.value, '.2~f'), '.', ',')")
    channel = alt.X if field in {"x", "score", "recall"} else alt.Y
    return channel(f"{field}:Q", title=title, scale=_SHARE, axis=axis)


def _data(rows: Any) -> alt.InlineData:
    """Rounded values, so that the same rows give the same bytes."""
    return alt.InlineData(values=[{key: _plain(value) for key, value in row.items()} for row in rows])


def _plain(value: Any) -> Any:
    return round(float(value), _DECIMALS) if isinstance(value, float | np.floating) else value


def _svg(chart: alt.ConcatChart) -> str:
    """Render offline; nothing is fetched, for all data stands in the chart."""
    import vl_convert  # noqa: PLC0415 - starting it takes longer than all else here

    styled = chart.configure_view(stroke="#d0d0d0").configure_axis(
        grid=True, gridColor="#ececec", domainColor=_FAINT, tickColor=_FAINT, labelFontSize=11, titleFontSize=11,
        titleFontWeight="normal",
    ).configure_title(subtitleColor="#555555", subtitleFontSize=11).configure(background="white")  # fmt: skip
    return str(vl_convert.vegalite_to_svg(styled.to_json()))
