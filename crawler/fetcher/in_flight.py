"""How much may be under way at once: many servers that send much together must not fill the memory."""

from __future__ import annotations

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload

MAX_BYTES = 64 << 20
"""Of all answers that are being received."""
FAIR_BYTES = 1 << 20
"""What every answer may have even then: honest pages are smaller."""


class InFlight:
    """A Scrapy extension; answers that take more than their share of what is too much are cut off."""

    def __init__(self) -> None:
        self._sizes: dict[Request, int] = {}
        self._total = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> InFlight:
        """Scrapy's constructor."""
        watch = cls()
        crawler.signals.connect(watch.received, signals.bytes_received)
        crawler.signals.connect(watch.left, signals.request_left_downloader)
        return watch

    def received(self, data: bytes, request: Request) -> None:
        """Some of an answer came.

        Raises:
            StopDownload: too much is under way, and this answer is one of the large ones.
        """
        size = self._sizes[request] = self._sizes.get(request, 0) + len(data)
        self._total += len(data)
        if self._total > MAX_BYTES and size > FAIR_BYTES:
            raise StopDownload(fail=True)

    def left(self, request: Request) -> None:
        """The answer is whole, or will never be."""
        self._total -= self._sizes.pop(request, 0)
