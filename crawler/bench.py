"""A bare Scrapy spider over Mastodon timelines: what a crawl costs that keeps nothing but JSON lines."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import TextResponse
from scrapy.utils.httpobj import urlparse_cached

from crawler.sources.mastodon import PAGE_SIZE


class BareSpider(scrapy.Spider):
    """Follows each account from its lookup to its oldest page."""

    name = "bare"

    def __init__(self, *, addresses: Sequence[str]) -> None:
        super().__init__()
        self._addresses = addresses
        self.answered_at = 0.0

    async def start(self) -> AsyncIterator[Any]:
        """Look the accounts up."""
        for address in self._addresses:
            origin, _, handle = address.partition("/@")
            yield scrapy.Request(f"{origin}/api/v1/accounts/lookup?acct={handle}", self.parse_account)

    def parse_account(self, response: TextResponse) -> Iterator[Any]:
        """Ask for the newest page."""
        self.answered_at = self.answered_at or time.perf_counter()
        place = urlparse_cached(response)
        origin, account = f"{place.scheme}://{place.netloc}", response.json()["id"]
        yield scrapy.Request(f"{origin}/api/v1/accounts/{account}/statuses?limit={PAGE_SIZE}")

    def parse(self, response: TextResponse) -> Iterator[Any]:
        """Keep a page's posts and go on to the next older one."""
        for status in response.json():
            yield {name: status[name] for name in ("uri", "url", "created_at", "edited_at", "content")}
        target, _, relation = response.headers.get("Link", b"").decode().partition(",")[0].partition(">; ")
        if relation == 'rel="next"':
            yield response.follow(target.removeprefix("<"))


def bare_crawl(addresses: Sequence[str], out: Path) -> float:
    """Crawl to the end, write `out`, and return the seconds from the first answer on. Once in a process, as all crawls.

    The manners are Netra's own, one request at a time to each host and no delay between them.
    """
    process = AsyncCrawlerProcess(
        {
            "CONCURRENT_REQUESTS": 2 * len({urlsplit(address).netloc for address in addresses}),
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
            "FEEDS": {out: {"format": "jsonlines"}},
            "LOG_LEVEL": "ERROR",
            "LOG_INSTALL_ROOT_HANDLER": False,
            "TELNETCONSOLE_ENABLED": False,
        }
    )
    crawler = process.create_crawler(BareSpider)
    process.crawl(crawler, addresses=addresses)
    process.start()
    if not isinstance(crawler.spider, BareSpider):
        raise TypeError("Scrapy made another spider")
    return time.perf_counter() - crawler.spider.answered_at
