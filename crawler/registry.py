"""The platforms Netra crawls, by the name that targets carry."""

from __future__ import annotations

from crawler.source import Source
from crawler.sources.feed import Feed
from crawler.sources.mastodon import Mastodon
from models.errors import BadInput

SOURCES: dict[str, Source] = {
    "feed": Feed(),
    "mastodon": Mastodon(),
}


def source_named(name: str) -> Source:
    """The connector of this name.

    Raises:
        BadInput: there is none.
    """
    if name not in SOURCES:
        raise BadInput(f"no source named {name[:40]!r}; there are {', '.join(sorted(SOURCES))}")
    return SOURCES[name]


def check_address(source: str, address: str) -> None:
    """Let pass only addresses that the source can crawl; for whoever adds targets.

    Raises:
        BadInput: unknown source, or an address of another form.
    """
    source_named(source).begin(address, {})
