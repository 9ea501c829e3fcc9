"""robots.txt files that were not written for robots."""

import time

from tests.crawler.hostile.conftest import feed, forever, head, say, whole

UNREADABLE = "failed: robots.txt tidak dapat dibaca"
HALF_MB = 500_000
PAGE = say(whole(feed("isi")))


def fill(line, size=HALF_MB):
    return line * (size // len(line))


def crowd():
    """As many agents as rules: whoever gives every rule to every agent never finishes."""
    agents = "".join(f"User-agent: a{n}\n" for n in range(15_000))
    return (agents + fill("Disallow: /x\n", HALF_MB - len(agents))).encode()


def files():
    """Contents of robots.txt by name, and how the run ends. The path of the feed is long and full of `a`."""
    everyone = b"User-agent: *\n"
    rates = b"Crawl-delay: nan\nCrawl-delay: 1e999\nRequest-rate: 0/0\nVisit-time: 9-9\n"
    million = b"".join(b"Disallow: /%d\n" % n for n in range(1_000_000))
    return {
        "as many agents as rules": (crowd(), "done: "),
        "a million rules": (everyone + million, f"{UNREADABLE}|done: "),
        "rules for anything": (everyone + fill(b"Disallow:/*a*a*a*a*a*a*a*a*a*b\n"), "done: "),
        "one rule of 500 kB": (everyone + b"Disallow: /" + fill(b"*a") + b"b\n", "done: "),
        "stars alone": (everyone + b"Disallow: /" + b"*" * HALF_MB + b"b$\n", "done: "),
        "percent signs": (everyone + b"Disallow: /" + fill(b"%") + b"\n", "done: "),
        "absolute and ending rules": (everyone + fill(b"Disallow: http://[/$\nAllow: $$/*index.html\n"), "done: "),
        "nothing but line ends": (b"\n" * HALF_MB, "done: "),
        "all kinds of bytes": (bytes(range(256)) * (HALF_MB // 256), "done: "),
        "10 MB of zeros": (b"\x00" * (10 << 20), "done: "),
        "HTML": (b"<!doctype html><title>Beranda</title>", "done: "),
        "UTF-16": ("User-agent: *\nDisallow: /z\n".encode("utf-16"), "done: "),
        "bad rates": (everyone + rates, "done: "),
        "the same agent again and again": (fill(b"User-agent: netra\nDisallow: /x\n"), "done: "),
        "forbidden after all that": (fill(b"User-agent: b\n", 400_000) + b"User-agent: Netra\nDisallow: /\n",
                                     "refused: robots.txt melarang"),
    }  # fmt: skip


def test_a_crawl_among_hostile_robots_files(siege):
    inner = f"http://127.0.0.1:{siege.canary.port}/robots.txt"
    slow = forever(b"#", head(Content_Length=10_000), pause=0.05)
    traps = [
        siege.trap(name, PAGE, expected, robots=say(whole(body)), path="/" + "a" * 1500)
        for name, (body, expected) in files().items()
    ]
    traps += [
        siege.trap(name, PAGE, expected, robots=robots)
        for name, robots, expected in (
            ("byte by byte", slow, UNREADABLE),
            ("without end", forever(b"Disallow: /x\n" * 5000, head()), f"{UNREADABLE}|done: "),
            ("says nothing", lambda *_: time.sleep(20), UNREADABLE),
            ("hangs up", say(), UNREADABLE),
            ("to an inner address", say(whole(b"", "302 Found", Location=inner)), f"{UNREADABLE}|refused: "),
            ("to a file", say(whole(b"", "302 Found", Location="file:///etc/passwd")), f"{UNREADABLE}|done: "),
            ("in circles", say(whole(b"", "302 Found", Location="/robots.txt")), UNREADABLE),
            ("429", say(whole(b"", "429 Later", Retry_After="1e12")), UNREADABLE),
            ("a broken gzip", say(whole(b"\x1f\x8b\x08junk", Content_Encoding="gzip")), UNREADABLE),
            ("a broken place", say(whole(b"", "302 Found", Location="http://[")), f"{UNREADABLE}|done: "),
        )
    ]
    report = siege.crawl(traps, request_seconds=3.0)
    assert not any("tak terduga" in line for line in map(report.line, report.runs))
