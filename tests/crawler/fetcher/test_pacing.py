"""How long a server asks us to stay away."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.fetcher.pacing import DEFAULT_PAUSE, LONGEST_PAUSE, pause_until

NOW = dt.datetime(2026, 10, 5, 7, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, {}, None),
        (500, {"retry-after": "9"}, None),
        (429, {"retry-after": "120"}, 120),
        (503, {"retry-after": "Mon, 05 Oct 2026 07:02:00 GMT"}, 120),
        (429, {}, DEFAULT_PAUSE.total_seconds()),
        (429, {"retry-after": "nanti"}, DEFAULT_PAUSE.total_seconds()),
        (429, {"retry-after": "1e99"}, LONGEST_PAUSE.total_seconds()),
        (429, {"retry-after": "nan"}, DEFAULT_PAUSE.total_seconds()),
        (429, {"retry-after": "-5"}, DEFAULT_PAUSE.total_seconds()),
        (200, {"x-ratelimit-remaining": "299", "x-ratelimit-reset": "2026-10-05T07:05:00.950500Z"}, None),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2026-10-05T07:05:00Z"}, 300),
        (200, {"x-rate-limit-remaining": "0", "x-rate-limit-reset": "1791183900"}, 300),
        (200, {"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        (200, {"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        (200, {"ratelimit": '"default";r=0;t=7'}, 7),
        (200, {"ratelimit": '"default";r=12;t=7'}, None),
        (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2020-01-01T00:00:00Z"}, None),
    ],
)
def test_each_way_of_asking(status, headers, seconds):
    until = pause_until(status, headers, NOW)
    assert (None if until is None else (until - NOW).total_seconds()) == seconds


NAMES = st.sampled_from(["retry-after", "ratelimit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-reset"])


@given(st.integers(100, 599), st.dictionaries(NAMES, st.text(max_size=30) | st.floats().map(str) | st.just("0")))
def test_no_header_keeps_us_away_for_ever(status, headers):
    until = pause_until(status, headers, NOW)
    assert until is None or NOW < until <= NOW + LONGEST_PAUSE
