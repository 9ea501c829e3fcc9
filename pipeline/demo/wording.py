"""How the square writes: post text as HTML (Mastodon's markup), and times in Indonesian."""

from __future__ import annotations

import datetime as dt
import re

from markupsafe import Markup, escape

WIB = dt.timezone(dt.timedelta(hours=7), "WIB")
DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
MONTHS = ("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober",
          "November", "Desember")  # fmt: skip

_HASHTAG = re.compile(r"(?<![\w/])#(\w+)")


def text_html(text: str, base: str) -> Markup:
    """`text` as paragraphs with linked hashtags; `base` is the square's address without a slash at the end."""
    return Markup("").join(Markup("<p>{}</p>").format(_lines(part, base)) for part in text.split("\n\n"))


def hashtags(text: str) -> list[str]:
    """The hashtags in the order written, without `#`."""
    return [match[1] for match in _HASHTAG.finditer(text)]


def long_time(moment: dt.datetime) -> str:
    """`Selasa, 20 Oktober 2026 pukul 14.05 WIB`."""
    local = moment.astimezone(WIB)
    return f"{DAYS[local.weekday()]}, {short_date(moment)} {local.year} pukul {local:%H.%M} WIB"


def short_date(moment: dt.datetime) -> str:
    """`20 Oktober`."""
    local = moment.astimezone(WIB)
    return f"{local.day} {MONTHS[local.month - 1]}"


def month_year(moment: dt.datetime) -> str:
    """`Oktober 2026`."""
    local = moment.astimezone(WIB)
    return f"{MONTHS[local.month - 1]} {local.year}"


def how_long_ago(moment: dt.datetime, now: dt.datetime) -> str:
    """`baru saja`, `25 menit`, `3 jam`, `2 hari`, then the date."""
    age = now - moment
    if age < dt.timedelta(minutes=1):
        return "baru saja"
    if age < dt.timedelta(hours=1):
        return f"{age // dt.timedelta(minutes=1)} menit"
    if age < dt.timedelta(days=1):
        return f"{age // dt.timedelta(hours=1)} jam"
    return f"{age.days} hari" if age < dt.timedelta(days=7) else short_date(moment)


def _lines(paragraph: str, base: str) -> Markup:
    return Markup("<br />").join(_linked(line, base) for line in paragraph.split("\n"))


def _linked(line: str, base: str) -> Markup:
    parts, end = Markup(""), 0
    for match in _HASHTAG.finditer(line):
        parts += escape(line[end : match.start()])
        parts += Markup('<a href="{}/tags/{}" class="mention hashtag" rel="tag">#<span>{}</span></a>').format(
            base, match[1].lower(), match[1]
        )
        end = match.end()
    return parts + escape(line[end:])
