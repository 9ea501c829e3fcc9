"""Whether a chain still holds: log, tables and texts say the same, and nothing was altered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from models.base import JsonObject
from models.canonical import sha256_hex
from models.chain import Chain, Logged
from models.flags import FlagState
from models.log import subject_of
from models.merkle import leaf_hash
from models.reports import ReportState
from models.reviews import Decision
from models.vault import commitment


def breaks_in(chain: Chain, entries: Sequence[Logged]) -> Iterator[str]:
    """One line for each place where the chain does not hold; the evidence bytes are not read."""
    yield from _altered_entries(entries)
    yield from _missing_steps(chain, entries)
    yield from _altered_texts(chain)
    yield from _altered_reviews(chain, entries)


def _altered_entries(entries: Sequence[Logged]) -> Iterator[str]:
    for entry in entries:
        row, told = entry.row, json.loads(entry.row.entry)
        columns = {"at": row.at.isoformat(timespec="microseconds"), "actor": row.actor, "action": row.action,
                   "subject": row.subject}  # fmt: skip
        if leaf_hash(row.entry) != row.leaf_hash or any(told[name] != value for name, value in columns.items()):
            yield f"log entry {row.seq} ({row.action}) does not match its hash"
        if entry.words is not None and told.get("words") != entry.words.commitment():
            yield f"the words of log entry {row.seq} ({row.action}) do not match their commitment"


def _altered_texts(chain: Chain) -> Iterator[str]:
    for version in chain.versions.values():
        if sha256_hex(version.text.encode()) != version.text_sha256:
            yield f"text of {subject_of(version)} does not match its hash"


def _altered_reviews(chain: Chain, entries: Sequence[Logged]) -> Iterator[str]:
    for entry in entries:
        review = chain.reviews.get(entry.facts.get("review", ""))
        if review is None or entry.words is None or entry.row.action != "review.given":
            continue
        if entry.words.words != {"reason": review.reason, "exculpatory": review.exculpatory}:
            yield f"the reasons of {subject_of(review)} are not those that were logged"


def _missing_steps(chain: Chain, entries: Sequence[Logged]) -> Iterator[str]:
    expected = [*_expected_sources(chain), *_expected_flags(chain), *_expected_reports(chain)]
    for action, subject, facts in expected:
        if not any(
            entry.row.action == action and entry.row.subject == subject and _agrees(entry.facts, facts)
            for entry in entries
        ):
            yield f"{action} of {subject} is not in the log as the tables have it"


def _agrees(told: JsonObject, facts: JsonObject) -> bool:
    """Whether an entry says what is expected: equal values, or the value among its list."""
    return all(
        told.get(name) == value or (isinstance(told.get(name), list) and value in told[name])
        for name, value in facts.items()
    )


_Expected = Iterator[tuple[str, str, JsonObject]]


def _expected_sources(chain: Chain) -> _Expected:
    for mandate in chain.mandates.values():
        for action in ("mandate.proposed", "mandate.approved"):
            yield action, subject_of(mandate), {}
    for attribution in chain.attributions.values():
        yield "attribution.claimed", subject_of(attribution), {"account": attribution.account_id}
        if attribution.verified_by is not None:
            yield "attribution.verified", subject_of(attribution), {}
    for target in chain.targets.values():
        yield "target.added", subject_of(target), {}
    for run in chain.runs.values():
        yield "run.started", subject_of(run), {"target": run.target_id}
    for version in chain.versions.values():
        fetch = chain.fetches[version.fetch_id]
        stored = [version.post_id, version.number, commitment(chain.posts[version.post_id].salt, version.text)]
        yield (
            "posts.stored",
            f"runs:{fetch.run_id}",
            {"fetch": fetch.id, "body_sha256": fetch.body_sha256, "posts": stored},
        )


def _expected_flags(chain: Chain) -> _Expected:
    for row in chain.assessments.values():
        scored = [row.id, row.post_version_id, f"{row.score:.6f}"]
        yield (
            "assessments.stored",
            f"models:{row.model}"[:64],
            {"weights_sha256": row.weights_sha256, "assessments": scored},
        )
    for flag in chain.flags.values():
        subject = subject_of(flag)
        yield "flag.raised", subject, {"assessment": f"assessments:{flag.assessment_id}", "post": flag.post_id}
        if flag.state in (FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.EXPIRED):
            yield f"flag.{flag.state.value}", subject, {}
    for capture in chain.captures.values():
        hashes = {"screenshot_sha256": capture.screenshot_sha256, "page_sha256": capture.page_sha256}
        yield "capture.made", f"flags:{capture.flag_id}", hashes
    for review in chain.reviews.values():
        if review.decision is not Decision.RECUSED and review.undone_at is None:
            told: JsonObject = {"review": review.id, "decision": review.decision.value,
                                "is_person": review.is_person.value, "takes_side": review.takes_side.value,
                                "voice": review.voice}  # fmt: skip
            yield "review.given", f"flags:{review.flag_id}", told


def _expected_reports(chain: Chain) -> _Expected:
    for report in chain.reports.values():
        for flag_id in chain.flags:
            yield "report.drafted", subject_of(report), {"flags": flag_id}
        if report.signed_by is not None:
            yield "report.signed", subject_of(report), {"content_sha256": report.content_sha256}
        if report.state not in (ReportState.DRAFT, ReportState.SIGNED):
            yield f"report.{report.state.value}", subject_of(report), {}
