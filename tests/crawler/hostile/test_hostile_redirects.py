"""Redirects, refreshes and names that lead to where a crawl has no business."""

from tests.crawler.hostile.conftest import Trap, feed, head, say, whole

REFUSED = "refused: alamat ditolak penjaga|failed: "

INNER = (
    "http://127.0.0.1:{port}/", "http://127.0.0.1.:{port}/", "http://127.1:{port}/", "http://127.0.1:{port}/",
    "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0x7f.0.0.1:{port}/", "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/", "http://00000127.0.0.1:{port}/",
    "http://127.0.0.1%00.example:{port}/", "http://[::1]:{port}/", "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "http://[::127.0.0.1]:{port}/", "http://[64:ff9b::127.0.0.1]:{port}/", "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/", "http://[::1%25lo]:{port}/", "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/", "http://localhost.localdomain:{port}/", "http://ip6-localhost:{port}/",
    "http://127.0.0.1.nip.io.localhost:{port}/", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "http://127\u30020\uff0e0\uff611:{port}/", "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://user@127.0.0.1:{port}/", "http://user:pass@127.0.0.1:{port}/", "http://{outer}@127.0.0.1:{port}/",
    "http://{outer}%40127.0.0.1:{port}/", "http://{outer}#@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@{outer}/", "http:\\\\127.0.0.1:{port}\\", "http:/\\127.0.0.1:{port}/",
    "//127.0.0.1:{port}/", "///127.0.0.1:{port}/", "////127.0.0.1:{port}/", "\\\\127.0.0.1:{port}/",
    "/\\127.0.0.1:{port}/", "http:///127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "\thttp://127.0.0.1:{port}/",
    "ht\ttp://127.0.0.1:{port}/", "http://127.0.0.1:{port} @{outer}/", "http://127.0.0.1:{port}\t/",
    "HTTP://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://127.0.0.1:0{port}/", "http://127.0.0.1:+{port}/",
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://[::ffff:169.254.169.254]/",
    "http://metadata.google.internal/", "http://168.63.129.16/", "http://100.100.100.200/", "http://10.0.0.1/",
    "http://192.168.1.1/", "http://router.lan/", "http://printer.local/",
)  # fmt: skip
"""Spellings of inner addresses; a redirect to one must not be followed. `outer` is the server that redirects."""

ELSEWHERE = (
    "file:///etc/passwd", "file://localhost/etc/passwd", "ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/",
    "data:text/xml,<rss><channel><item><title>bocor</title></item></channel></rss>", "javascript:alert(1)",
    "s3://bucket/key", "ws://127.0.0.1:{port}/", "unix:///var/run/docker.sock", "about:blank", "mailto:a@b.example",
    "view-source:http://127.0.0.1:{port}/", "jar:http://127.0.0.1:{port}/!/", "dict://127.0.0.1:{port}/d",
    "http://", "http://[", "http://[::1", "http://]/", "http://%zz/", "http://:{port}/", "http://a..b/", "http://-/",
    "http://.../", "http://{outer}:99999/", "http://{outer}:-1/", "http://{outer}:abc/", "http://a b/", "\udcff\udcfe",
    "http://xn--/", "http://xn--a-\u00fc.example/", "http://\u202emoc.example/", "", " ", "?", "#", "http:", "//", "://",
    "http://" + "a" * 5000 + "/", "/" + "b" * 9000, "http://{outer}:22/", "http://{outer}:25/", "\x00", "http://\x00/",
)  # fmt: skip
"""Places of other protocols, and of none."""


def redirecting(siege, places, status):
    """A server for each place, that sends everybody there."""
    traps = []
    for place in places:
        server = siege.outlaw(say(b""))
        text = place.replace("{port}", str(siege.canary.port)).replace("{outer}", f"{server.host}:{server.port}")
        location = text.encode("utf-8", "surrogateescape")
        server.behave = say(b"HTTP/1.1 " + status + b"\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
        traps.append(Trap(f"{status[:3].decode()} to {place[:60]}", server.url(), "(refused|failed): "))
    return traps


def circles(siege):
    """Redirects without end."""

    def chain(connection, request):
        number = int(request.split()[1].rpartition(b"/")[2] or b"0")
        connection.sendall(whole(b"", "302 Found", Location=f"/{number + 1}"))

    pair = [siege.outlaw(say(b"")) for _ in range(2)]
    for one, other in (pair, pair[::-1]):
        one.behave = say(whole(b"", "302 Found", Location=other.url()))
    many = "failed: .*(redirections|pengalihan)"
    return pair, [
        siege.trap("to itself", say(whole(b"", "302 Found", Location="")), "failed: "),
        siege.trap("to the same path", say(whole(b"", "302 Found", Location="/feed")), many),
        siege.trap("a chain without end", chain, many, path="/0"),
        Trap("two that send each other", pair[0].url(), many),
        siege.trap("a redirect without a place", say(whole(b"", "302 Found")), "failed: server menjawab HTTP 302"),
        siege.trap(
            "several places",
            say(head("302 Found", Location=f"/x\r\nLocation: http://127.0.0.1:{siege.canary.port}/")),
            "(refused|failed): ",
        ),
        siege.trap("300 with a place", say(whole(b"", "300 Pick", Location="/x")), "failed: server menjawab HTTP 300"),
    ]


def hints(siege):
    """Other ways to send somebody elsewhere, which nobody follows."""
    inner = f"http://127.0.0.1:{siege.canary.port}/"
    page = f'<html><head><meta http-equiv="refresh" content="0;url={inner}"></head></html>'.encode()
    return [
        siege.trap("meta refresh", say(whole(page, Content_Type="text/html")), "failed: isi tidak dikenali"),
        siege.trap("Refresh", say(whole(feed("a"), Refresh=f"0; url={inner}")), "done: "),
        siege.trap("Content-Location", say(whole(feed("b"), Content_Location=inner)), "done: "),
        siege.trap("Link", say(whole(feed("c"), Link=f'<{inner}>; rel="next"')), "done: "),
        siege.trap("Alt-Svc", say(whole(feed("d"), Alt_Svc=f'h2="127.0.0.1:{siege.canary.port}"')), "done: "),
        siege.trap(
            "a base", say(whole(feed("e").replace(b"<rss", b"<rss xml:base='" + inner.encode() + b"'"))), "done: "
        ),
    ]


def test_no_redirect_and_no_hint_leads_inside_or_round_and_round(siege):
    pair, going_round = circles(siege)
    traps = [
        *redirecting(siege, INNER, b"302 Found"),
        *redirecting(siege, INNER[::4], b"308 Permanent Redirect"),
        *redirecting(siege, ELSEWHERE, b"301 Moved"),
        *going_round,
        *hints(siege),
    ]
    report = siege.crawl(traps)
    assert [line for line in map(report.line, report.runs) if "tak terduga" in line] == []
    assert len([request for request in pair[0].heads + pair[1].heads if b"robots" not in request]) <= 7
