"""Names that change their meaning between two questions, mean something inner, or never get an answer."""

from tests.crawler.hostile.conftest import Trap, say, whole

RESOLVER = """
import itertools, socket, threading, time
answers = {answers!r}
asked = {{}}
real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in answers:
        return real(host, port, *args, **kwargs)
    turn = asked[name] = asked.get(name, -1) + 1
    found = answers[name][min(turn, len(answers[name]) - 1)]
    if found == "never":
        time.sleep({stuck})
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    if found == "unknown":
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in found]
socket.getaddrinfo = getaddrinfo
"""
"""Takes the place of the operating system's resolver in the crawling process: name to one answer for each question."""

PUBLIC, INNER = "93.184.215.14", "127.0.0.1"
STUCK_SECONDS = 12.0


def test_names_that_mean_something_inner_are_refused_whenever_they_begin_to(siege):
    port = siege.canary.port
    answers = {
        "dalam.example.com": [[INNER]],
        "campur.example.com": [[PUBLIC, INNER], [INNER, PUBLIC]],
        "berputar.example.com": [[PUBLIC], [INNER]],
        "terpetakan.example.com": [["::ffff:127.0.0.1", "::1", "64:ff9b::7f00:1"]],
        "metadata.example.com": [["169.254.169.254"]],
        "nol.example.com": [["0.0.0.0", "::"]],  # noqa: S104 - what a name may resolve to
        "kosong.example.com": [[]],
        "aneh.example.com": [["bukan alamat"]],
        "takada.example.com": ["unknown"],
    }
    traps = [Trap(name, f"http://{name}:{port}/feed", "(failed|refused): ") for name in answers]
    traps += [
        siege.trap(
            f"by redirect to {name}",
            say(whole(b"", "302 Found", Location=f"http://{name}:{port}/feed")),
            "(failed|refused): ",
        )
        for name in answers
    ]
    report = siege.crawl(traps, prelude=RESOLVER.format(answers=answers, stuck=0), outside={(PUBLIC, port)})
    assert not any("tak terduga" in line for line in map(report.line, report.runs))


def test_forty_names_that_never_get_an_answer_keep_nobody_else_from_theirs(siege):
    answers = {f"bisu{number}.example.com": ["never"] for number in range(40)}
    traps = [Trap(name, f"http://{name}:8080/feed", "failed: ") for name in answers]
    siege.crawl(traps, prelude=RESOLVER.format(answers=answers, stuck=STUCK_SECONDS), run_seconds=8.0)
