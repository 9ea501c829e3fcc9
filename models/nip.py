"""The civil-service number: NIP of a PNS (Peraturan Kepala BKN 22/2007) and NI PPPK, 18 digits; NIK for PPNPN, 16.

PNS: birth date (8), year and month of appointment (6), sex (1), serial (3).
PPPK: birth date (8), year of appointment (4), kind of appointment (2), sex (1), serial (3).
NIK: place (6), birth day (a woman's plus 40), month and two-digit year (6), serial (4).
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator

from models.clock import utc_now
from models.errors import BadInput
from models.people import StaffStatus

NIP_DIGITS = 18
NIK_DIGITS = 16
YOUNGEST_AT_APPOINTMENT = 16
OLDEST_AT_APPOINTMENT = 60
FIRST_PPPK_YEAR = 2014
"""Undang-Undang 5/2014 made this kind of employment."""

_MONTHS = 12
_WOMAN = 40
_FIRST_PROVINCE = 11


class Fault(enum.StrEnum):
    """What is impossible about a number."""

    LENGTH = "length"
    BIRTH = "birth"
    TOO_YOUNG = "too_young"
    TOO_OLD = "too_old"
    MONTH = "month"
    FUTURE = "future"
    SEX = "sex"
    SERIAL = "serial"
    PPPK_YEAR = "pppk_year"
    PPPK_KIND = "pppk_kind"
    PLACE = "place"


@dataclasses.dataclass(frozen=True, slots=True)
class NumberFault:
    """One fault, and what stands in its place."""

    fault: Fault
    message: str


def check_staff_number(number: str, status: StaffStatus, today: dt.date | None = None) -> str:
    """`number` without spaces, if it can be one of a person with this status.

    Raises:
        BadInput: says which parts are impossible.
    """
    faults = staff_number_faults(number, status, today or utc_now().date())
    if faults:
        raise BadInput("; ".join(found.message for found in faults))
    return "".join(number.split())


def staff_number_faults(number: str, status: StaffStatus, today: dt.date) -> list[NumberFault]:
    """Everything that is impossible about the number, from left to right."""
    digits = "".join(number.split())
    wanted = NIK_DIGITS if status is StaffStatus.PPNPN else NIP_DIGITS
    if not digits.isascii() or not digits.isdigit() or len(digits) != wanted:
        said = f"nomor {status}: {wanted} digits are needed, found {len(digits)} characters"
        return [NumberFault(Fault.LENGTH, said)]
    return list(_nik_faults(digits) if status is StaffStatus.PPNPN else _nip_faults(digits, status, today))


def _nip_faults(digits: str, status: StaffStatus, today: dt.date) -> Iterator[NumberFault]:
    born = _day(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    if born is None or born >= today:
        yield NumberFault(Fault.BIRTH, f"NIP: {digits[:8]} is not a birth date")
    if status is StaffStatus.PNS:
        yield from _month_faults(digits)
    else:
        yield from _pppk_faults(digits)
    yield from _appointment_faults(digits, status, born, today)
    if digits[14] not in "12":
        yield NumberFault(Fault.SEX, "NIP: the 15th digit is 1 (male) or 2 (female)")
    if digits[15:] == "000":
        yield NumberFault(Fault.SERIAL, "NIP: the serial number 000 is nobody's (a spreadsheet rounds long numbers)")


def _month_faults(digits: str) -> Iterator[NumberFault]:
    if not 1 <= int(digits[12:14]) <= _MONTHS:
        yield NumberFault(Fault.MONTH, f"NIP: {digits[12:14]} is not a month of appointment")


def _pppk_faults(digits: str) -> Iterator[NumberFault]:
    if int(digits[8:12]) < FIRST_PPPK_YEAR:
        yield NumberFault(Fault.PPPK_YEAR, f"NI PPPK: appointed in {digits[8:12]}, before there was PPPK")
    if int(digits[12:14]) <= _MONTHS:
        yield NumberFault(Fault.PPPK_KIND, f"NI PPPK: {digits[12:14]} is a month, as in the NIP of a PNS")


def _appointment_faults(
    digits: str, status: StaffStatus, born: dt.date | None, today: dt.date
) -> Iterator[NumberFault]:
    """The appointment against birth and calendar; a PPPK's number has no month."""
    year, month = int(digits[8:12]), int(digits[12:14])
    if (year, month if status is StaffStatus.PNS and month <= _MONTHS else 1) > (today.year, today.month):
        yield NumberFault(Fault.FUTURE, f"NIP: appointed in {digits[8:14]}, which is still to come")
    if born is None:
        return
    if year < born.year + YOUNGEST_AT_APPOINTMENT:
        yield NumberFault(Fault.TOO_YOUNG, f"NIP: appointed in {year}, too young for a birth in {born.year}")
    if year > born.year + OLDEST_AT_APPOINTMENT:
        yield NumberFault(Fault.TOO_OLD, f"NIP: appointed in {year}, too old for a birth in {born.year}")


def _nik_faults(digits: str) -> Iterator[NumberFault]:
    if int(digits[:2]) < _FIRST_PROVINCE:
        yield NumberFault(Fault.PLACE, f"NIK: {digits[:2]} is no province")
    day, month, year = int(digits[6:8]), int(digits[8:10]), int(digits[10:12])
    # 2000 stands for either century: the Gregorian leap years of 1901 to 2099 repeat alike.
    if _day(2000 + year, month, day - _WOMAN if day > _WOMAN else day) is None:
        yield NumberFault(Fault.BIRTH, f"NIK: {digits[6:12]} is not a birth date")
    if digits[12:] == "0000":
        yield NumberFault(Fault.SERIAL, "NIK: the serial number 0000 is nobody's (a spreadsheet rounds long numbers)")


def _day(year: int, month: int, day: int) -> dt.date | None:
    if year < dt.MINYEAR or not 1 <= month <= _MONTHS or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return dt.date(year, month, day)
