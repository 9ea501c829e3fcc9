"""Find phrases in a row of words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from classifier.text.lexicon import Form


class Phrases:
    """The forms of one contest, ready to be found among words.

    A contest has a few hundred forms and few of them begin alike, so a look at those is enough; spaCy's matcher finds
    the same ones, and takes longer to import than a post to score.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._by_first: dict[str, list[Form]] = {}
        for form in forms:
            self._by_first.setdefault(form.words[0], []).append(form)

    def find(self, words: Sequence[str]) -> list[tuple[int, int, Form]]:
        """Every form that stands there, as (first word, word after the last, form): the longest first, then in order.

        Found forms may overlap. `words` are written as in forms: lower case, straight apostrophes.
        """
        return sorted(self._all(words), key=lambda found: (found[0] - found[1], found[0]))

    def _all(self, words: Sequence[str]) -> Iterator[tuple[int, int, Form]]:
        for start, word in enumerate(words):
            for form in self._by_first.get(word, ()):
                end = start + len(form.words)
                if tuple(words[start:end]) == form.words:
                    yield start, end, form
