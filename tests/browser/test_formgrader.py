"""nbgrader's own web interface on the engine: formgrader and the Validate button of a real JupyterLab.

Slow, since a JupyterLab starts and five notebooks run: this is what shows that an instructor can work in a browser.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, Response, expect

from tests.browser.driving import chromium
from tests.browser.lab import TOKEN, jupyterlab, open_formgrader
from tests.course_factory import NAME, RIGHT, answered, make_course, release, submit
from tests.graded_course import nbgrader
from tests.test_preprocessor import CHEAT, THROUGH_THE_ENGINE

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1800)]
PATIENCE = 120.0  # seconds for one step, on a machine that is busy


@dataclass(frozen=True)
class Site:
    """A course folder and the JupyterLab at work in it."""

    root: Path
    url: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = make_course(tmp_path_factory.mktemp("courses") / "course", THROUGH_THE_ENGINE)
    with jupyterlab(root) as url:
        yield Site(root, url)


@pytest.fixture
def page() -> Iterator[Page]:
    expect.set_options(timeout=PATIENCE * 1000)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(PATIENCE * 1000)
        yield page


def press(frame: FrameLocator, row: Locator, button: str, message: str) -> None:
    """Press one of the buttons in a row and read that it worked."""
    row.locator(f".{button} a").click()
    dialog = frame.locator(".modal.in")
    expect(dialog.locator(".modal-title")).to_have_text(re.compile("Success|Error"))
    assert message in dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    expect(dialog).to_have_count(0)


def row_of(frame: FrameLocator, name: str) -> Locator:
    """The row of a table that has this text in a cell of its own."""
    return frame.locator("#main-table tr", has=frame.locator("td").get_by_text(name, exact=True))


def follow(frame: FrameLocator, link: str, heading: str) -> None:
    """Go to another page and wait for a heading that the one before does not have."""
    frame.get_by_role("link", name=link, exact=True).last.click()
    expect(frame.locator("th", has_text=heading)).to_be_visible()


def answer_of(part: str) -> Callable[[Response], bool]:
    """Whether an answer is one of this part of formgrader's API."""
    return lambda answer: f"/api/{part}/" in answer.url


def test_an_instructor_grades_an_assignment_in_formgrader(site: Site, page: Page) -> None:
    spying = f"import os\nprint('course seen:', os.path.exists({str(site.root)!r}))\n"
    submit(site.root, "ann", {**RIGHT, "scale_forward": spying + RIGHT["scale_forward"]}, "2026-11-01 12:30:00 UTC")
    submit(site.root, "eve", CHEAT)
    formgrader = open_formgrader(page, site.url)

    # The list of assignments; what students get.
    row = row_of(formgrader, NAME)
    expect(row.locator(".num-submissions")).to_have_text("2")
    press(formgrader, row, "assign", f"Successfully created the student version of '{NAME}'")
    row.locator(".num-submissions a").click()

    # The autograde button.
    for student, score in (("ann", "9 / 11"), ("eve", "0 / 11")):
        row = row_of(formgrader, student)
        expect(row.locator(".status")).to_have_text("needs autograding")
        press(formgrader, row, "autograde", f"Successfully autograded '{NAME}' for student '{student}'")
        expect(row.locator(".score")).to_have_text(score)
        expect(row.locator(".status")).to_have_text("needs manual grading")

    # The form for a person's points and comment.
    follow(formgrader, "Manual Grading", "Assignment ID")
    follow(formgrader, NAME, "Notebook ID")
    follow(formgrader, NAME, "Submission ID")
    row_of(formgrader, "ann").locator(".reveal .name-hidden").click()
    formgrader.get_by_role("link", name="ann", exact=True).click()
    expect(formgrader.locator("body")).to_contain_text("course seen: False")
    expect(formgrader.locator("#scale_forward__values")).to_have_attribute("placeholder", "3")
    expect(formgrader.locator("#written__why-comment")).to_have_attribute("placeholder", re.compile("comments"))
    for field, value, part in (
        ("#written__why", "1.5", "grade"),
        ("#written__why_extra_credit", "0.25", "grade"),
        ("#written__why-comment", "Say which weights.", "comment"),
    ):
        with page.expect_response(answer_of(part)) as saved:
            formgrader.locator(field).fill(value)
            formgrader.locator(field).blur()
        assert saved.value.ok

    # The tables.
    follow(formgrader, NAME, "Submission ID")
    row = row_of(formgrader, "ann")
    expect(row.locator(".score").first).to_have_text("10.75 / 11")
    expect(row.locator(".code-score")).to_have_text("9 / 9")
    expect(row.locator(".written-score")).to_have_text("1.75 / 2")
    expect(row.locator(".needs-manual-grade")).to_have_attribute("data-order", "0")
    follow(formgrader, "Manage Students", "Email")
    expect(row_of(formgrader, "ann").locator(".score")).to_have_text("10.75 / 11")
    expect(row_of(formgrader, "eve").locator(".score")).to_have_text("0 / 11")

    # The feedback button; the page that it makes.
    follow(formgrader, "Manage Assignments", "# Submissions")
    row_of(formgrader, NAME).locator(".num-submissions a").click()
    done = f"Successfully generated feedback for '{NAME}' for student 'ann'"
    press(formgrader, row_of(formgrader, "ann"), "generate-feedback", done)
    page.goto(f"{site.url}/files/feedback/ann/{NAME}/{NAME}.html?token={TOKEN}")
    expect(page.get_by_text("Say which weights.")).to_be_visible()
    expect(page.locator("body")).to_contain_text("10.75")

    # A grade anew keeps what the person entered; the export holds the same numbers.
    formgrader = open_formgrader(page, site.url)
    row_of(formgrader, NAME).locator(".num-submissions a").click()
    press(formgrader, row_of(formgrader, "ann"), "autograde", "Successfully autograded")
    nbgrader(site.root, "export")
    with (site.root / "grades.csv").open() as file:
        assert {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)} == {"ann": 10.75, "eve": 0.0}


def test_the_validate_button_tells_a_right_notebook_from_a_blank_one(site: Site, page: Page) -> None:
    submit(site.root / "student", "right", answered(RIGHT))
    submit(site.root / "student", "blank", release())
    for student, message in (
        ("right", "Success! Your notebook passes all the tests."),
        ("blank", "The following cell failed:"),
    ):
        page.goto(f"{site.url}/lab/tree/student/submitted/{student}/{NAME}/{NAME}.ipynb?reset&token={TOKEN}")
        button = page.locator(".jp-NotebookPanel-toolbar").get_by_text("Validate")
        expect(page.locator(".jp-Notebook .jp-Cell")).not_to_have_count(0)
        button.click()
        expect(page.locator(".jp-Dialog")).to_contain_text(message)
        page.locator(".jp-Dialog").get_by_role("button").first.click()
