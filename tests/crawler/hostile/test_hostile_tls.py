"""TLS servers with the wrong papers, and such that never finish shaking hands."""

import datetime as dt
import ipaddress
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from models.clock import utc_now
from tests.crawler.hostile.conftest import Trap, feed, head, say, whole

UNTRUSTED = "failed: .*sertifikat"
BROKEN = "failed: "

PAPERS = ("good", "self-signed", "expired", "not yet valid", "wrong host", "wrong authority")


def signed(subject, issuer, key, issuer_key, *, addresses=(), authority=False, days=(-1, 30)):
    now = utc_now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if addresses:
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority that the crawl is told to trust: (its file, its key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = signed(name("Otoritas Rekaan"), name("Otoritas Rekaan"), key, key, authority=True)
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path, key


def papers(kind, host, authority_key, directory):
    """A server's TLS context whose certificate is of this kind."""
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    days = {"expired": (-30, -1), "not yet valid": (2, 30)}.get(kind, (-1, 30))
    issuer = name(host) if kind == "self-signed" else name("Otoritas Rekaan")
    issuer_key = {"self-signed": key, "wrong authority": other}.get(kind, authority_key)
    addresses = ["127.9.9.9"] if kind == "wrong host" else [host]
    certificate = signed(name(host), issuer, key, issuer_key, addresses=addresses, days=days)
    path = directory / f"{kind} {host}.pem".replace(" ", "-")
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def shaking(context):
    """Shake hands as this context says."""
    return lambda connection: context.wrap_socket(connection, server_side=True)


def before(action):
    """Do this with the raw connection instead of shaking hands."""

    def wrap(connection):
        action(connection)
        return connection

    return wrap


def never_ends(connection):
    connection.recv(65536)
    time.sleep(20)


def drips(connection):
    connection.recv(65536)
    for _ in range(300):
        connection.sendall(b"\x16\x03\x03\x40\x00\x02"[:1])
        time.sleep(0.05)


def without_goodbye(connection, _):
    """Half a body and an end of the connection that TLS would not call one."""
    connection.sendall(head(Content_Length=500) + b"<rss>")
    connection.detach()


def test_a_crawl_among_servers_with_the_wrong_papers(siege, authority, tmp_path):
    path, key = authority
    traps = []
    for index, kind in enumerate(PAPERS):
        host = f"127.2.0.{index + 1}"
        context = papers(kind, host, key, tmp_path)
        server = siege.outlaw(
            say(whole(feed(kind))),
            host=host,
            wrap=lambda made, context=context: context.wrap_socket(made, server_side=True),
        )
        expected = "done: " if kind == "good" else UNTRUSTED
        traps.append(Trap(kind, f"https://{server.host}:{server.port}/feed", expected))
    for label, action in {
        "plain text on a TLS port": lambda made: made.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        "a handshake that never ends": never_ends,
        "a handshake byte by byte": drips,
        "an alert": lambda made: made.sendall(b"\x15\x03\x03\x00\x02\x02\x28"),
        "garbage": lambda made: made.sendall(bytes(range(256)) * 40),
        "hangs up": lambda made: made.close(),
    }.items():
        server = siege.outlaw(say(b""), wrap=before(action))
        traps.append(Trap(label, f"https://{server.host}:{server.port}/feed", BROKEN))
    context = papers("good", "127.2.0.50", key, tmp_path)
    server = siege.outlaw(without_goodbye, host="127.2.0.50", wrap=shaking(context))
    traps.append(Trap("cut inside TLS", f"https://{server.host}:{server.port}/feed", "failed: "))
    context = papers("good", "127.2.0.51", key, tmp_path)
    down = say(whole(b"", "302 Found", Location=f"http://127.0.0.1:{siege.canary.port}/"))
    server = siege.outlaw(down, host="127.2.0.51", wrap=shaking(context))
    traps.append(Trap("down to inner http", f"https://{server.host}:{server.port}/feed", "refused: alamat ditolak"))
    report = siege.crawl(traps, prelude=f"import os\nos.environ['SSL_CERT_FILE'] = {str(path)!r}\n")
    assert not any("tak terduga" in line for line in map(report.line, report.runs))
    texts = {text for versions in siege.crawls.texts().values() for text in versions}
    assert texts & set(PAPERS) == {"good"}
