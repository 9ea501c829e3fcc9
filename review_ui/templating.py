"""The template environment: autoescaping, strict about missing values, with the filters that pages use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from models.canonical import sha256_hex
from review_ui.hostile_text import difference, excerpt, highlighted, safe_text, with_slots
from review_ui.local_time import local, long_day, long_time, short_time, zone_name

HERE = Path(__file__).parent
STATIC = HERE / "static"
SLOT_STEMS = ("CALON", "PARTAI", "SLOGAN", "NOMOR")
"""What masked texts call candidates, parties, slogans and ballot numbers."""


def build_environment() -> Environment:
    """One environment for the life of the application."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        when=_when,
        moment=_moment,
        day=_day,
        number=_number,
        percent=_percent,
        decimal=_decimal,
        clock=_clock,
        local_day=_local_day,
        hours=_hours,
        hostile=safe_text,
        slots=_slots,
        difference=difference,
        excerpt=excerpt,
    )
    environment.globals.update(icon=icon, asset=asset, highlighted=_highlighted)
    return environment


@cache
def icon(name: str) -> Markup:
    """A Tabler icon as inline SVG, hidden from screen readers (text stands beside it)."""
    svg = (STATIC / "vendor" / "tabler-icons" / f"{name}.svg").read_text()
    attributes = '<svg aria-hidden="true" focusable="false"'
    return Markup(" ".join(svg.split()).replace("<svg", attributes, 1))  # noqa: S704 - a file of this package


@cache
def asset(name: str) -> str:
    """The address of a static file, changed whenever its bytes are."""
    return f"/static/{name}?{sha256_hex((STATIC / name).read_bytes())[:12]}"


@pass_context
def _slots(context: Context, masked: str) -> Markup:
    return with_slots(masked, {stem: context["t"](f"slot.{stem}") for stem in SLOT_STEMS})


def _highlighted(text: str, spans: Sequence[Sequence[float]]) -> Markup:
    return highlighted(text, spans)


@pass_context
def _when(context: Context, moment: dt.datetime, offset: int | None = None) -> str:
    return long_time(moment, context["offset"] if offset is None else offset, context["lang"])


@pass_context
def _moment(context: Context, moment: dt.datetime, offset: int | None = None) -> str:
    return short_time(moment, context["offset"] if offset is None else offset, context["lang"])


@pass_context
def _clock(context: Context, moment: dt.datetime) -> str:
    return f"{local(moment, context['offset']):%H:%M:%S} {zone_name(context['offset'])}"


@pass_context
def _local_day(context: Context, moment: dt.datetime) -> str:
    return long_day(local(moment, context["offset"]).date(), context["lang"])


@pass_context
def _day(context: Context, day: dt.date) -> str:
    return long_day(day, context["lang"])


@pass_context
def _number(context: Context, value: float) -> str:
    return f"{value:,}".replace(",", "." if context["lang"] == "id" else ",")


@pass_context
def _percent(context: Context, share: float, decimals: int = 0) -> str:
    text = f"{share * 100:.{decimals}f}"
    return f"{text.replace('.', ',')} %" if context["lang"] == "id" else f"{text}%"


@pass_context
def _decimal(context: Context, value: float) -> str:
    text = f"{value:.2f}"
    return text.replace(".", ",") if context["lang"] == "id" else text


@pass_context
def _hours(context: Context, delay: dt.timedelta) -> str:
    """A length of time in the largest unit that keeps it readable."""
    t = context["t"]
    minutes = int(delay.total_seconds() // 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return str(t("unit.minutes", n=max(minutes, 1)))
    if minutes < 48 * 60:
        return str(t("unit.hours", n=minutes // 60))
    return str(t("unit.days", n=minutes // (24 * 60)))
