"""Mandates from files: checked whole, stored whole, or not at all."""

from __future__ import annotations

import pytest

from models.errors import BadInput
from models.mandates import MandateState
from pipeline.mandate_files import import_mandates


def test_imported_mandates_wait_for_another_officer(world, tmp_path):
    path = tmp_path / "mandates.yaml"
    path.write_text(
        "- {number: 7/ST, legal_basis: Surat tugas, agency: Bawaslu, contest: Pilbup Tanjung Seruni 2026,"
        " first_day: 2026-11-01, last_day: 2026-11-30, time_zone: WITA}\n"
    )
    with world.database.write() as session:
        (mandate,) = import_mandates(session, path, world.operator)
        assert (mandate.state, mandate.utc_offset_minutes) == (MandateState.PROPOSED, 480)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {number: 1", "not valid YAML"),
        ("- {number: '1'}", "legal_basis"),
        ("[]x", "not valid YAML"),
        ("- {number: '1', first_day: 2026-13-45}", "month"),
        ("[" * 20_000, "not valid YAML"),
    ],
)
def test_a_malformed_mandate_file_is_one_error_that_names_the_file(world, tmp_path, text, said):
    path = tmp_path / "mandates.yaml"
    path.write_text(text)
    with world.database.write() as session, pytest.raises(BadInput, match=said) as caught:
        import_mandates(session, path, world.operator)
    assert "mandates.yaml" in str(caught.value)
