"""Bodies that never come, never end, end too early, or unfold to more than anybody can hold."""

import gzip
import socket
import struct
import time
import zlib

import brotli
import pytest
from backports import zstd

from tests.crawler.hostile.conftest import feed, forever, head, say, whole

MEGA = 1 << 20
TOO_LARGE = "failed: jawaban terlalu besar"
CUT = "failed: (jawaban terpotong|sambungan terputus)"
SLOW = "failed: server terlalu lambat"


def reset(connection, _):
    """Half a body, then a TCP reset."""
    connection.sendall(head(Content_Length=1000) + b"<rss>")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half_close(connection, _):
    """Say that nothing more will be sent, and keep the other half open."""
    connection.sendall(head(Content_Length=1000) + b"<rss>")
    connection.shutdown(socket.SHUT_WR)
    time.sleep(30)


def silent(connection, _):
    """Take the request and say nothing."""
    connection.recv(1)


def endless(siege):
    """Bodies that never come, never end or end too early."""
    chunk = b"10000\r\n" + b"<item>  " * 8192 + b"\r\n"
    chunked = head(Transfer_Encoding="chunked")
    return [
        siege.trap("says nothing", silent, SLOW),
        siege.trap("body byte by byte", forever(b" ", head(Content_Length=100_000), pause=0.05), SLOW),
        siege.trap("chunks of one byte", forever(b"1\r\n \r\n", chunked, pause=0.05), SLOW),
        siege.trap("endless chunks", forever(chunk, chunked), TOO_LARGE),
        siege.trap("endless without length", forever(b"<item>" * 10_000, head()), TOO_LARGE),
        siege.trap("10 GB announced", forever(b" " * 65536, head(Content_Length=10**10)), TOO_LARGE),
        siege.trap("10**30 bytes announced", forever(b" " * 65536, head(Content_Length=10**30)), TOO_LARGE),
        siege.trap("length too long", say(head(Content_Length=5000) + feed("pendek")), CUT),
        siege.trap(
            "length too short",
            say(head(Content_Length=30) + feed("panjang")),
            "(done: |failed: isi tidak dikenali)",
        ),
        siege.trap("length below zero", say(head(Content_Length=-5) + feed("minus")), CUT),
        siege.trap("length is a word", say(head(Content_Length="banyak") + feed("kata")), CUT),
        siege.trap(
            "two lengths",
            say(head(Content_Length="20\r\nContent-Length: 2000") + feed("dua")),
            CUT,
        ),
        siege.trap("chunk size is a word", say(chunked + b"zzz\r\n<rss>\r\n0\r\n\r\n"), CUT),
        siege.trap("chunk of 16 EB", say(chunked + b"fffffffffffffff\r\n<rss>"), CUT),
        siege.trap("chunk size never ends", forever(b"0" * 65536, chunked), CUT),
        siege.trap("last chunk missing", say(chunked + b"5\r\n<rss>\r\n"), CUT),
        siege.trap("trailers for ever", forever(b"X-A: b\r\n" * 5000, chunked + b"5\r\n<rss>\r\n0\r\n"), "failed: "),
        siege.trap("reset in the middle", reset, CUT),
        siege.trap("half closed", half_close, f"{CUT}|{SLOW}"),
        siege.trap("hangs up at once", say(), CUT),
    ]


def deflate(data):
    return zlib.compress(data, 9)


def brotli_fast(data):
    return brotli.compress(data, quality=5)


@pytest.fixture(scope="module")
def bombs():
    """Responses of some kilobytes that stand for hundreds of megabytes, by name."""
    blanks = b" " * (300 * MEGA)
    packers = {"gzip": gzip.compress, "deflate": deflate, "br": brotli_fast, "zstd": zstd.compress}
    found = {name: (name, pack(blanks)) for name, pack in packers.items()}
    found |= {f"{name} twice": (f"{name}, {name}", pack(found[name][1])) for name, pack in packers.items()}
    found["zstd in brotli in gzip"] = ("zstd, br, gzip", gzip.compress(brotli.compress(found["zstd"][1])))
    found["x-gzip thrice"] = ("x-gzip,gzip , GZIP", gzip.compress(found["gzip twice"][1]))
    return found


def test_bombs_are_put_out_while_they_unfold(siege, bombs):
    assert max(len(body) for _, body in bombs.values()) < 2 * MEGA
    siege.crawl(
        [
            siege.trap(name, say(whole(body, Content_Encoding=encoding)), "failed: jawaban (ditolak|terlalu besar)")
            for name, (encoding, body) in bombs.items()
        ]
    )


def honest(siege):
    """A feed in every encoding that is asked for."""
    body = feed("terurai")
    packed = {"gzip": gzip.compress(body), "deflate": deflate(body), "br": brotli.compress(body),
              "zstd": zstd.compress(body), "br, gzip": gzip.compress(brotli.compress(body))}  # fmt: skip
    return [siege.trap(name, say(whole(data, Content_Encoding=name)), "done: ") for name, data in packed.items()]


def falsely_packed(siege):
    """Bodies that are not packed as they say, or too often."""
    good, many = feed("baik"), ", ".join(["gzip"] * 1500)
    half = gzip.compress(good * 50)[:60]
    odd = "failed: (jawaban|isi)"
    stored = good + b" " * (4 * MEGA)
    for _ in range(60):
        stored = gzip.compress(stored, 0)
    return [
        siege.trap("not gzip", say(whole(good, Content_Encoding="gzip")), odd),
        siege.trap("not brotli", say(whole(good, Content_Encoding="br")), odd),
        siege.trap("not zstd", say(whole(good, Content_Encoding="zstd")), odd),
        siege.trap("not deflate", say(whole(good, Content_Encoding="deflate")), odd),
        siege.trap("half a gzip", say(whole(half, Content_Encoding="gzip")), "(done|failed): "),
        siege.trap("an unknown encoding", say(whole(good, Content_Encoding="sdch")), "(done|failed): "),
        siege.trap("1500 encodings", say(whole(gzip.compress(good), Content_Encoding=many)), odd),
        siege.trap("60 layers", say(whole(stored, Content_Encoding=", ".join(["gzip"] * 60))), odd),
    ]


def test_a_crawl_among_servers_whose_bodies_are_wrong(siege):
    decoded = honest(siege)
    report = siege.crawl([*endless(siege), *falsely_packed(siege), *decoded])
    assert {report.runs[trap.name].posts_new for trap in decoded} == {1}
    assert not [line for line in map(report.line, report.runs) if "tak terduga" in line]
