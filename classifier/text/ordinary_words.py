"""Write `ordinary_words.txt`: words that the corpus uses in lower case outside names."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable

from classifier.labels.corpus import LabelledPost, read_posts
from classifier.text.lexicon import ORDINARY_WORDS

MIN_COUNT = 2
_MIN_LENGTH = 3
_LOWER_WORD = re.compile(r"(?<![\w#@])[a-z]+(?![\w])")


def ordinary_words(posts: Iterable[LabelledPost]) -> list[str]:
    """Lower-case words met at least `MIN_COUNT` times outside mentions, never called a name more often than that."""
    used: collections.Counter[str] = collections.Counter()
    for post in posts:
        named = {word for mention in post.mentions for word in re.findall(r"\w+", mention.text.lower())}
        used.update(word for word in _LOWER_WORD.findall(post.text) if word not in named)
    return sorted(word for word, count in used.items() if count >= MIN_COUNT and len(word) >= _MIN_LENGTH)


def main() -> None:
    """Rebuild the list from the shipped corpus."""
    ORDINARY_WORDS.write_text("\n".join(ordinary_words(read_posts())) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
