"""Two catalogues, one set of keys, and no phrase missing."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

import review_ui
from models.accounts import AttributionState, Channel, Confidence, SourceKind, SuspensionCause
from models.captures import CaptureQuality
from models.flags import FlagState
from models.mandates import MandateState
from models.officers import Role
from models.posts import PostState
from models.reports import ReportState
from models.reviews import Answer, Decision, ReviewRound
from models.samples import SampleAct
from models.targets import RunOutcome
from review_ui.i18n import LANGUAGES, catalogue
from review_ui.local_time import long_time, short_time, zone_name
from review_ui.pages.item import ACTS, VOICES
from review_ui.pages.reports import FOLLOW_UP_STEPS, RECIPIENTS
from review_ui.refusals import _WORDINGS
from review_ui.templating import SLOT_STEMS

ROOT = Path(review_ui.__file__).parent
WORDS = {
    "state": FlagState,
    "post_state": PostState,
    "report_state": ReportState,
    "mandate_state": MandateState,
    "outcome": RunOutcome,
    "role": Role,
    "role_text": Role,
    "answer": Answer,
    "decision": Decision,
    "round": ReviewRound,
    "confidence": Confidence,
    "source_kind": SourceKind,
    "suspension": SuspensionCause,
    "channel": Channel,
    "quality": CaptureQuality,
    "act": ACTS,
    "voice": VOICES,
    "sample_act": SampleAct,
    "slot": SLOT_STEMS,
    "step": FOLLOW_UP_STEPS,
    "recipient": RECIPIENTS,
}


def test_both_languages_have_the_same_keys_with_the_same_places():
    first, second = (catalogue(language).phrases for language in LANGUAGES)
    assert first.keys() == second.keys()
    for key, phrase in first.items():
        assert set(re.findall(r"\{\w+\}", phrase)) == set(re.findall(r"\{\w+\}", second[key])), key


def test_every_key_that_a_template_or_page_names_exists():
    keys = set()
    for path in [*ROOT.glob("templates/*.html"), *ROOT.glob("pages/*.py")]:
        keys |= set(re.findall(r"""\bt\(["']([\w.-]+)["']""", path.read_text()))
    assert len(keys) > 150
    assert sorted(key for key in keys if not catalogue("id").has(key) and not key.endswith(("_", "."))) == []


@pytest.mark.parametrize("group", WORDS)
def test_every_word_of_the_vocabulary_has_a_phrase(group):
    for word in WORDS[group]:
        assert catalogue("id").has(f"{group}.{word}"), word


def test_every_wording_of_a_refusal_exists():
    assert [key for _, key in _WORDINGS if not catalogue("id").has(f"refusal.{key}")] == []


def test_every_attribution_state_that_warns_has_a_warning():
    for state in set(AttributionState) - {AttributionState.VERIFIED}:
        assert catalogue("id").has(f"item.attribution_{state}")


@pytest.mark.parametrize(
    ("offset", "name"), [(420, "WIB"), (480, "WITA"), (540, "WIT"), (0, "UTC+00:00"), (-210, "UTC-03:30")]
)
def test_the_zone_is_written(offset, name):
    assert zone_name(offset) == name


def test_times_are_local_with_their_zone():
    moment = dt.datetime(2026, 11, 21, 23, 5, tzinfo=dt.UTC)
    assert long_time(moment, 420, "id") == "22 November 2026 pukul 06.05 WIB"
    assert long_time(moment, 540, "en") == "22 November 2026, 08:05 WIT"
    assert short_time(moment, 480, "id") == "22 Nov 07.05 WITA"
