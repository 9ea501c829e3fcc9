"""Many servers that send much together do not fill the memory."""

from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.exceptions import StopDownload

from crawler.fetcher.in_flight import FAIR_BYTES, MAX_BYTES, InFlight

CHUNK = b" " * FAIR_BYTES


def asked(number):
    return Request(f"https://lapak-{number}.example/feed")


def test_an_answer_is_cut_off_when_all_together_are_too_much():
    watch, requests = InFlight(), [asked(n) for n in range(MAX_BYTES // FAIR_BYTES // 2 + 1)]
    for request in requests[:-1]:
        watch.received(CHUNK, request)
        watch.received(CHUNK, request)
    watch.received(CHUNK, requests[-1])  # a small one goes on
    with pytest.raises(StopDownload):
        watch.received(CHUNK, requests[-1])


def test_what_has_ended_counts_no_longer():
    watch = InFlight()
    for number in range(10 * MAX_BYTES // FAIR_BYTES):
        request = asked(number)
        watch.received(CHUNK, request)
        watch.received(CHUNK, request)
        watch.left(request)
        watch.left(request)
