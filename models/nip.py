"""The civil-service number: NIP of a PNS (Peraturan Kepala BKN 22/2007) and NI PPPK, 18 digits; NIK for PPNPN.

PNS: birth date (8), year and month of appointment (6), sex (1), serial (3).
PPPK: birth date (8), year of appointment (4), kind of appointment (2), sex (1), serial (3).
"""

from __future__ import annotations

import datetime as dt

from models.errors import BadInput
from models.people import StaffStatus

NIP_DIGITS = 18
NIK_DIGITS = 16
YOUNGEST_AT_APPOINTMENT = 16


def check_staff_number(number: str, status: StaffStatus) -> str:
    """`number` without spaces, if it can be one of a person with this status.

    Raises:
        BadInput: says which part is impossible.
    """
    digits = "".join(number.split())
    wanted = NIK_DIGITS if status is StaffStatus.PPNPN else NIP_DIGITS
    if not digits.isascii() or not digits.isdigit() or len(digits) != wanted:
        raise BadInput(f"nomor {status}: {wanted} digits are needed, found {len(digits)} characters")
    if status is not StaffStatus.PPNPN:
        _check_nip(digits, status)
    return digits


def _check_nip(digits: str, status: StaffStatus) -> None:
    try:
        born = dt.datetime.strptime(digits[:8], "%Y%m%d").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise BadInput(f"NIP: {digits[:8]} is not a birth date") from error
    appointed, month = int(digits[8:12]), int(digits[12:14])
    if appointed < born.year + YOUNGEST_AT_APPOINTMENT:
        raise BadInput(f"NIP: appointed in {appointed}, too young for a birth in {born.year}")
    if status is StaffStatus.PNS and not 1 <= month <= 12:  # noqa: PLR2004 - months of a year
        raise BadInput(f"NIP: {digits[12:14]} is not a month of appointment")
    if digits[14] not in "12":
        raise BadInput("NIP: the 15th digit is 1 (male) or 2 (female)")
