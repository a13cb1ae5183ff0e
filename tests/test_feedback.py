"""The page that a student gets back tells all that it may, and does nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from autograder.feedback import render
from autograder.intake import parse
from autograder.kept import Kept
from autograder.limits import Limits
from autograder.repair import repair
from autograder.results import CheckResult, Judged
from autograder.unanswered import blank_cells, refused
from autograder.wording import readable
from tests.course_factory import POINTS, RIGHT, answered, assignment, instructor_notebook, release
from tests.course_factory import cell as made_cell
from tests.pages import PIXEL, SOURCE, html_output, judged, page, shown


def test_the_title_of_a_check_is_its_grade_id_made_readable() -> None:
    assert readable("batchnorm_forward__running_statistics") == "batchnorm_forward: running statistics"
    assert readable("cell-1234") == "cell-1234"


def test_points_checks_and_the_students_own_code_are_there() -> None:
    text = shown(page())
    wait = "9 of 11 points so far; 2 wait for a person's grade."
    for said in (wait, "values: passed, 3 of 3 points", "return x * w, (x, w)", "share the weights"):
        assert said in text


def test_a_failed_visible_check_says_why() -> None:
    result = judged()
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, "AssertionError: out is not x * w")
    text = shown(page(result))
    assert "AssertionError" not in text
    assert "values: failed, 0 of 3 points" in text
    assert "out is not x * w" in text
    assert "6 of 11 points" in text


def test_of_a_hidden_check_only_title_and_points_are_told() -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("failed", 2.0, 0.0, "the secret is 41.5")
    html = page(result)
    assert "shifted (hidden check): failed, 0 of 2 points" in shown(html)
    assert "41.5" not in html
    assert "HIDDEN" not in html
    assert "the secret is 41.5" in page(result, show_hidden=True)
    result.checks["scale_forward__shifted"].shown = True
    assert "the secret is 41.5" in page(result)


def test_of_a_hidden_check_the_words_that_were_handed_out_say_what_it_is_about() -> None:
    notebook = instructor_notebook()
    hidden = next(cell for cell in notebook["cells"] if "HIDDEN" in cell["source"])
    head = "# Hidden check, 2 points: Other inputs than above."
    hidden["source"] = f"{head}\n" + hidden["source"].replace("secret =", '"""Looks for 41.5."""\nsecret =')
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("failed", 2.0, 0.0, "the secret is 41.5")
    html = render(assignment(notebook), result, Kept(), title="scaling", student="ann")
    assert "shifted (hidden check): failed, 0 of 2 points What it checks: Other inputs than above." in shown(html)
    assert "41.5" not in html


def test_a_failed_check_says_what_it_looks_at() -> None:
    notebook = instructor_notebook()
    visible = next(cell for cell in notebook["cells"] if cell["id"] == "scale-forward--values")
    for documented in ('"""Plain numbers."""\n{}', 'def check():\n    """Plain numbers.\n\n    More."""\n{}'):
        visible["source"] = documented.format("x = 1")
        result = judged()
        assert "Plain numbers." not in render(assignment(notebook), result, Kept(), title="s", student="a")
        result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, "wrong")
        text = shown(render(assignment(notebook), result, Kept(), title="s", student="a"))
        assert "values: failed, 0 of 3 points What it checks: Plain numbers. wrong" in text


def test_the_page_says_where_to_begin() -> None:
    assert "Begin with" not in shown(page())
    result = judged()
    result.checks["scale_forward__values"] = CheckResult("not attempted", 3.0, 0.0, "not attempted: scale_forward")
    text = shown(page(result))
    assert "What is written fails no check. Go on with scale_forward" in text
    assert "still as it was handed out" not in text  # the heading and the check say it
    result.checks["scale_backward__gradient"] = CheckResult("failed", 4.0, 0.0, "dw is wrong")
    html = page(result)
    assert 'Begin with <a href="#task-scale_backward">' in html
    assert "may be why later ones fail" not in html  # there are none
    result.checks["scale_forward__shifted"] = CheckResult("failed", 2.0, 0.0)
    begin = "Begin with scale_forward, where a check fails. What is wrong there may be why later ones fail."
    assert begin in shown(page(result))
    result.checks["scale_forward__shifted"] = CheckResult("passed", 2.0, 2.0)
    result.checks["scale_backward__gradient"].message = "not attempted: scale_forward"
    assert "scale_forward is still as it was handed out." in shown(page(result))
    done = judged()
    done.checks["written__why"] = CheckResult("not attempted", 2.0, 0.0)
    assert "Go on with written: why" in shown(page(done))
    assert "Every check is passed." in shown(page(kept=Kept({"written__why": 2.0})))
    assert "Every check is passed." not in shown(page(kept=Kept({"written__why": 0.5})))


def test_a_cell_without_checks_that_failed_is_where_to_begin() -> None:
    notebook = instructor_notebook()
    notebook["cells"].insert(1, made_cell("code", "halves", "def half(x):\n    return x / 2", solution=True))
    source = assignment(notebook)
    result = judged()
    result.notebook = repair(source, parse(json.dumps(notebook).encode(), Limits()))[0]
    failure = {"output_type": "error", "ename": "NameError", "evalue": "name 'foo' is not defined", "traceback": []}
    next(raw for raw in result.notebook["cells"] if raw["id"] == "halves")["outputs"] = [failure]
    assert "Begin with" not in shown(render(source, result, Kept(), title="scaling", student="ann"))
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, "wrong")
    begin = "Begin with halves, which did not run to its end. What is wrong there may be why later ones fail."
    assert begin in shown(render(source, result, Kept(), title="scaling", student="ann"))


def test_where_nothing_is_written_the_page_says_so_and_nowhere_else() -> None:
    result = Judged(repair(SOURCE, parse(json.dumps(release()).encode(), Limits()))[0], {}, {})
    result.checks = {name: CheckResult("not attempted", points, 0.0) for name, points in POINTS.items()}
    assert "Nothing is written yet. Begin with scale_forward." in shown(page(result))
    backward = {"scale_backward": RIGHT["scale_backward"]}  # its check needs the function that is not written
    result.notebook, _ = repair(SOURCE, parse(json.dumps(answered(backward)).encode(), Limits()))
    assert "What is written fails no check. Go on with scale_forward" in shown(page(result))


def test_emptied_answers_are_blank_and_those_in_a_cell_of_the_students_own_are_not() -> None:
    emptied = answered(dict.fromkeys(RIGHT, "") | {"written__why": " \n"})
    notebook, _ = repair(SOURCE, parse(json.dumps(emptied).encode(), Limits()))
    assert blank_cells(SOURCE, notebook) == ["scale_forward", "scale_backward", "written__why"]
    elsewhere = release()
    elsewhere["cells"].append(made_cell("code", "own", RIGHT["scale_forward"]))
    notebook, _ = repair(SOURCE, parse(json.dumps(elsewhere).encode(), Limits()))
    assert blank_cells(SOURCE, notebook) == ["scale_backward", "written__why"]


def test_code_below_the_stubs_raise_is_told_that_it_does_not_run() -> None:
    result = judged()
    told = "NotImplementedError, line 4 in scale_forward: write this part"
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, told)
    assert f"{told}; nothing below that line runs: delete it when this part is written" in shown(page(result))


def test_a_check_that_is_itself_at_fault_is_not_told_as_passed() -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("error", 2.0, 0.0)
    assert "Every check is passed." not in shown(page(result, Kept({"written__why": 2.0})))


def test_the_page_of_a_notebook_of_text_alone_tells_of_no_checks_and_no_points() -> None:
    source = assignment(instructor_notebook() | {"cells": [made_cell("markdown", "intro", "# Scaling")]})
    own = json.dumps(release() | {"cells": [made_cell("markdown", "own", "My *notes*.")]})
    result = Judged(repair(source, parse(own.encode(), Limits()))[0])
    html = render(source, result, Kept(), title="scaling", student="ann")
    text = "Feedback for ann; nothing in this notebook has points. Before the first task My notes."
    assert shown(html).strip() == f"scaling {text}"
    assert "<table" not in html


def with_prediction(**statuses: Any) -> str:
    """What a page says of two functions after a prediction; all is passed that has no other status here."""
    notebook = instructor_notebook()
    notebook["cells"][2:2] = [
        made_cell("code", "guess__one_choice", "def guess():\n    pass", solution=True),
        made_cell("code", "guess__one", "assert guess() == 'b'", grade=True, locked=True, points=1),
    ]
    source = assignment(notebook)
    result = judged()
    result.notebook = repair(source, parse(json.dumps(notebook).encode(), Limits()))[0]
    result.checks["guess__one"] = CheckResult("passed", 1.0, 1.0)
    result.checks |= {name: CheckResult(status, 1.0, 0.0) for name, status in statuses.items()}
    return shown(render(source, result, Kept({"written__why": 2.0}), title="scaling", student="ann"))


def test_a_wrong_prediction_is_not_told_as_the_reason_of_later_failures() -> None:
    both = with_prediction(guess__one="failed", scale_backward__gradient="failed")
    assert "Begin with scale_backward, where a check fails. Summary" in both
    assert "Look again at guess: one, where a check fails." in with_prediction(guess__one="failed")
    unwritten = with_prediction(guess__one="failed", scale_backward__gradient="not attempted")
    assert "points. Go on with scale_backward, which is not attempted yet." in unwritten
    assert "Every check is passed." in with_prediction()


def test_the_traceback_of_the_courses_own_code_is_folded_away() -> None:
    error = {"output_type": "error", "ename": "NameError", "evalue": "x", "traceback": ["Traceback", "NameError: x"]}
    html = page(judged({"demo": [error]}))
    folded = html[html.index("<summary>Code of the course, which failed here</summary>") : html.index("</details>")]
    assert "NameError: x" in folded


FRAMES = [
    "\x1b[36mFile \x1b[39m\x1b[32m/some/Great Course/normlab/gradcheck.py:34\x1b[39m, in check\n     30 def check():",
    "\x1b[36mFile \x1b[39m\x1b[32m~/venv/numpy/core.py:5\x1b[39m, in mean\n      5 raise",
    "ImportError: cannot import name 'a' from 'normlab.graph' (/some/course/normlab/graph.py)",
]


def test_no_folder_of_the_machine_that_graded_is_on_the_page() -> None:
    warning = "/some/course/numpy/fromnumeric.py:3824: RuntimeWarning: Mean of empty slice\n"
    outputs: list[dict[str, Any]] = [
        {"output_type": "error", "ename": "E", "evalue": FRAMES[2], "traceback": FRAMES},
        {"output_type": "stream", "name": "stderr", "text": warning},
    ]
    result = judged({"scale_forward": outputs})
    message = 'ImportError: /some/course/lib.so: undefined symbol\n  File "/some/course/graph.py", line 3, in f'
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, message)
    text = shown(page(result))
    assert not re.search("some|Great|venv", text)
    assert "File gradcheck.py:34, in check" in text
    assert "File core.py:5, in mean" in text
    assert "cannot import name 'a' from 'normlab.graph' (graph.py)" in text
    assert "fromnumeric.py:3824: RuntimeWarning" in text
    assert 'lib.so: undefined symbol File "graph.py", line 3' in text


def test_an_error_of_the_courses_own_code_shows_the_frames_of_the_notebook_alone() -> None:
    traceback = ["Traceback", "\x1b[36mCell\x1b[39m In[3], line 2", *FRAMES]
    html = page(judged({"demo": [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": traceback}]}))
    assert "Traceback\nCell In[3], line 2\nImportError: cannot import" in html


def test_work_that_cannot_be_read_is_one_sentence_and_a_table() -> None:
    result = refused(SOURCE, "The file is empty; save it and hand it in again.")
    html = page(result, notes=["The file is empty; save it and hand it in again.", "Also: a link."])
    text = shown(html)
    assert "What you handed in could not be read, so nothing was graded. The file is empty;" in text
    assert text.count("The file is empty") == 1
    assert "Also: a link." in text
    assert "<section" not in html
    assert "0 of 5" in text


@pytest.mark.parametrize("status", ["killed", "timed out", "not attempted"])
def test_what_the_engine_itself_says_is_told_of_hidden_checks_too(status: Any) -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult(status, 2.0, 0.0, "stopped after 30 s")
    assert "stopped after 30 s" in page(result)


def test_the_source_of_no_test_is_on_the_page() -> None:
    assert "np.allclose" not in page()


def test_manual_scores_and_comments_are_on_the_page() -> None:
    kept = Kept({"written__why": 1.5}, {"written__why": 0.25}, {"written__why": "Well <b>said</b>."})
    html = page(kept=kept)
    assert "Well &lt;b&gt;said&lt;/b&gt;." in html
    assert "10.75 of 11 points." in shown(html)
    assert "written: why: graded by a person, 1.75 of 2 points" in shown(html)


@pytest.mark.parametrize(
    ("kept", "tally"),
    [
        ({}, "1 of 2"),
        ({"values": 3.0}, "0 of 1, 1 graded by a person"),
        ({"values": 3, "shifted": 0}, "graded by a person"),
    ],
)
def test_a_check_corrected_by_hand_does_not_hide_how_many_others_passed(kept: dict[str, float], tally: str) -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("failed", 2.0, 0.0)
    html = page(result, Kept({f"scale_forward__{name}": score for name, score in kept.items()}, {}, {}))
    assert f"<td>{tally}</td>" in html


def test_a_comment_is_shown_as_the_markdown_that_it_is() -> None:
    comment = "Well **said**:\n\n- the `mean`\n- [the paper](https://arxiv.org/abs/1502.03167)\n\n# Next\n\none\ntwo"
    html = page(kept=Kept(comments={"written__why": comment}))
    shown_as = html[html.index("Comment from your instructor") :]
    assert "Well <strong>said</strong>:" in shown_as
    assert "<li>the <code>mean</code></li>" in shown_as
    assert 'href="https://arxiv.org/abs/1502.03167" rel="noopener noreferrer nofollow"' in shown_as
    assert "<p><strong>Next</strong></p>" in shown_as  # the page's headings are the tasks alone
    assert ".comment p, .comment li { white-space: pre-line; }" in html  # a grader's line breaks stay


def test_missing_isolation_is_said_on_the_page() -> None:
    assert "without a sandbox" in page(sandboxed=False)
    assert "without a sandbox" not in page()


def test_figures_are_data_and_errors_and_prints_are_text() -> None:
    outputs: list[dict[str, Any]] = [
        {"output_type": "stream", "name": "stdout", "text": "hello <there>\n"},
        {"output_type": "stream", "name": "stderr", "text": ["a ", "warning"]},
        {"output_type": "display_data", "data": {"image/png": PIXEL + "\n", "text/plain": "<Figure>"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[0;31mZeroDivisionError\x1b[0m"]},
    ]
    html = page(judged({"demo": outputs}))
    assert "hello &lt;there&gt;" in html
    assert "a warning" in html
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="Figure 1 of this notebook">' in html
    assert ">ZeroDivisionError<" in html


def test_a_table_of_numbers_stays_a_table() -> None:
    table = "<table border=1 class=dataframe><thead><tr><th></th><th>a</th></tr></thead></table>"
    html = page(judged({"demo": [html_output(table)]}))
    assert "<table><thead><tr><td></td><th>a</th></tr></thead></table>" in html


def test_pictures_in_a_written_answer_are_shown() -> None:
    result = judged(written__why="![sketch](attachment:a.png)")
    result.notebook["cells"][-1]["attachments"] = {"a.png": {"image/png": PIXEL}}
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="sketch">' in page(result)


def test_the_known_mistake_behind_a_failure_is_named() -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("failed", 2.0, 0.0, "41.5", diagnosis="You added w to x.")
    html = page(result)
    assert "You added w to x." in html
    assert "41.5" not in html


def test_the_heading_of_an_answer_is_that_of_its_check_where_its_name_adds_a_word() -> None:
    notebook = instructor_notebook()
    notebook["cells"] += [
        made_cell("code", "prediction__of_one_choice", "def choose():\n    pass", solution=True),
        made_cell("code", "prediction__of_one", "assert choose() == 'b'", grade=True, locked=True, points=1),
    ]
    source = assignment(notebook)
    result = Judged(repair(source, parse(json.dumps(notebook).encode(), Limits()))[0], {}, {})
    result.checks["prediction__of_one"] = CheckResult("passed", 1.0, 1.0)
    made = render(source, result, Kept(), title="scaling", student="ann")
    assert ">prediction: of one<" in made
    assert "of one choice" not in made
