"""What other systems import: their columns, every name as it is, and nothing that a spreadsheet would calculate."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from autograder.export import TABLES, Grade, neutral, table_text
from autograder.gradebook import Person

NAMES = ["O'Brien, Jr.", 'the "Quick"', "Zoë Łukasiewicz", "李", "a\nb", "Mc;Donald\tX"]


def grade(number: int, name: str, score: float = 2.5) -> Grade:
    person = Person(f"id{number}", "Ann", name, f"s{number}@example.org", str(4700 + number))
    return Grade(person, {"f__values": (score, 3.0), "f__hidden": (2.0, 2.0)}, 0.0)


def table(kind: str, grades: list[Grade]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table_text(TABLES[kind]("ps1", grades)), newline="")))


@pytest.mark.parametrize("kind", TABLES)
def test_names_with_commas_quotes_lines_and_all_scripts_come_back_as_they_are(kind: str) -> None:
    rows = table(kind, [grade(number, name) for number, name in enumerate(NAMES)])
    assert len({len(row) for row in rows}) == 1
    cells = [" ".join(row) for row in rows[-len(NAMES) :]]
    assert all(name in cell for name, cell in zip(NAMES, cells, strict=True))


def test_canvas_finds_its_columns_and_the_possible_points_below_them() -> None:
    """Canvas' guide to importing grades: Student, ID, SIS User ID, SIS Login ID, Section, then assignments."""
    rows = table("canvas", [grade(1, "Lovelace")])
    assert rows == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "ps1"],
        ["    Points Possible", "", "", "", "", "5.0"],
        ["Lovelace, Ann", "4701", "id1", "s1@example.org", "", "4.5"],
    ]


def test_moodle_can_map_people_by_number_and_by_address() -> None:
    """Moodle's guide to the grade import: a line of headings, people by ID number or email address, and grades."""
    assert table("moodle", [grade(1, "Lovelace")]) == [
        ["ID number", "Email address", "First name", "Last name", "ps1"],
        ["4701", "s1@example.org", "Ann", "Lovelace", "4.5"],
    ]


def test_points_have_no_digits_of_rounding() -> None:
    assert table("csv", [grade(1, "x", 0.1 + 0.2)])[1][4:8] == ["2.3", "5.0", "0.0", "0.3"]


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "＋1", "－1", "＠x"])
def test_what_a_spreadsheet_takes_for_a_formula_is_made_text(evil: str) -> None:
    assert neutral(evil) == f"'{evil}"
    for kind in TABLES:
        assert not [cell for row in table(kind, [grade(1, evil)]) for cell in row if cell.startswith(evil)]


@pytest.mark.parametrize("before", ["\t", "\r", "\n", "ann;", "ann; ", "ann\t", "ann\r\n", 'ann;"', "ann;\"'"])
def test_a_formula_behind_what_some_spreadsheets_split_at_is_made_text_too(before: str) -> None:
    made = neutral(f"{before}=1+1")
    assert re.search(r"(^|[;\t\n])'[\s\"']*=", made)
    assert made.replace("'", "") == f"{before}=1+1".replace("'", "")


@pytest.mark.parametrize("value", [-1.5, 0, "plain", "", "a=b", "ann+ps1@example.org", "Ann-Marie; x"])
def test_all_else_is_left_alone(value: Any) -> None:
    assert neutral(value) == value
