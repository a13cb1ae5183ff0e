"""Every command that the book and the README name is one that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbgrader.apps.nbgraderapp import NbGraderApp

from autograder.__main__ import main

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "chapters").glob("*.md"), *(ROOT / "chapters").glob("_*/*.txt")])
COMMANDS = {"nbgrader": {*NbGraderApp.subcommands}, "autograder": {*main.commands}}


def named(text: str) -> list[tuple[str, str]]:
    """(program, subcommand) in code: between backticks, and where a line of a block begins."""
    inline = [line for span in re.findall(r"`([^`\n]+)`", text) for line in [span]]
    blocks = [
        line.removeprefix("$ ")
        for block in re.findall(r"```[^\n`]*\n(.*?)\n```", text, re.S)
        for line in block.split("\n")
    ]
    shown = [line.removeprefix("$ ") for line in text.split("\n") if line.startswith("$ ")]
    lines = [part.strip() for line in [*inline, *blocks, *shown] for part in re.split(r"&&|\|\||;", line)]
    return re.findall(r"^(?:\.venv/bin/)?(nbgrader|autograder) ([\w-]+)", "\n".join(lines), re.M)


def test_every_command_that_is_named_exists() -> None:
    found = {(page.name, *each) for page in PAGES for each in named(page.read_text(encoding="utf-8"))}
    assert len(found) > 20
    assert sorted(each for each in found if each[2] not in COMMANDS[each[1]]) == []


@pytest.mark.parametrize(
    "text", ["```sh\nnbgrader formgrader\n```", "run `nbgrader formgrader` now", "$ nbgrader formgrader"]
)
def test_a_command_that_does_not_exist_is_noticed(text: str) -> None:
    assert named(text) == [("nbgrader", "formgrader")]
    assert "formgrader" not in COMMANDS["nbgrader"]
