"""The written forms by which the sides and parties of a contest are known."""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classifier.text.normalise import normalise
from models.contest import CandidateSpec, ContestSpec
from models.parties import NATIONAL_PARTIES

ORDINARY_WORDS = Path(__file__).with_name("ordinary_words.txt")
"""Words that the corpus uses outside names, one a line; `python -m classifier.text.ordinary_words` writes it."""

HONORIFICS = frozenset(
    """
    pak bapak bpk bp pa bu ibu ib bude bunda mas mbak mba mbah abah aba abang bang bung kang teh teteh cak ning gus
    kh kyai kiai ust ustad ustadz tgh tuan guru datuk dato encik hj h haji hajah dr drs dra ir prof jend letjen
    mayjen brigjen kombes irjen jenderal kolonel om tante kak kakak cik ko koh ci cici oom opa uda uni ajo buya
    daeng andi karaeng puang i gusti ida bagus ratu raden rm rr nyai mama bapa uwak wak ua aki nini sultan tengku
    teuku cut
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
"""Titles and forms of address that stand before a name and belong to no side."""

_COMMON_GIVEN_NAMES = frozenset(
    """
    muhammad mohammad mohamad muhamad ahmad achmad abdul abdullah siti nur nurul dewi putri putra agus budi joko sri
    andi muh moh ali hasan umar usman ibrahim yusuf ismail made wayan nyoman ketut gede kadek komang
    """.split()  # noqa: SIM905 - prose reads better than a hundred quoted words
)
_FORM_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_DEGREES = re.compile(r",.*$|\b(?:[SMD]\.[A-Z][\w.]*|Ph\.?D\.?)(?=\W|$)")
_MIN_PART = 4


class Kind(enum.Enum):
    """What a form names; the value is the mask token's stem."""

    CANDIDATE = "CALON"
    PARTY = "PARTAI"
    SLOGAN = "SLOGAN"
    NUMBER = "NOMOR"


@dataclass(frozen=True)
class Form:
    """One written form. `side` is the ballot number of a candidate side or the short name of a party."""

    words: tuple[str, ...]
    kind: Kind
    side: int | str
    whole_upper: bool = False

    @property
    def joined(self) -> str:
        """The form without gaps, as it stands inside a hashtag."""
        return "".join(self.words).replace("'", "")

    @property
    def needs_care(self) -> bool:
        """Whether the form alone is no sure sign: an ordinary word or a very short abbreviation."""
        if len(self.words) > 1:
            return False
        word = self.words[0]
        return word in ordinary_words() or (len(word) <= 3 and any(vowel in word for vowel in "aiueo"))  # noqa: PLR2004


@functools.cache
def ordinary_words() -> frozenset[str]:
    """Words that are used in lower case outside names, so that a candidate called so needs care."""
    return frozenset(ORDINARY_WORDS.read_text(encoding="utf-8").split())


@functools.lru_cache(maxsize=2_000)
def words_of(text: str) -> tuple[str, ...]:
    """The lower-case words of a form, marks and gaps left out."""
    return tuple(word.lower().replace("’", "'") for word in _FORM_WORD.findall(normalise(text).text))


def contest_forms(contest: ContestSpec) -> list[Form]:
    """Every form of every side and party; the first side to claim a form keeps it."""
    forms: dict[tuple[str, ...], Form] = {}
    for form in (*_candidate_forms(contest), *_party_forms(contest)):
        if form.words:
            forms.setdefault(form.words, form)
    return list(forms.values())


def _candidate_forms(contest: ContestSpec) -> Iterator[Form]:
    for candidate in contest.candidates:
        for text in (*candidate.names, *candidate.aliases):
            yield _form(text, Kind.CANDIDATE, candidate.number)
        for text in candidate.names:
            yield _form(" ".join(_without_titles(text)), Kind.CANDIDATE, candidate.number)
        for text in candidate.slogans:
            yield _form(text, Kind.SLOGAN, candidate.number)
    yield from _part_forms(contest)


def _form(text: str, kind: Kind, side: int | str) -> Form:
    return Form(words_of(text), kind, side, whole_upper=text.isupper())


def _without_titles(name: str) -> tuple[str, ...]:
    words = words_of(_DEGREES.sub("", name))
    start = next((at for at, word in enumerate(words) if word not in HONORIFICS), 0)
    return words[start:]


def _part_forms(contest: ContestSpec) -> Iterator[Form]:
    """Single words of names that point to one side only and are neither short, ordinary nor a common name."""
    owners: dict[str, set[int]] = {}
    for candidate in contest.candidates:
        for word in _parts(candidate):
            owners.setdefault(word, set()).add(candidate.number)
    for word, sides in owners.items():
        if len(sides) == 1:
            yield Form((word,), Kind.CANDIDATE, sides.pop())


def _parts(candidate: CandidateSpec) -> set[str]:
    words = {word for name in candidate.names for word in _without_titles(name)}
    return {word for word in words if len(word) >= _MIN_PART and not _is_vague(word)}


def _is_vague(word: str) -> bool:
    return word in _COMMON_GIVEN_NAMES or word in HONORIFICS or word in ordinary_words()


def _party_forms(contest: ContestSpec) -> Iterator[Form]:
    names = {form.casefold(): short for short, others in NATIONAL_PARTIES.items() for form in (short, *others)}
    for candidate in contest.candidates:
        for text in candidate.parties:
            names.setdefault(text.casefold(), text)
    known = {text.casefold(): text for text in names.values()}
    for folded, short in names.items():
        spelling = known.get(folded, folded)
        yield Form(words_of(folded), Kind.PARTY, short, whole_upper=spelling.isupper())
