"""The act table offers every article that an act may touch, and decides nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from models.contest import ContestSpec, parse_contest
from models.errors import BadInput
from models.people import StaffStatus
from pipeline.acts import ACTS_FILE, Basis, CandidateStatus, act_table, candidate_articles, candidate_status_on

ONLINE = ("ON-1", "ON-2", "ON-3", "ON-4")


def a_contest(*stages: str) -> ContestSpec:
    """A contest of 25 November 2026 with these stages (`name, first day, last day`)."""
    lines = "".join(
        f"  - {{name: {name}, from: {first}, to: {last}}}\n" for name, first, last in (s.split(", ") for s in stages)
    )
    head = "name: Uji\nregion: Uji\nelection_day: 2026-11-25\ncandidates: [{number: 1, names: [Raka]}]\n"
    return parse_contest(f"{head}{'stages:' if lines else 'stages: []'}\n{lines}".encode())


FULL = (
    "Pendaftaran pasangan calon, 2026-08-27, 2026-08-29",
    "Penetapan DPT, 2026-09-01, 2026-09-05",
    "Penetapan pasangan calon, 2026-09-21, 2026-09-22",
    "Masa kampanye, 2026-09-25, 2026-11-21",
    "Laporan dana kampanye, 2026-11-22, 2026-11-24",
    "Masa tenang, 2026-11-22, 2026-11-24",
    "Penetapan pasangan calon terpilih, 2026-12-20, 2026-12-20",
)


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2026-08-01", CandidateStatus.BAKAL_CALON),
        ("2026-09-10", CandidateStatus.BAKAL_CALON),
        ("2026-09-21", None),
        ("2026-09-22", CandidateStatus.CALON_DITETAPKAN),
        ("2026-09-24", CandidateStatus.CALON_DITETAPKAN),
        ("2026-09-25", CandidateStatus.MASA_KAMPANYE),
        ("2026-11-21", CandidateStatus.MASA_KAMPANYE),
        ("2026-11-22", CandidateStatus.MASA_TENANG),
        ("2026-11-25", CandidateStatus.HARI_H),
        ("2026-12-20", CandidateStatus.PASCA),
    ],
)
def test_the_candidate_status_follows_the_stages(day, status):
    assert candidate_status_on(a_contest(*FULL), dt.date.fromisoformat(day)) is status


@pytest.mark.parametrize(
    ("stages", "day", "status"),
    [
        ((), "2026-10-01", None),
        ((), "2026-11-25", CandidateStatus.HARI_H),
        (FULL[3:4], "2026-09-01", None),
        (FULL[3:4], "2026-11-23", CandidateStatus.CALON_DITETAPKAN),
        (FULL[:1], "2026-08-28", CandidateStatus.BAKAL_CALON),
        (FULL[:1], "2026-09-28", None),
    ],
)
def test_what_the_stages_do_not_tell_is_not_guessed(stages, day, status):
    assert candidate_status_on(a_contest(*stages), dt.date.fromisoformat(day)) is status


@pytest.mark.parametrize("act", ["ON-1", "ON-2", "ON-3"])
@pytest.mark.parametrize("status", [*CandidateStatus, None])
def test_an_act_in_both_lists_of_the_decree_shows_both_whatever_the_phase(act, status):
    families = {article.family for article in candidate_articles(act, status, StaffStatus.PNS)}
    assert {"kode etik", "disiplin"} <= families


def test_the_list_that_does_not_clearly_fit_the_phase_is_marked_as_disputed():
    def disputed(status: CandidateStatus | None) -> set[str]:
        return {each.family for each in candidate_articles("ON-2", status, StaffStatus.PNS) if each.disputed}

    assert disputed(CandidateStatus.BAKAL_CALON) == {"disiplin"}
    assert disputed(CandidateStatus.MASA_KAMPANYE) == {"kode etik"}
    assert {"kode etik", "disiplin"} <= disputed(None)


def test_what_is_only_general_knowledge_is_never_confirmed():
    articles = [a for act in act_table().acts for s in StaffStatus for a in candidate_articles(act, None, s)]
    articles += candidate_articles("ON-4", CandidateStatus.MASA_KAMPANYE, StaffStatus.PNS)
    assert any(article.basis is Basis.GENERAL for article in articles)
    assert not [a for a in articles if a.confirmed and a.basis in (Basis.GENERAL, Basis.INFERENCE)]


@pytest.mark.parametrize("staff", list(StaffStatus))
@pytest.mark.parametrize("act", [*ONLINE, "LAIN"])
def test_every_act_has_a_candidate_article_for_every_kind_of_staff(act, staff):
    assert candidate_articles(act, CandidateStatus.MASA_KAMPANYE, staff)


def test_rules_for_permanent_staff_are_not_offered_for_others():
    for staff in (StaffStatus.PPPK, StaffStatus.PPNPN):
        assert not [a for act in ONLINE for a in candidate_articles(act, None, staff) if "PP 94/2021" in a.norm]


def test_the_table_says_nothing_of_penalties():
    words = ACTS_FILE.read_text(encoding="utf-8").casefold()
    assert not [word for word in ("sanksi", "hukuman", "berat", "sedang", "pemberhentian", "terbukti") if word in words]


def test_an_unknown_act_is_refused():
    with pytest.raises(BadInput, match="ON-9"):
        candidate_articles("ON-9", None, StaffStatus.PNS)


@pytest.mark.parametrize(
    "text", ["version = ", 'version = "1"', 'version="1"\ninstrument=""\n[acts]\n[[articles]]\nacts=["X"]']
)
def test_a_damaged_table_is_refused_by_name(tmp_path, text):
    path = tmp_path / "acts.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"acts\.toml"):
        act_table(path)
