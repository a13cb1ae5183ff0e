"""The mutation run itself: what it kills, what it reports, and that its list of survivors is no older than the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference.mutants import _shown as shown
from reference.mutants import mutations
from tests import mutation
from tests.mutation import TESTS, main, named, statements
from tests.survivors import SURVIVORS

OPPOSITE = '''def opposite(n):
    """-n"""
    return -n
'''


@pytest.mark.parametrize("module", SURVIVORS)
def test_every_listed_survivor_is_a_mutant_of_the_code_as_it_is_and_has_a_reason(module: str) -> None:
    text = (mutation.ROOT / "autograder" / f"{module}.py").read_text()
    listed = SURVIVORS[module]
    region = {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if any(name.startswith(f"{shown(line)} -> ") for name in listed)
    }  # of all lines it would take a minute
    assert listed.keys() - set(map(named, mutations(text, region & statements(text)))) == set()
    assert all(listed.values())


def test_every_module_and_its_tests_exist() -> None:
    files = {test.partition("::")[0] for tests in TESTS.values() for test in tests}
    assert all((mutation.ROOT / file).is_file() for file in files)
    assert all(statements((mutation.ROOT / "autograder" / f"{module}.py").read_text()) for module in TESTS)


def test_only_statements_of_functions_are_changed() -> None:
    text = f"n = 1\n{OPPOSITE}\n\ndef f(\n    one: int = 1,\n) -> int:\n    if one:\n        return 1\n    two: int\n"
    assert [text.splitlines()[line - 1].strip() for line in sorted(statements(text))] == [
        "return -n",
        "if one:",
        "return 1",
    ]


def test_a_wrong_mutant_is_killed_and_one_that_survives_is_reported_until_it_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "autograder/__init__.py": "",
        "autograder/small.py": OPPOSITE,
        "tests/test_small.py": "from autograder.small import opposite\ndef test(): assert opposite(0) == 0",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(mutation, "ROOT", tmp_path)
    monkeypatch.setattr(mutation, "COPIED", ("autograder", "tests"))
    monkeypatch.setitem(TESTS, "small", ["tests/test_small.py"])
    monkeypatch.setattr("sys.argv", ["mutation", "small"])

    assert main() == 1
    first, *survived = capsys.readouterr().out.splitlines()
    assert first == "small: 4 mutants, killed 2, explained 0, survived 2"
    names = [line.split(maxsplit=1)[1] for line in survived]
    assert names == ["return -n -> return +n", "return -n -> return n"]

    monkeypatch.setitem(SURVIVORS, "small", dict.fromkeys(names, "0 is 0"))
    monkeypatch.setattr(mutation, "survivors", lambda *_: (4, names))
    assert main() == 0
    assert "explained 2, survived 0" in capsys.readouterr().out
