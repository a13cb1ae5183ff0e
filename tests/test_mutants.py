"""Mutants that nobody wrote: found in solution regions alone, killed or named as equivalent with a reason."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reference.course import ASSIGNMENTS, Course, functions_in
from reference.equivalent_mutants import EQUIVALENT
from reference.mutants import Mutant, Verdict, judge, mutants, report, sampled

FIRST = "batchnorm"


@pytest.fixture(scope="module")
def found() -> list[Mutant]:
    return list(mutants(Course(FIRST)))


def test_every_mutant_changes_one_solution_region_and_each_text_comes_once(found: list[Mutant]) -> None:
    assert len({mutant.text for mutant in found}) == len(found) > 300
    assert len({mutant.name for mutant in found}) == len(found)
    whole = functions_in(Course(FIRST).solution)
    for mutant in found:
        assert given(mutant.text) == given(whole[mutant.function]), mutant.name


def given(text: str) -> list[str]:
    """What stands outside of the regions that are the student's."""
    return re.split(r"### BEGIN SOLUTION.*?### END SOLUTION", text, flags=re.DOTALL)


def test_all_kinds_of_change_are_made(found: list[Mutant]) -> None:
    changes = {(mutant.old, mutant.new) for mutant in found if mutant.function == "batchnorm_backward"}
    line = "dbeta = dout.sum(axis=0)"
    assert (line, "dbeta = dout.sum(axis= 1)") in changes
    assert (line, "pass") in changes
    assert (line, "dbeta = dout.sum(**{})") in changes
    assert any("dmu / N" in old and "dmu * N" in new for old, new in changes)
    assert ("dx += dmu / N", "dx -= dmu / N") in changes


def test_a_wrong_mutant_is_killed_and_a_harmless_one_is_not(found: list[Mutant]) -> None:
    wrong = next(mutant for mutant in found if mutant.new == "dx -= dmu / N")
    verdict = judge(wrong)
    assert verdict.killer.startswith("batchnorm_backward")
    assert not verdict.hidden
    harmless = replace(wrong, text=wrong.text.replace("dx -= dmu", "dx += dmu"))
    assert judge(harmless).killer == ""


def test_an_endless_mutant_is_killed_in_time(found: list[Mutant], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reference.mutants.SECONDS", 1)
    text = "def batchnorm_forward(x, gamma, beta, bn_param):\n    while True:\n        pass"
    assert judge(replace(found[0], function="batchnorm_forward", text=text)).killer


def test_what_survives_or_is_listed_wrongly_is_a_miss(found: list[Mutant], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = found[:2]
    lines: list[str] = []
    good = [Verdict(one, "check", False), Verdict(other, "", False)]
    monkeypatch.setitem(EQUIVALENT, FIRST, {other.name: "for a reason"})
    assert report(good, False, lines.append)
    assert "killed 1 " in lines[0]
    assert "equivalent 1, survived 0" in lines[0]
    monkeypatch.setitem(EQUIVALENT, FIRST, {})
    assert not report(good, False, lines.append)
    monkeypatch.setitem(EQUIVALENT, FIRST, {other.name: "a", one.name: "b"})
    assert not report(good, False, lines.append)
    monkeypatch.setitem(EQUIVALENT, FIRST, {other.name: "a", "f: a -> b": "gone"})
    assert not report(good, True, lines.append)
    assert not report([Verdict(one, "check", True)], False, lines.append)


def test_a_sample_is_always_the_same_and_spread_over_the_functions(found: list[Mutant]) -> None:
    assert sampled(found, 40) == sampled(found, 40)
    assert len(sampled(found, 40)) == 40
    assert {mutant.function for mutant in sampled(found, 40)} == {mutant.function for mutant in found}
    assert sampled(found, None) == found


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_each_equivalent_mutant_exists_and_survives(name: str) -> None:
    listed = EQUIVALENT.get(name, {})
    own = [mutant for mutant in mutants(Course(name)) if mutant.name in listed]
    assert {mutant.name for mutant in own} == set(listed)
    assert [mutant.name for mutant in own if judge(mutant).killer] == []
    assert all(len(reason) > 20 for reason in listed.values())
