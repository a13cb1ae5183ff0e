"""Time zones by the short names that platforms and people write."""

from __future__ import annotations

from datetime import timedelta, timezone

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
