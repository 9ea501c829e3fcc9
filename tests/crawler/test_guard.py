"""The guard, judged from both sides: what must never pass, and what must."""

import asyncio
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.guard import REFUSED_V4, Guard, Refused, canonical_host, endpoint

INNER_ADDRESSES = [
    "0.0.0.0",  # noqa: S104 - nothing is bound here
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%1",
    "fec0::1",
    "ff02::1",
]
PUBLIC_ADDRESSES = ["1.1.1.1", "103.10.66.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:8.8.8.8"]

REFUSED_URLS = [
    "",
    "example.id",
    "//example.id/",
    "file:///etc/passwd",
    "ftp://example.id/",
    "gopher://example.id/",
    "javascript:alert(1)",
    "data:text/html,x",
    "view-source:http://example.id/",
    "http://",
    "http:///x",
    "http://user@example.id/",
    "http://user:secret@example.id/",
    "http://@example.id/",
    "http://example.id:0/",
    "http://example.id:22/",
    "http://example.id:25/",
    "http://example.id:65536/",
    "http://example.id:-1/",
    "http://example.id:x/",
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST:8080/",
    "http://app.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://intranet/",
    "http://1.0.0.127.in-addr.arpa/",
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.0x1/",
    "http://127.0.0.0x1/",
    "http://0x/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://ⓛocalhost/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://[v1.x]/",
    "http://127.0.0.1\\@example.id/",
    "http://example.id\\@127.0.0.1/",
    "http://exa mple.id/",
    "http://example.id\t/",
    "http://example.id/\n",
    "http://example%2eid/",
    "http://-example.id/",
    "http://a..id/",
    "http://" + "a" * 64 + ".id/",
    "http://" + "a." * 127 + "id/",
    "http://example.id/" + "a" * 9000,
]


@pytest.mark.parametrize("address", INNER_ADDRESSES)
def test_an_inner_address_is_refused(address: str) -> None:
    with pytest.raises(Refused):
        Guard().check_address(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_passes(address: str) -> None:
    Guard().check_address(address)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_may_lead_inside_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Guard().check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.id/",
        "HTTPS://Example.ID/a?b=c#d",
        "http://example.id:8080/é",
        "https://contoh_satu.example.id/",
        "https://bücher.example/",
        "http://1.1.1.1/",
        "http://[2606:4700::1111]/",
        "https://example.id./",
    ],
)
def test_a_public_url_passes(url: str) -> None:
    Guard().check_url(url)


def test_an_exception_is_for_one_host_and_one_port() -> None:
    guard = Guard(frozenset({("127.0.0.1", 9001)}))
    guard.check_url("http://127.0.0.1:9001/@sari")
    for url in ("http://127.0.0.1:9002/", "http://127.0.0.1/", "http://localhost:9001/", "http://127.0.0.2:9001/"):
        with pytest.raises(Refused):
            guard.check_url(url)


def test_an_exception_holds_however_its_name_is_written() -> None:
    guard = Guard(frozenset({("Alun-Alun.LOCALHOST.", 8001)}))
    guard.check_url("http://alun-alun.localhost:8001/")


def test_one_host_has_one_spelling() -> None:
    assert endpoint("https://BÜCHER.example./x") == ("xn--bcher-kva.example", 443)
    assert endpoint("http://[2606:4700:0:0::1]:81/") == ("2606:4700::1", 81)


@given(st.ip_addresses(v=4))
def test_no_inner_address_passes_in_any_ipv6_dress(address: ipaddress.IPv4Address) -> None:
    public = not any(address in block for block in REFUSED_V4)
    number = int(address)
    dresses = {
        f"::ffff:{address}": public,
        f"64:ff9b::{address}": public,
        f"::{address}": False,
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)): False,
        str(ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))): False,
    }
    for dress, expected in dresses.items():
        assert Guard()._passes(dress) is expected, dress


@given(st.ip_addresses())
def test_what_the_standard_library_calls_inner_never_passes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        wrapped = getattr(address, "ipv4_mapped", None)
        assert wrapped is not None or not Guard()._passes(str(address))


@given(st.ip_addresses(v=4), st.sampled_from(["decimal", "hex", "octal", "short"]))
def test_an_address_in_disguise_is_never_a_host(address: ipaddress.IPv4Address, disguise: str) -> None:
    number, (a, b, c, d) = int(address), address.packed
    spelled = {
        "decimal": str(number),
        "hex": hex(number),
        "octal": f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
        "short": f"{a}.{b}.{c * 256 + d}",
    }[disguise]
    with pytest.raises(Refused):
        canonical_host(spelled)


@given(st.text(max_size=40))
def test_a_host_is_refused_or_already_canonical_when_seen_again(host: str) -> None:
    try:
        once = canonical_host(host)
    except Refused:
        return
    assert canonical_host(once) == once
    assert once.isascii()


@given(st.text(max_size=60).map(lambda tail: "http://" + tail) | st.text(max_size=60))
def test_judging_a_url_never_fails_in_another_way(url: str) -> None:
    try:
        Guard().check_url(url)
    except Refused as refused:
        reason = str(refused)
    else:
        reason = ""
    assert "\n" not in reason


def test_only_public_answers_of_a_name_are_returned() -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "1.1.1.1", "fe80::1", "2606:4700::1111"]

    found = asyncio.run(Guard(lookup=lookup).resolve("example.id", 443))
    assert found == ["1.1.1.1", "2606:4700::1111"]


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["10.0.0.1", "::1"], [], ["nonsense"]])
def test_a_name_with_inner_answers_alone_is_refused(answers: list[str]) -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        return answers

    with pytest.raises(Refused, match=r"example\.id has no public address"):
        asyncio.run(Guard(lookup=lookup).resolve("example.id", 443))


def test_an_unknown_name_is_refused() -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(Refused, match="cannot be looked up"):
        asyncio.run(Guard(lookup=lookup).resolve("example.id", 443))


def test_an_inner_name_is_not_even_looked_up() -> None:
    async def lookup(_host: str, _port: int) -> list[str]:
        raise AssertionError("looked up")

    with pytest.raises(Refused, match="inner name"):
        asyncio.run(Guard(lookup=lookup).resolve("metadata.google.internal", 80))


def test_an_exception_resolves_to_its_inner_address() -> None:
    guard = Guard(frozenset({("127.0.0.1", 9001)}))
    assert asyncio.run(guard.resolve("127.0.0.1", 9001)) == ["127.0.0.1"]
