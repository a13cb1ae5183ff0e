"""What grading one notebook yields; plain data, so that it crosses processes as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Status = Literal["passed", "partial", "failed", "not attempted", "killed", "timed out", "manual", "error"]


@dataclass
class CheckResult:
    """One graded cell.

    ``message`` is the exception's text: show it to a student only where ``Cell.hidden`` is false, since it may
    hold expected values, or where ``shown``: what is hidden has no part in it. "error" means that the
    instructor's test is at fault.
    """

    status: Status
    points: float  #: what the cell can give
    score: float | None  #: None: a person decides
    message: str = ""
    shown: bool = False
    seconds: float = 0.0
    diagnosis: str = ""  #: the known mistake behind a failure, as a sentence for the student; hidden tests too


@dataclass
class Judged:
    """One submission's notebook, executed, with its scores.

    >>> Judged.from_json(Judged({"cells": []}, {"scale_forward__values": 3.0}).to_json()).scores
    {'scale_forward__values': 3.0}
    """

    notebook: dict[str, Any]
    scores: dict[str, float] = field(default_factory=dict)  #: test cells only, by grade id
    checks: dict[str, CheckResult] = field(default_factory=dict)  #: every cell with points, by grade id
    events: dict[str, list[Any]] = field(default_factory=dict)  #: what a diagnosis needs, if it was asked for
    flags: list[str] = field(default_factory=list)  #: for the instructor
    deaths: list[str] = field(default_factory=list)  #: why a student process ended, one a death
    outside: str = ""  # why it should be graded anew: something outside killed one of its processes
    seconds: float = 0.0
    cpu_seconds: float = 0.0  #: judge and student together

    def to_json(self) -> str:
        """Text that any file can hold: what students wrote may hold lone surrogates, which are replaced."""
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Judged:
        """What ``to_json`` wrote."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Judged:
        """What ``to_json`` writes, as a dictionary; other keys are another's."""
        own = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        return cls(**{**own, "checks": {name: CheckResult(**check) for name, check in data["checks"].items()}})
