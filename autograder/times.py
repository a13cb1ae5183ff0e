"""Times and time zones as platforms, nbgrader and people write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import product

from dateutil import parser, tz  # type: ignore[import-untyped]

# By hours east of UTC. Those of North America are as in RFC 5322, section 4.3, by which CST is not China's; names that
# are as common in two places, such as IST, are left out.
NAMES = {
    -10: "HST",
    -9: "AKST",
    -8: "AKDT PST",
    -7: "PDT MST",
    -6: "MDT CST",
    -5: "CDT EST",
    -4: "EDT AST",
    -3: "ADT ART BRT",
    0: "UTC GMT UT Z WET",
    1: "WEST BST CET MET MEZ",
    2: "CEST MESZ EET SAST",
    3: "EEST MSK",
    4: "GST",
    5: "PKT",
    7: "WIB",
    8: "SGT HKT AWST",
    9: "JST KST",
    9.5: "ACST",
    10: "AEST",
    10.5: "ACDT",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
}
ZONES = {name: timezone(timedelta(hours=hours)) for hours, names in NAMES.items() for name in names.split()}


def zone_of(name: str) -> timezone:
    """The zone of a short name; raises ValueError where it is not known.

    >>> str(zone_of("CEST")), str(zone_of("UTC"))
    ('UTC+02:00', 'UTC')
    """
    if name not in ZONES:
        raise ValueError(f"{name!r} is no zone that is known")
    return ZONES[name]


GUESSES = datetime(2000, 1, 1), datetime(2001, 2, 15)  # what dateutil takes where a time does not tell all of its day


def read_time(text: str) -> datetime | None:
    """A time in UTC, UTC where it names no zone; None where it is no time, or of a zone that is not known.

    A text that leaves year, month or day to be guessed is none, such as "12" or "Mon", or which is which: "04.03.2026".
    """
    text = re.sub(r"\b(?:GMT|UTC) ?(?=[+-]\d)", "", text.strip("\ufeff \r\n"))  # "GMT+1" is an hour west for dateutil
    days = [False] if re.match(r"\d{4}", text) else [False, True]
    years = [False, True] if re.match(r"\d\d-", text) else [False]

    def zone(name: str | None, offset: int | None) -> object:
        return offset or zone_of(name or "UTC")

    try:
        read = {
            parser.parse(text, default=guess, tzinfos=zone, dayfirst=day, yearfirst=year)
            for guess, day, year in product(GUESSES, days, years)
        }
        return read.pop().astimezone(UTC).replace(tzinfo=None) if len(read) == 1 else None
    except Exception:  # students can write such a text, and it made dateutil raise decimal.InvalidOperation
        return None


def parse_timestamp(text: str | None) -> datetime | None:
    """The content of ``timestamp.txt`` in UTC without a zone, as nbgrader stores it; None where it is no time.

    >>> parse_timestamp("2026-03-02 11:58:00 Europe/Berlin")
    datetime.datetime(2026, 3, 2, 10, 58)
    """
    text = (text or "").strip("\ufeff \r\n")
    date, clock, zone, *more = (*text.split(), "", "", "")
    if (stamp := read_time(text)) or any(more) or not zone:
        return stamp
    stamp = read_time(f"{date} {clock}")  # of a zone that nbgrader knows by its place, or takes for UTC
    try:
        return stamp and stamp.replace(tzinfo=_place(zone)).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def _place(name: str) -> tzinfo:
    """The time zone of that name; UTC where there is none."""
    try:
        return tz.gettz(name) or UTC
    except Exception:
        return UTC
