"""Numbers of civil servants: what can be one passes, what cannot is refused with its reason."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import BadInput
from models.nip import check_staff_number
from models.people import StaffStatus

PNS, PPPK, PPNPN = StaffStatus.PNS, StaffStatus.PPPK, StaffStatus.PPNPN


@pytest.mark.parametrize(
    ("number", "status"),
    [
        ("198501012010012001", PNS),
        ("19850101 201001 2 001", PNS),
        ("199203152023211007", PPPK),
        ("3271046504930002", PPNPN),
    ],
)
def test_a_number_that_can_exist_passes_without_its_spaces(number, status):
    assert check_staff_number(number, status) == "".join(number.split())


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        ("19850101201001200", PNS, "18 digits"),
        ("1985010120100120011", PNS, "18 digits"),
        ("١٩٨٥٠١٠١٢٠١٠٠١٢٠٠١", PNS, "18 digits"),
        ("19850101201001200a", PNS, "18 digits"),
        ("198513012010012001", PNS, "birth date"),
        ("199002292015012001", PNS, "birth date"),
        ("198501011999012001", PNS, "too young"),
        ("198501012010132001", PNS, "month of appointment"),
        ("198501012010013001", PNS, "15th digit"),
        ("198501012010012001", PPNPN, "16 digits"),
        ("", PNS, "18 digits"),
    ],
)
def test_a_number_that_cannot_exist_is_refused_with_the_part_that_is_wrong(number, status, said):
    with pytest.raises(BadInput, match=said):
        check_staff_number(number, status)


@given(st.text(max_size=24), st.sampled_from(StaffStatus))
def test_whatever_is_typed_is_digits_or_refused(number, status):
    try:
        digits = check_staff_number(number, status)
    except BadInput:
        return
    assert digits.isascii()
    assert digits.isdigit()
