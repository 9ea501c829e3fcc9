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
from models.targets import host_of

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


def asked_host(source: str, address: str) -> str:
    """The server that a crawl of this address asks first; for whoever adds targets. Often it is not the address's own.

    Raises:
        BadInput: unknown source, or an address of another form.
    """
    return host_of(source_named(source).begin(address, {}).url)
