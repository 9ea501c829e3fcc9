"""Every report traces back to raw bytes, and a break anywhere on the way is named."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import event, select, update

from models.assessments import Act, Assessment, Finding, ModelIdentity, Voice, store_assessments
from models.captures import Capture, CaptureQuality, attach_capture
from models.clock import utc_now
from models.errors import NotFound
from models.flags import Flag
from models.log import LogEntry, LogWords, record
from models.posts import ParsedPost, Post, PostVersion, Sighting, store_posts
from models.reports import Report, draft_report, hand_over, sign_report
from models.reviews import Answer, Verdict, give_verdict
from models.targets import Fetch, RunOutcome, Target, end_run, start_run
from models.trace import broken_links, evidence_of, trace_flag, trace_report

CONFIRM = Verdict(Answer.YES, Answer.YES, "menyebut nomor dan mengajak", "tidak ditemukan", acts=("ON-4",))


def crawl(world, evidence, *texts: str) -> list[str]:
    """One run with one response of these posts; the ids of the posts."""
    raw = json.dumps([utc_now().isoformat(), *texts]).encode()
    with world.database.write() as session:
        run = start_run(session, session.get_one(Target, world.target.id), due_at=utc_now(), actor="system:crawl")
        fetch = Fetch(
            run_id=run.id, url="https://example.invalid/api", status=200, headers={}, fetched_at=utc_now(),
            body_sha256=evidence.put(raw), media_type="application/json",
        )  # fmt: skip
        session.add(fetch)
        session.flush()
        parsed = [
            ParsedPost(f"https://example.invalid/{place}", text, None, utc_now(), f"/{place}")
            for place, text in enumerate(texts)
        ]
        store_posts(session, run, fetch, parsed, actor="system:crawl")
        end_run(session, run, RunOutcome.DONE, actor="system:crawl")
        return list(session.scalars(select(Post.id).order_by(Post.external_id)))


def confirmed(world, evidence, post_ids: list[str]) -> list[str]:
    """Flags on the newest texts of these posts, captured and judged by two."""
    with world.database.write() as session:
        findings = []
        for post_id in post_ids:
            newest = select(PostVersion).where(PostVersion.post_id == post_id).order_by(PostVersion.number.desc())
            finding = Finding(0.9, flagged=True, act=Act.MOBILISE, voice=Voice.OWN, targets=[], masked="", spans=[])
            sighting = session.get_one(Sighting, (post_id, world.mandate.id))
            findings.append((sighting, session.scalars(newest.limit(1)).one(), finding))
        model = ModelIdentity("netra-test", "1", "ab" * 32, 0.5)
        ids = [flag.id for flag in store_assessments(session, findings, model, actor="system:assess")]
    for flag_id in ids:
        with world.database.write() as session:
            flag = session.get_one(Flag, flag_id)
            picture, page = evidence.put(b"picture" + flag_id.encode()), evidence.put(b"page" + flag_id.encode())
            attach_capture(session, flag, Capture(
                flag_id=flag_id, quality=CaptureQuality.PAGE, reason="", url=None, final_url=None,
                captured_at=utc_now(), screenshot_sha256=picture, page_sha256=page, text_found=True,
            ), actor="system:capture")  # fmt: skip
            give_verdict(session, flag, world.supervisors[0], CONFIRM)
            give_verdict(session, flag, world.supervisors[1], CONFIRM)
    return ids


def reported(world, evidence, *, flags: int = 1) -> tuple[str, list[str]]:
    """A signed and handed-over report: its id and its flags."""
    crawl(world, evidence, *("Ayo pilih Bang Raka!" for _ in range(flags)))
    posts = crawl(world, evidence, *("Ayo pilih Bang Raka! Nomor 1!" for _ in range(flags)))
    flag_ids = confirmed(world, evidence, posts)
    with world.database.write() as session:
        chosen = [session.get_one(Flag, flag_id) for flag_id in flag_ids]
        report = draft_report(session, world.mandate, chosen, world.supervisors[0], number="1/LHP/2026")
        sign_report(session, world.vault, report, world.supervisors[0], b'{"isi":"dugaan"}')
        hand_over(session, report, world.supervisors[0], recipient="BKN melalui SBT", document="SBT-1")
        return report.id, flag_ids


def test_a_report_traces_back_through_every_step_to_its_mandate_and_target(world, evidence):
    report_id, _ = reported(world, evidence)
    with world.database.read() as session:
        actions = [step.action for step in trace_report(session, report_id)]
    ways = (
        "mandate.proposed", "mandate.approved", "attribution.claimed", "attribution.verified", "target.added",
        "run.started", "fetch.received", "posts.stored", "run.done", "flag.raised", "capture.made", "flag.ready",
        "review.given", "flag.confirmed", "report.drafted", "report.signed", "report.handed_over",
        "report.followed_up",
    )  # fmt: skip
    assert set(ways) <= set(actions)
    assert [actions.index(action) for action in ways] == sorted(actions.index(action) for action in ways)
    assert actions.count("posts.stored") == 2, "the edit came in a later response"
    assert actions.count("review.given") == 2


def test_steps_stand_in_the_order_of_the_log_with_their_leaf_hashes(sqlite_world, evidence):
    _, (flag_id,) = reported(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        steps = trace_flag(session, flag_id)
        leaves = {entry.seq: entry.leaf_hash for entry in session.scalars(select(LogEntry))}
    assert [step.seq for step in steps] == sorted(step.seq for step in steps)
    assert all(step.leaf_hash == leaves[step.seq].hex() for step in steps)


def test_what_a_reviewer_must_not_see_yet_is_marked_as_sensitive(sqlite_world, evidence):
    _, (flag_id,) = reported(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        steps = trace_flag(session, flag_id)
    assert {step.action for step in steps if step.sensitive} == {"assessments.stored", "review.given"}
    open_facts = json.dumps([step.facts for step in steps if not step.sensitive])
    assert "0.9" not in open_facts
    assert "menyebut nomor" not in open_facts


def test_a_trace_tells_nothing_of_other_posts_and_flags(sqlite_world, evidence):
    _, (mine, other) = reported(sqlite_world, evidence, flags=2)
    with sqlite_world.database.read() as session:
        told = json.dumps([(step.subject, step.facts) for step in trace_flag(session, mine)])
        stranger = session.get_one(Flag, other)
    assert stranger.post_id not in told
    assert stranger.assessment_id not in told


def test_the_name_of_the_person_is_not_in_the_trace(sqlite_world, evidence):
    report_id, _ = reported(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        told = repr(trace_report(session, report_id))
    assert "Melur" not in told
    assert "198501012010012001" not in told


def test_tracing_takes_as_many_queries_for_many_flags_as_for_one(sqlite_world, evidence):
    report_id, flag_ids = reported(sqlite_world, evidence, flags=7)
    counted = []
    event.listen(sqlite_world.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    with sqlite_world.database.read() as session:
        trace_flag(session, flag_ids[0])
        one = len(counted)
    with sqlite_world.database.read() as session:
        trace_report(session, report_id)
    assert len(counted) - one <= one + 1


def test_a_sound_report_has_no_broken_link_and_names_its_bytes(world, evidence):
    report_id, _ = reported(world, evidence, flags=2)
    with world.database.read() as session:
        assert broken_links(session, evidence, report_id) == []
        links = evidence_of(session, report_id)
    assert sorted(link.kind for link in links) == ["page", "page", "raw", "raw", "screenshot", "screenshot"]
    assert all(evidence.get(link.sha256) for link in links)


@pytest.mark.parametrize("kind", ["raw", "screenshot", "page"])
@pytest.mark.parametrize("damage", ["lost", "altered"])
def test_lost_or_altered_bytes_are_named(sqlite_world, evidence, kind, damage):
    report_id, _ = reported(sqlite_world, evidence)
    with sqlite_world.database.read() as session:
        link = next(link for link in evidence_of(session, report_id) if link.kind == kind)
        (path,) = evidence.root.rglob(link.sha256)
        path.unlink() if damage == "lost" else path.write_bytes(b"x")
        assert broken_links(session, evidence, report_id) == [
            f"{kind} of {link.subject}: {link.sha256} is missing or altered"
        ]


TAMPERINGS = {
    "a text rewritten": (update(PostVersion).values(text="Selamat pagi"), "text of post_versions"),
    "a raw hash swapped": (update(Fetch).values(body_sha256="0" * 64), "posts.stored"),
    "a picture swapped": (update(Capture).values(screenshot_sha256="0" * 64), "capture.made"),
    "a score lowered": (update(Assessment).values(score=0.1), "assessments.stored"),
    "a signed hash swapped": (update(Report).values(content_sha256="0" * 64), "report.signed"),
    "a log column rewritten": (update(LogEntry).where(LogEntry.action == "flag.raised").values(actor="x"), "log entry"),
    "a reason rewritten": (update(LogWords).values(words={"reason": "lain"}), "the words of log entry"),
    "a step taken out of the log": (
        update(LogEntry).where(LogEntry.action == "flag.confirmed").values(subject="flags:lain"),
        "flag.confirmed",
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_with_any_table_is_noticed(sqlite_world, evidence, name):
    statement, complaint = TAMPERINGS[name]
    report_id, _ = reported(sqlite_world, evidence)
    with sqlite_world.database.write() as session:
        session.execute(statement.execution_options(synchronize_session=False))
    with sqlite_world.database.read() as session:
        assert any(complaint in line for line in broken_links(session, evidence, report_id))


def test_a_rewritten_log_entry_is_noticed(sqlite_world, evidence):
    report_id, _ = reported(sqlite_world, evidence)
    with sqlite_world.database.write() as session:
        row = session.scalars(select(LogEntry).where(LogEntry.action == "review.given").limit(1)).one()
        row.entry = row.entry.replace(b'"confirm"', b'"dismiss"')
    with sqlite_world.database.read() as session:
        broken = broken_links(session, evidence, report_id)
    assert f"log entry {row.seq} (review.given) does not match its hash" in broken


def test_erased_words_leave_the_trace_whole(sqlite_world, evidence):
    report_id, _ = reported(sqlite_world, evidence)
    with sqlite_world.database.write() as session:
        for words in session.scalars(select(LogWords)):
            session.delete(words)
    with sqlite_world.database.read() as session:
        assert broken_links(session, evidence, report_id) == []
        given = [step for step in trace_report(session, report_id) if step.action == "review.given"]
    assert all("reason" not in step.facts for step in given)


def test_what_else_is_logged_about_the_rows_is_part_of_the_trace(sqlite_world, evidence):
    _, (flag_id,) = reported(sqlite_world, evidence)
    with sqlite_world.database.write() as session:
        record(session, "target.paused", session.get_one(Target, sqlite_world.target.id), actor="test")
    with sqlite_world.database.read() as session:
        assert trace_flag(session, flag_id)[-1].action == "target.paused"


def test_an_unknown_id_is_not_found(sqlite_world, evidence):
    with sqlite_world.database.read() as session:
        for ask in (trace_flag, trace_report, evidence_of):
            with pytest.raises(NotFound, match=r"no (flag|report) x"):
                ask(session, "x")
        with pytest.raises(NotFound):
            broken_links(session, evidence, "x")
