"""The selective-enforcement numbers."""

from __future__ import annotations

import pytest

from review_ui.queries.fairness import SMALL_CELL, fairness, wilson


def label(name: str, stance: str) -> str:
    return f"{name}|{stance}"


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (81, 263, 0.255, 0.366)],
)
def test_intervals_are_those_of_the_textbook(part, whole, low, high):
    share = wilson(part, whole)
    assert (share.low, share.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_a_small_cell_claims_no_share():
    assert wilson(1, SMALL_CELL - 1) is None
    assert wilson(1, SMALL_CELL) is not None


def test_a_side_that_is_never_flagged_is_shown_too(any_site):
    any_site.world.ready_flag()
    with any_site.world.database.read() as session:
        cells = {cell.label: cell for cell in fairness(session, label, "none").by_side}
    assert cells["Raka Wibisana – Nila Paramita|favor"].flags == 1
    assert cells["Lodra Samantha – Ganis Tarumala|favor"].flags == 0


def test_outcomes_and_reviewers_add_up(any_site, verdict):
    flags = [any_site.world.ready_flag(f"unggahan {n}") for n in range(3)]
    one, two = any_site.sign_in("supervisor1"), any_site.sign_in("supervisor2")
    for browser, first_side in ((one, "yes"), (two, "no")):
        browser.post(f"/temuan/{flags[0].id}/putusan", verdict(first_side))
        browser.post(f"/temuan/{flags[1].id}/putusan", verdict("no"))
    one.post(f"/temuan/{flags[2].id}/mundur", {"alasan": "kenal"})
    with any_site.world.database.read() as session:
        numbers = fairness(session, label, "none")
    (mandate,) = numbers.by_mandate
    assert (mandate.flags, mandate.confirmed, mandate.dismissed, mandate.open) == (3, 0, 1, 2)
    assert mandate.median_delay is None
    reviewers = {cell.label: (cell.confirmed, cell.dismissed, cell.open) for cell in numbers.by_reviewer}
    assert reviewers == {"Supervisor1": (1, 1, 1), "Supervisor2": (0, 2, 0)}


def test_the_page_shows_counts_even_where_it_claims_no_share(site):
    site.world.ready_flag()
    page = site.sign_in("auditor").get("/pengawasan").text
    assert "Lodra Samantha – Ganis Tarumala · mendukung" in page
    assert "terlalu sedikit" in page
