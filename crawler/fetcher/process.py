"""The fetching process: Scrapy and every parser of foreign bytes, without database and keys.

Twisted's reactor starts once in a process, memory that a hostile page took is given back when the process ends, and a
parser that hangs is ended from outside: so it is a process of its own, replaced now and then by the coordinator.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess

from crawler.config import PRODUCT, CrawlConfig
from crawler.fetcher.hotline import Hotline
from crawler.fetcher.spider import TargetSpider


def fetch_for(connection: Connection, config: CrawlConfig) -> None:
    """Walk the runs that come over the pipe until the coordinator hangs up. The entry of the process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    hotline = Hotline(connection)
    process = AsyncCrawlerProcess(_settings(config))
    crawler = process.create_crawler(TargetSpider)
    process.crawl(crawler, config=config, hotline=hotline)
    process.start()
    os._exit(0)  # threads of name lookups that never return would hold up an ordinary exit


def _end_with_parent() -> None:
    """A coordinator that is killed outright must not leave its fetcher asking servers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _settings(config: CrawlConfig) -> dict[str, Any]:
    """Scrapy's settings; what Netra does not need of it is off."""
    return {
        "BOT_NAME": PRODUCT,
        "USER_AGENT": config.user_agent,
        "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.fetcher.middleware.GuardMiddleware": 10,
            "crawler.fetcher.middleware.RobotsMiddleware": 50,
            "crawler.fetcher.middleware.MannersMiddleware": 100,  # the pause follows the site's robots.txt as well
            "crawler.fetcher.unpacking.UnpackMiddleware": 590,
            "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
            "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
        },
        "EXTENSIONS": {"crawler.fetcher.in_flight.InFlight": 0},
        "ROBOTSTXT_OBEY": False,  # our own middleware does, and treats an unreadable robots.txt as RFC 9309 says
        "COOKIES_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "REDIRECT_MAX_TIMES": config.max_redirects,
        "CONCURRENT_REQUESTS": config.hosts_at_once * 2,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": 0,  # the least pause is kept by `crawler.fetcher.manners`, over all processes
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": 0,
        "AUTOTHROTTLE_MAX_DELAY": config.longest_delay,
        "DOWNLOAD_TIMEOUT": config.request_seconds,
        "DOWNLOAD_MAXSIZE": config.max_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "ERROR",
        "LOGSTATS_INTERVAL": 0,
        "STATS_DUMP": False,
    }
