"""Find ballot numbers: digits, keycaps and number words that stand where a ballot number stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_WORDS = (
    ("kosong", "nol"),
    ("satu", "siji", "hiji", "asa", "ciek", "besik", "seddi", "settong", "sada"),
    ("dua", "loro", "duo", "dhuwa", "duwa", "duwâ", "duwe", "dadua", "rua", "kalih"),
    ("tiga", "telu", "tilu", "tolu", "talu", "tigo", "tellu", "tello"),
    ("empat", "papat", "opat", "ampat", "ampek"),
    ("lima", "limo", "lemma"),
    ("enam", "enem", "genep", "anam"),
    ("tujuh", "pitu", "tujuah"),
    ("delapan", "wolu", "dalapan", "salapan"),
    ("sembilan", "sanga", "songo"),
)
NUMBER_WORDS = {word: value for value, words in enumerate(_WORDS) for word in words if value}
"""Number words of Indonesian and its regional languages, 1 to 9."""

_TITLES = frozenset(
    """
    no n0 nomor nomer nomoro nmr nomo nomr angka jari telunjuk urut urutan paslon pasangan palon capres cagub cabup
    cawali cakades calon kandidat bacalon
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_SURE_TITLES = frozenset(
    """
    urut urutan paslon palon capres cagub cabup cawali cakades
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_CALLS = frozenset(
    """
    coblos cobloslah nyoblos coblosan pilih pilihlah milih pilihan dukung tusuk cucuk menangkan salam tetap pokoknya
    pokoke jagoan jagoanku lanjutkan gaspol coblose
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_UNITS = frozenset(
    """
    orang org kali x kg kilo gram ribu rb juta jt miliar milyar triliun jam hari hr minggu bulan bln tahun thn th
    menit mnt detik meter m km persen % calon paslon pasangan kandidat nama anak ekor buah biji bungkus piring gelas
    putaran periode partai opsi hal cara macam jenis banding arah lawan suara kursi tps desa dusun rt rw
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_OTHER_NUMBERS = frozenset(
    """
    tps rt rw pukul jam jln jl jalan km gang gg blok kamar kursi punggung antrian antrean uu perda pasal ayat
    perkara surat bab kelas sd sdn smp smpn sma sman smk tgl tanggal dapil komisi tahap putaran rumah lantai hp wa
    telp rekening liga grup nomer2 bansos pkpu perpu pp bus
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_LINKS = frozenset(".:-#(\"'")
_REACH = 3


class Token(NamedTuple):
    """One token with its place in the plain text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class BallotNumber:
    """A number found: the token it stands in, its value, and whether the words before leave no doubt."""

    token: Token
    value: int
    sure: bool


_DIGITS = re.compile(r"(?:0\u20e3?)?(\d{1,2})(\u20e3?)\Z")


def find_numbers(tokens: Sequence[Token], registered: frozenset[int]) -> Iterator[BallotNumber]:
    """Yield ballot numbers in order.

    A number that no side carries counts only after words that leave no doubt ("nomor urut", "paslon").
    """
    for index, token in enumerate(tokens):
        value = value_of(token.text)
        if value is None or _is_part_of_larger(tokens, index):
            continue
        sure = _is_named_number(tokens, index, _SURE_TITLES)
        if sure or (value in registered and _stands_as_ballot_number(tokens, index)):
            yield BallotNumber(token, value, sure)


def value_of(text: str) -> int | None:
    """The value of `2`, `02`, `2⃣`, `loro`; None for anything else."""
    digits = _DIGITS.match(text) if text[:1].isdecimal() else None
    return int(digits.group(1)) if digits else NUMBER_WORDS.get(text.lower())


def _stands_as_ballot_number(tokens: Sequence[Token], index: int) -> bool:
    text = tokens[index].text
    if text.endswith("\u20e3") or _is_named_number(tokens, index, _TITLES):
        return True
    before, after = _lower(tokens, index - 1), _lower(tokens, index + 1)
    if after == "jari":
        return True
    if text.startswith("0"):
        return before not in _OTHER_NUMBERS
    called = before in _CALLS or (before == "#" and _lower(tokens, index - 2) in _CALLS)
    return called and after not in _UNITS


def _is_named_number(tokens: Sequence[Token], index: int, titles: frozenset[str]) -> bool:
    """Whether one of `titles` stands just before, with at most points, colons or signs between."""
    at = index - 1
    while index - at < _REACH and _lower(tokens, at) in _LINKS:
        at -= 1
    if _lower(tokens, at) not in titles:
        return False
    return _lower(tokens, at - 1) not in _OTHER_NUMBERS and _lower(tokens, index + 1) not in {"%", "persen", "juta"}


def _is_part_of_larger(tokens: Sequence[Token], index: int) -> bool:
    """Whether the digits belong to a date, time, score, decimal or range such as 12/02 or 3-2."""
    for sign, other in ((index - 1, index - 2), (index + 1, index + 2)):
        if _lower(tokens, sign) in {"/", ":", ".", ",", "-"} and _lower(tokens, other).isdigit():
            pair = sorted((index, other))
            if tokens[pair[1]].start - tokens[pair[0]].end == 1:
                return True
    return False


def _lower(tokens: Sequence[Token], index: int) -> str:
    return tokens[index].text.lower() if 0 <= index < len(tokens) else ""
