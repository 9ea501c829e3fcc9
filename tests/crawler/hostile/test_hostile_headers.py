"""Heads of responses that never end, lie, or try to say something to whoever repeats them."""

import time

from sqlalchemy import select

from models.clock import utc_now
from models.hosts import Host
from models.targets import Fetch, Target
from tests.crawler.hostile.conftest import Trap, feed, forever, head, say, whole

CUT = "failed: (jawaban terpotong|sambungan terputus)"
SLOW = "failed: server terlalu lambat"
BODY = feed("isi")


def drip(data, pause):
    """Send `data` byte by byte."""

    def behave(connection, _):
        for place in range(len(data)):
            connection.sendall(data[place : place + 1])
            time.sleep(pause)

    return behave


def poison(connection, request):
    """Answer, and slip a second answer behind the first one into the same connection."""
    path = request.split()[1].decode()
    connection.sendall(whole(feed(f"benar {path}")) + whole(feed("selundupan"), ETag='"palsu"'))
    time.sleep(1)


def heads(siege):
    """Heads that never come, never end or are none."""
    many = b"".join(b"X-%d: y\r\n" % n for n in range(10_000))
    ok = b"HTTP/1.1 200 OK\r\n"
    return [
        siege.trap("status byte by byte", drip(b"HTTP/1.1 200 OK" * 100, 0.05), SLOW),
        siege.trap("headers byte by byte", drip(ok + b"X-Lambat: " + b"a" * 1000, 0.05), SLOW),
        siege.trap("10,000 headers", say(ok + many + b"\r\n" + BODY), "(done|failed): "),
        siege.trap("headers for ever", forever(b"X-Lagi: " + b"y" * 8000 + b"\r\n", ok), "failed: "),
        siege.trap("folded lines for ever", forever(b" " + b"y" * 8000 + b"\r\n", ok + b"X-A: b\r\n"), "failed: "),
        siege.trap("a header of 1 MB", say(ok + b"X-Besar: " + b"y" * (1 << 20) + b"\r\n\r\n" + BODY), CUT),
        siege.trap("a line without end", forever(b"y" * 65536, ok), CUT),
        siege.trap("a status line without end", forever(b"y" * 65536), CUT),
        siege.trap("1xx for ever", forever(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 50), "failed: "),
        siege.trap("HTTP/0.9", say(BODY), CUT),
        siege.trap("another protocol", say(b"220 surat.example ESMTP\r\n"), CUT),
        siege.trap("bytes at random", say(bytes(range(256)) * 100), CUT),
        siege.trap("only line ends", forever(b"\r\n" * 30_000), CUT),
        siege.trap("HTTP/9.9", say(b"HTTP/9.9 200 OK\r\n\r\n" + BODY), "(done: |failed: )"),
        siege.trap("a status of words", say(b"HTTP/1.1 baik OK\r\n\r\n" + BODY), CUT),
        siege.trap("status 99999", say(whole(BODY, "99999 Entahlah")), "failed: "),
        siege.trap("status -1", say(whole(BODY, "-1 Entahlah")), "failed: "),
        siege.trap("status 0", say(whole(BODY, "0 Entahlah")), "failed: "),
        siege.trap("an unknown transfer encoding", say(head(Transfer_Encoding="sihir") + BODY), CUT),
        siege.trap("headers without colon", say(ok + b"tanpa titik dua\r\n\r\n" + BODY), "done: "),
        siege.trap("NUL and high bytes", say(ok + b"X-\x00\xff: \x00\xfe\xff\r\n\r\n" + BODY), "done: |" + CUT),
    ]


def statuses(siege):
    """Statuses whose bodies should not be, or that nobody asked for."""
    answered = "failed: server menjawab HTTP {}"
    return [
        siege.trap("204 with a body", say(whole(BODY, "204 No Content")), "failed: isi tidak dikenali"),
        siege.trap("205 with a body", say(whole(BODY, "205 Reset Content")), "(done|failed): "),
        siege.trap("206 that nobody asked for", say(whole(BODY, "206 Partial Content")), "(done|failed): "),
        siege.trap("304 that nobody asked for", say(whole(BODY, "304 Not Modified")), answered.format(304)),
        siege.trap("407", say(whole(b"", "407 Proxy", Proxy_Authenticate="Basic")), answered.format(407)),
        siege.trap("401", say(whole(b"", "401 No", WWW_Authenticate="Negotiate")), r"\w+: .*(401|masuk|tertutup)"),
        siege.trap("101", say(head("101 Switching", Upgrade="h2c", Connection="upgrade") + BODY), CUT),
        siege.trap("451", say(whole(b"", "451 Legal")), r"\w+: .*451"),
    ]


def poisoned(siege):
    """Four feeds of one server that slips in answers nobody asked for."""
    server = siege.outlaw(poison)
    return [Trap(f"poison {n}", server.url(f"/{n}"), "done: |" + CUT) for n in range(4)]


def pauses(siege):
    """Servers that want to be left alone for odd times."""
    values = ["-1", "1e12", "1" * 5000, "nan", "inf", "-inf", "besok", "", "Mon, 99 Foo 99999 99:99:99 GMT",
              "0x10", "1_000_000_000", "\u0661\u0662", "Sun, 31 Dec 9999 23:59:59 GMT"]  # fmt: skip
    return [
        siege.trap(f"{status[:3]} {value[:40]!r}", say(whole(b"", status, Retry_After=_as_sent(value))), "failed: ")
        for value in values
        for status in ("429 Too Many Requests", "503 Service Unavailable")
    ]


def test_a_crawl_among_servers_whose_heads_are_wrong(siege):
    asking = pauses(siege)
    report = siege.crawl([*heads(siege), *statuses(siege), *poisoned(siege), *asking], longest_wait=1.0)
    assert not [line for line in map(report.line, report.runs) if "tak terduga" in line]
    assert not any("selundupan" in text for versions in siege.crawls.texts().values() for text in versions)
    with siege.crawls.database.read() as session:
        for trap in asking:
            rest = session.get_one(Host, report.runs[trap.name].host).rest_until
            assert rest is None or (rest - utc_now()).total_seconds() < 2 * 24 * 3600 + 60


def _as_sent(value):
    """What `head` must be given so that UTF-8 goes over the wire."""
    return value.encode().decode("latin-1")


def test_headers_that_are_kept_are_short_harmless_and_say_nothing_of_cookies(siege):
    flood = "".join(f"Set-Cookie: kue{n}={'x' * 3000}\r\n" for n in range(300))
    injected = '<http://x.example/>; rel="next"\r\n\tX-Susup: ya\r\n lagi'
    traps = [
        siege.trap("an ETag of 1 MB", say(whole(BODY, ETag='"' + "e" * (1 << 20) + '"')), CUT),
        siege.trap("an ETag of 15 kB", say(whole(BODY, ETag='"' + "e" * 15_000 + '"')), "done: "),
        siege.trap("cookies", say(b"HTTP/1.1 200 OK\r\n" + flood.encode() + b"\r\n" + BODY), "(done|failed): "),
        siege.trap("a folded Link", say(whole(BODY, Link=injected)), "done: "),
        siege.trap("a content type of 10 kB", say(whole(BODY, Content_Type="text/xml" * 1200)), "done: "),
        siege.trap("line ends in an ETag", say(whole(BODY, ETag='"a\rX-Susup: ya\nX-B: c"')), "(done|failed): "),
    ]
    siege.crawl(traps)
    second = siege.crawl([trap for trap in traps if trap.name != "an ETag of 1 MB"])
    assert second.took < 30
    with siege.crawls.database.read() as session:
        kept = session.scalars(select(Fetch)).all()
        names = {name for fetch in kept for name in fetch.headers}
        longest = max(len(value) for fetch in kept for value in fetch.headers.values())
        media_types = {len(fetch.media_type) for fetch in kept}
        validators = [target.validators for target in session.scalars(select(Target))]
    assert not names & {"set-cookie", "set-cookie2"}
    assert longest <= 2000
    assert max(media_types) <= 120
    assert all(len(str(validator)) < 6000 for validator in validators)
    for request in (request for server in siege.outlaws for request in server.heads):
        assert len(request) < 8192
        assert b"cookie" not in request.lower()
        lines = request.split(b"\r\n")
        assert not any(b"\n" in line or b"\r" in line or line.lower().startswith(b"x-susup") for line in lines)
