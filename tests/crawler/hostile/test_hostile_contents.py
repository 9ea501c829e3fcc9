"""Bodies that arrive in good order and hurt whoever reads them: feeds and JSON made to cost, to crash or to leak."""

import itertools
import json

from models.posts import MAX_TEXT_CHARACTERS
from tests.crawler.hostile.conftest import Trap, feed, say, whole

STRANGE = "failed: isi tidak dikenali"
EITHER = f"(done: |{STRANGE})"
TEN_MB = 10 << 20

FEW_AT_ONCE = {"hosts_at_once": 3, "request_seconds": 20.0, "run_seconds": 40.0, "total_seconds": 90.0}
"""So that what is measured is what one body costs, and not how many of them are held at a time."""


def rss(items, prolog=""):
    return f"{prolog}<rss><channel>{items}</channel></rss>".encode()


def item(title):
    return f"<item><title>{title}</title><guid>g</guid></item>"


def fill(part, size=TEN_MB - 200):
    """`part` as often as fits."""
    return part * (size // len(part))


def laughs():
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    return rss(item("&a11;"), f'<!DOCTYPE r [<!ENTITY a0 "ha">{lines}]>')


def external(system):
    return rss(item("&x;"), f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "{system}">]>')


def feeds(siege, secret):
    """Hostile feeds by name: body, content type and how the run ends."""
    inner = f"http://127.0.0.1:{siege.canary.port}/"
    text, dtd = rss(item("judul")), "<!DOCTYPE rss SYSTEM '{}'>"
    quadratic = f'<!DOCTYPE r [<!ENTITY a "{"x" * 100_000}">]>'
    plain, xml = "text/plain", "text/xml"
    return {
        "XXE to a file": (external(f"file://{secret}"), xml, STRANGE),
        "XXE to a canary": (external(inner), xml, STRANGE),
        "XXE in UTF-16": (external(inner).decode().encode("utf-16"), xml, STRANGE),
        "XXE in UTF-7": (external(inner).decode().encode("utf-7"), "text/xml; charset=utf-7", EITHER),
        "parameter entity": (rss("", f'<!DOCTYPE r [<!ENTITY % x SYSTEM "{inner}"> %x;]>'), xml, STRANGE),
        "external DTD": (rss(item("a"), dtd.format(inner)), xml, EITHER),
        "XInclude": (rss(f"<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='{inner}'/>"), xml, EITHER),
        "a stylesheet": (rss(item("a"), f"<?xml-stylesheet type='text/xsl' href='{inner}'?>"), xml, EITHER),
        "a schema": (rss(item("a")).replace(b"<rss", f"<rss xmlns='{inner}'".encode()), xml, EITHER),
        "billion laughs": (laughs(), xml, STRANGE),
        "quadratic blow-up": (rss(item("&a;" * 100_000), quadratic), xml, STRANGE),
        "100,000 levels": (b"<rss><channel><item>" + b"<b>" * 100_000, xml, EITHER),
        "100,000 levels of CDATA markup": (rss(item(f"<![CDATA[{'<b>' * 100_000}]]>")), xml, EITHER),
        "a million tiny items": (rss("<item/>" * 1_000_000), xml, EITHER),
        "a million elements": (rss("<item>" + fill("<a/>") + "</item>"), xml, EITHER),
        "a million attributes": (b"<rss " + " ".join(f"a{n}=''" for n in range(800_000)).encode() + b">", xml, EITHER),
        "a million entities": (rss(item(fill("&zz;"))), xml, EITHER),
        "a million references": (rss(item(fill("&#1;"))), xml, EITHER),
        "a million instructions": (fill(b"<?a?>"), xml, STRANGE),
        "a million comments": (rss(fill("<!---->")), xml, EITHER),
        "a million namespaces": (rss("".join(f"<a{n}:b xmlns:a{n}='u{n}'/>" for n in range(300_000))), xml, EITHER),
        "10 MB of opening brackets": (b"<rss>" + fill(b"<"), xml, EITHER),
        "10 MB of one title": (rss(item("a" * (TEN_MB - 300))), xml, EITHER),
        "10 MB of one link": (rss(f"<item><title>a</title><link>{'h' * (TEN_MB - 400)}</link></item>"), xml, EITHER),
        "10 MB of one tag": (b"<rss><" + b"a" * (TEN_MB - 100), xml, EITHER),
        "10 MB of blanks": (b" " * (TEN_MB - 1), xml, STRANGE),
        "10 MB of zeros": (b"\x00" * (TEN_MB - 1), xml, STRANGE),
        "NUL in UTF-32": (text.decode().encode("utf-32"), xml, EITHER),
        "bad UTF-8": (rss(item("@")).replace(b"@", b"\xff\xfe\xc0\x80\xed\xa0\x80"), xml, "done: "),
        "NULs and controls": (rss(item("a\x00b\x01c\x0bd\ufffe")), xml, "done: "),
        "UTF-16 without mark": (text.decode().encode("utf-16-le"), xml, "done: "),
        "UTF-16 cut in half": (text.decode().encode("utf-16")[:-1], xml, EITHER),
        "charset foo": (text, "text/xml; charset=foo", "done: "),
        "charset is a codec of bytes": (text, "text/xml; charset=zlib_codec", "done: "),
        "charset rot13": (text, "text/xml; charset=rot13", "done: "),
        "charset punycode": (rss(item("\xe9")).decode().encode("latin-1"), "text/xml; charset=punycode", "done: "),
        "charset idna": (b"\xff" * 300_000, "text/xml; charset=idna", STRANGE),
        "charset unicode_escape": (b"\xff\\u003crss>" * 10, "text/xml; charset=unicode_escape", EITHER),
        "UTF-7 feed": (text.decode().encode("utf-7"), "text/xml; charset=utf-7", EITHER),
        "lying declaration": (b"<?xml version='1.0' encoding='utf-16'?>" + text, xml, "done: "),
        "no content": (b"", xml, STRANGE),
        "HTML": (b"<!doctype html><title>Galat</title>", "text/html", STRANGE),
        "JSON": (b'{"items": []}', "application/json", EITHER),
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, "image/png", STRANGE),
        "a guid of 100 kB": (rss(item("a").replace("g<", "g" * 100_000 + "<")), plain, "done: "),
        "one guid for all": (rss("".join(item(f"judul {n}") for n in range(5_000))), plain, "done: "),
        "times out of any calendar": (
            rss("".join(f"<item><title>{n}</title><pubDate>{when}</pubDate></item>" for n, when in enumerate(
                ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "Mon, 99 Foo 99999 99:99:99 +9999", "1e999",
                 "2026-10-05T00:00:00+99:99", "Thu, 01 Jan 1970 00:00:00 +2460", "٢٠٢٦-10-05T00:00:00Z"]))),
            xml, "done: ",
        ),
    }  # fmt: skip


def test_a_crawl_among_hostile_feeds(siege, tmp_path):
    secret = tmp_path / "rahasia.txt"
    secret.write_text("bocor dari berkas")
    traps = [
        siege.trap(name, say(whole(body, Content_Type=media_type)), expected)
        for name, (body, media_type, expected) in feeds(siege, secret).items()
    ]
    siege.crawl(traps, **FEW_AT_ONCE)
    for versions in siege.crawls.texts().values():
        for text in versions:
            assert len(text) <= MAX_TEXT_CHARACTERS
            assert "\x00" not in text
            assert "bocor" not in text


def status(**fields):
    return {"id": "1", "account": {"id": "7", "acct": "sari"}, "content": "<p>isi</p>", "uri": "", **fields}


def statuses():
    """Hostile pages of a timeline by name: body and how the run ends."""
    one = json.dumps(status())
    return {
        "100,000 levels": (b"[" * 100_000 + b"]" * 100_000, STRANGE),
        "100,000 levels of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, STRANGE),
        "a deep field": (f'[{one[:-1]}, "x": {"[" * 50_000}{"]" * 50_000}}}]'.encode(), STRANGE),
        "a number of a million digits": (f'[{one[:-1]}, "n": {"9" * 1_000_000}}}]'.encode(), STRANGE),
        "1e999999": (f'[{one[:-1]}, "n": 1e999999}}]'.encode(), "done: "),
        "NaN and Infinity": (f'[{one[:-1]}, "n": [NaN, Infinity, -Infinity]}}]'.encode(), EITHER),
        "a million objects": (b"[" + fill(b"{},")[:-1] + b"]", EITHER),
        "a million lists": (b"[" + fill(b"[],")[:-1] + b"]", EITHER),
        "a million numbers": (b"[" + fill(b"1,")[:-1] + b"]", EITHER),
        "a million keys": (json.dumps([status(**{f"k{n}": 0 for n in range(600_000)})]).encode(), EITHER),
        "a million attachments": (json.dumps([status(media_attachments=[{}] * 1_000_000)]).encode(), EITHER),
        "duplicate keys": (b'[{"id":"1","id":"2","account":{"id":"7"},"content":"a","content":"b"}]', "done: "),
        "the same status 40,000 times": (f"[{','.join([one] * 40_000)}]".encode(), EITHER),
        "surrogates and NULs": (json.dumps([status(content="\ud800a\x00\udfff")]).encode(), "done: "),
        "UTF-16": (json.dumps([status()]).encode("utf-16"), EITHER),
        "two marks": (b"\xef\xbb\xbf\xef\xbb\xbf[]", STRANGE),
        "a string of 10 MB": (json.dumps([status(content="<b>" * 3_000_000)]).encode(), EITHER),
        "nothing": (b"", STRANGE),
        "null": (b"null", STRANGE),
        "HTML": (b"<html>", STRANGE),
    }


def test_a_crawl_among_hostile_timelines(siege):
    traps = []
    for name, (body, expected) in statuses().items():
        server = siege.outlaw(_timeline(body))
        traps.append(Trap(name, f"http://{server.host}:{server.port}/@sari", expected, source="mastodon"))
    siege.crawl(traps, **FEW_AT_ONCE)


def _timeline(body):
    def behave(connection, request):
        if b"/lookup" in request.split()[1]:
            connection.sendall(whole(b'{"id": "7"}'))
        elif b"max_id" in request.split()[1]:
            connection.sendall(whole(b"[]"))
        else:
            connection.sendall(whole(body, Content_Type="application/json"))

    return behave


def paging(step):
    """A timeline whose next page is named by `step(number of requests so far)`."""
    count = itertools.count()

    def behave(connection, request):
        if b"/lookup" in request.split()[1]:
            connection.sendall(whole(b'{"id": "7"}'))
            return
        number = next(count)
        body = json.dumps([status(id=step(number), uri="")]).encode()
        connection.sendall(whole(body, Link=f'<https://x.example/?max_id={step(number)}>; rel="next"'))

    return behave


def test_paging_that_never_ends_or_goes_in_circles_ends(siege):
    pages = 20
    steps = {
        "always the same page": (lambda _: "5", "failed: .*paging does not advance"),
        "older for ever": (lambda number: str(10**18 - number), f"done: batas {pages} halaman"),
        "newer for ever": (lambda number: str(10**17 + number), "failed: .*paging does not advance"),
        "to and fro": (lambda number: str(10 - number % 2), "failed: .*paging does not advance"),
    }
    traps = []
    for name, (step, expected) in steps.items():
        server = siege.outlaw(paging(step))
        traps.append(Trap(name, f"http://{server.host}:{server.port}/@sari", expected, source="mastodon"))
    siege.crawl(traps, max_pages=pages)
    asked = [len([head for head in server.heads if b"/statuses" in head]) for server in siege.outlaws]
    assert max(asked) <= pages


def test_a_feed_that_changes_every_time_keeps_a_bounded_memory(siege):
    count = itertools.count()

    def behave(connection, _):
        connection.sendall(whole(feed(*(f"{'judul' * 200} {next(count)}" for _ in range(1500)))))

    trap = siege.trap("restless", behave, "done: ")
    sizes = []
    for _ in range(2):
        report = siege.crawl([trap])
        sizes.append(len(json.dumps(siege.crawls.watermark(report.runs["restless"].target_id))))
    assert sizes[1] <= sizes[0] * 1.5
    assert sizes[1] < 4 << 20
