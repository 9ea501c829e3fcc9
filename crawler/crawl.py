"""Crawl open runs to their end: one Scrapy process over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess

from crawler.config import PRODUCT, CrawlConfig
from crawler.recorder import Ending, Recorder
from crawler.spider import TargetSpider
from models.clock import utc_now
from models.database import Database
from models.evidence import EvidenceStore
from models.targets import RunOutcome

__all__ = ["CrawlConfig", "crawl"]


def crawl(database: Database, evidence: EvidenceStore, run_ids: Sequence[str], config: CrawlConfig) -> None:
    """Crawl the targets of these running runs and end every run with its outcome and reason.

    Blocks until all have ended. Call it once in a process: Twisted's reactor starts only once. Runs that the crawl
    does not come to, because time is over or the process is told to stop, end as interrupted and are due again.

    Raises:
        StorageError: the disk does not take what was fetched.
    """
    recorder = Recorder(database, evidence, config.actor)
    if not recorder.open_runs(run_ids):
        return
    process = AsyncCrawlerProcess(_settings(config))
    crawler = process.create_crawler(TargetSpider)
    process.crawl(crawler, config=config, recorder=recorder, run_ids=list(run_ids))
    try:
        process.start()
    finally:
        if crawler.spider is not None:
            crawler.spider.settle()
        for run_id, _ in recorder.open_runs(run_ids):
            recorder.end(run_id, Ending(RunOutcome.INTERRUPTED, "proses crawl berhenti sebelum selesai", utc_now()))
    if crawler.spider is not None and crawler.spider.failure is not None:
        raise crawler.spider.failure


def _settings(config: CrawlConfig) -> dict[str, Any]:
    """Scrapy's settings; what Netra does not need of it is off."""
    return {
        "BOT_NAME": PRODUCT,
        "USER_AGENT": config.user_agent,
        "DOWNLOAD_HANDLERS": dict.fromkeys(("data", "file", "ftp", "s3")),
        "DOWNLOADER_MIDDLEWARES": {
            "crawler.middleware.GuardMiddleware": 10,
            "crawler.middleware.RobotsMiddleware": 100,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": None,
            "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
        },
        "ROBOTSTXT_OBEY": False,  # our own middleware does, and treats an unreadable robots.txt as RFC 9309 says
        "COOKIES_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "REDIRECT_MAX_TIMES": config.max_redirects,
        "CONCURRENT_REQUESTS": config.hosts_at_once * 2,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": config.delay,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": config.delay,
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
