"""The platforms Netra crawls, by the name that targets carry."""

from __future__ import annotations

from crawler.source import Source
from crawler.sources.bluesky import Bluesky
from crawler.sources.feed import Feed
from crawler.sources.mastodon import Mastodon
from crawler.sources.page import PublicPage
from crawler.sources.telegram import Telegram
from crawler.sources.wordpress import WordPress
from crawler.sources.x_v2 import XV2
from crawler.sources.youtube import YouTube
from models.errors import BadInput

SOURCES: dict[str, Source] = {
    "bluesky": Bluesky(),
    "feed": Feed(),
    "mastodon": Mastodon(),
    "page": PublicPage(),
    "telegram": Telegram(),
    "wordpress": WordPress(),
    "x_v2": XV2(),
    "youtube": YouTube(),
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
