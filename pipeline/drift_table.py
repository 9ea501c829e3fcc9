"""What drift says, in words and figures for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from models.drift import Alarm, Drift, Shift, Tally

_ALARMS = {Alarm.SCORES: "sebaran skor berubah", Alarm.WORDS: "kata tak dikenal berlipat"}
_ADVICE = {
    Alarm.SCORES: (
        "Sebaran skor berubah. Baca sampel berdua (netra sample draw --count 100, halaman Sampel); bila banyak yang "
        "terlewat atau salah tandai, ekspor labelnya, latih ulang (netra train), dan bandingkan (netra models compare)."
    ),
    Alarm.WORDS: (
        "Kata yang tidak dikenal model berlipat. Periksa apakah slogan, tagar, dan julukan baru sudah ada di berkas "
        "pemilihan; labeli unggahan yang diragukan (netra labels suggest), lalu latih ulang (netra train)."
    ),
}
_TOO_FEW = (
    "Pergeseran skor belum dapat diukur: perlu sedikitnya 7 hari berunggahan, dan 7 hari lagi dalam 28 hari sebelumnya."
)
_NO_REFERENCE = "Model ini tidak membawa acuan latih (reference.json); kosakata hanya dibandingkan dengan minggu lalu."


def alarm_words(alarms: Iterable[str]) -> str:
    """The alarms in a few words."""
    return ", ".join(_ALARMS[Alarm(alarm)] for alarm in alarms)


def advice(drift: Drift) -> list[str]:
    """What to do, and what could not be said."""
    lines = [_ADVICE[alarm] for alarm in drift.alarms]
    if not drift.alarms and drift.previous is not None:
        lines.append("Tidak ada yang perlu dilakukan.")
    if drift.previous is None:
        lines.append(_TOO_FEW)
    if drift.reference is None:
        lines.append(_NO_REFERENCE)
    return lines


def drift_table(drift: Drift) -> Table:
    """The figures of one mandate: now, the weeks before, the first weeks, and the text held out of training."""
    table = Table("", "sekarang", box=None, pad_edge=False)
    columns: list[Tally] = [drift.now]
    for title, shift in (("sebelumnya", drift.previous), ("pertama", drift.first)):
        if shift is not None:
            table.add_column(Text(f"{title}\n{shift.first_day} – {shift.last_day}"))
            columns.append(shift.tally)
    if drift.reference is not None:
        table.add_column("teks latih")
    for cells in _figures(columns, drift.reference):
        table.add_row(*cells)
    shifts = [_psi(shift) for shift in (drift.previous, drift.first) if shift is not None]
    if shifts:
        table.add_row("pergeseran skor (PSI)", "", *shifts)
    return table


def _figures(columns: list[Tally], reference: Tally | None) -> Iterator[list[str]]:
    """Flags and names are not set against the training text: it is half partisan on purpose."""
    known = [*columns, reference] if reference is not None else columns
    yield ["unggahan", *(f"{tally.posts:,}".replace(",", ".") for tally in columns)]
    yield ["ditandai", *(_share(tally.flag_rate) for tally in columns)]
    yield ["menyebut calon", *(_share(tally.naming_share("CALON")) for tally in columns)]
    yield ["menyebut partai", *(_share(tally.naming_share("PARTAI")) for tally in columns)]
    yield ["kata tak dikenal", *(_share(tally.unknown_word_share) for tally in known)]
    yield ["potongan tak terbaca", *(_share(tally.unknown_piece_share) for tally in known)]
    yield ["panjang (potongan): median, 90 %", *(_lengths(tally) for tally in known)]


def _share(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".", ",")


def _lengths(tally: Tally) -> str:
    return f"≤ {tally.length_quantile(0.5)}, ≤ {tally.length_quantile(0.9)}"


def _psi(shift: Shift) -> str:
    figures = f"{shift.psi:.2f} (kebetulan < {shift.floor:.2f})".replace(".", ",")
    return f"{figures} !" if shift.alarming else figures
