"""The page that a student gets back tells all that it may, and does nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from html import unescape
from typing import Any

import pytest

from autograder.feedback import readable, render
from autograder.intake import parse
from autograder.kept import Kept
from autograder.limits import Limits
from autograder.repair import repair
from autograder.results import CheckResult, Judged
from autograder.sanitize import PAGE_TAGS, Page
from autograder.unanswered import refused
from tests.course_factory import POINTS, RIGHT, answered, assignment, instructor_notebook, release
from tests.course_factory import cell as made_cell

SOURCE = assignment()
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c626001000000ffff03000006000557bfabd40000000049454e44ae426082"
    )
).decode()
HOSTILE = [
    "<script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "<svg onload=pwned=1><circle/></svg>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href='javascript:pwned=1'>click</a>",
    "<a href='data:text/html,<script>1</script>'>data</a>",
    "<style>*{display:none}</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><input></form>",
    "<img src=//evil.example/pixel.png>",
    "<base href=//evil.example>",
    "<math><mtext></p><style><img src=x onerror=pwned=1></style></mtext></math>",
    "<div style='background:url(//evil.example)'>styled</div>",
    "<object data=//evil.example></object><embed src=//evil.example><link rel=stylesheet href=//evil.example>",
    "</pre></section></main><script>pwned=1</script>",
    "[click](javascript:pwned=1)",
    "[data](data:text/html;base64,PHNjcmlwdD5wd25lZD0xPC9zY3JpcHQ+)",
    "![pixel](//evil.example/pixel.png)",
    "<javascript:pwned=1>",
]


def judged(outputs: dict[str, list[dict[str, Any]]] | None = None, **answers: str) -> Judged:
    """RIGHT with these answers and outputs, everything passed."""
    cells = parse(json.dumps(answered({**RIGHT, **answers})).encode(), Limits())
    notebook, _ = repair(SOURCE, cells)
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", cell["id"])
        if outputs and name in outputs:
            cell["outputs"] = outputs[name]
    checks = {name: CheckResult("passed", points, points) for name, points in POINTS.items()}
    checks["written__why"] = CheckResult("manual", 2.0, None)
    return Judged(notebook, {}, checks)


def page(result: Judged | None = None, kept: Kept | None = None, **values: Any) -> str:
    return render(SOURCE, result or judged(), kept or Kept(), title="scaling", student="ann", **values)


def shown(html: str) -> str:
    """What a reader sees."""
    body = html[html.index("<body>") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", body)))


def html_output(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/html": text, "text/plain": "plain"}, "metadata": {}}


def test_the_title_of_a_check_is_its_grade_id_made_readable() -> None:
    assert readable("batchnorm_forward__running_statistics") == "batchnorm_forward: running statistics"
    assert readable("cell-1234") == "cell-1234"


def test_points_checks_and_the_students_own_code_are_there() -> None:
    text = shown(page())
    assert "9 of 11 points so far; 2 wait for a person's grade." in text
    assert "values: passed, 3 of 3 points" in text
    assert "return x * w, (x, w)" in text
    assert "share the weights" in text


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
    assert "is still as it was handed out" not in text  # the heading and the check say it
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


def test_where_nothing_is_written_the_page_says_so_and_nowhere_else() -> None:
    result = Judged(repair(SOURCE, parse(json.dumps(release()).encode(), Limits()))[0], {}, {})
    result.checks = {name: CheckResult("not attempted", points, 0.0) for name, points in POINTS.items()}
    assert "Nothing is written yet. Begin with scale_forward." in shown(page(result))
    backward = {"scale_backward": RIGHT["scale_backward"]}  # its check needs the function that is not written
    result.notebook, _ = repair(SOURCE, parse(json.dumps(answered(backward)).encode(), Limits()))
    assert "What is written fails no check. Go on with scale_forward" in shown(page(result))


def test_a_check_that_is_itself_at_fault_is_not_told_as_passed() -> None:
    result = judged()
    result.checks["scale_forward__shifted"] = CheckResult("error", 2.0, 0.0)
    assert "Every check is passed." not in shown(page(result, Kept({"written__why": 2.0})))


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


def test_one_reason_is_told_once_a_task() -> None:
    result = judged()
    for name in ("scale_forward__values", "scale_forward__shifted"):
        result.checks[name] = CheckResult("timed out", 1.0, 0.0, "the cell ran longer", diagnosis="You added w to x.")
    result.deaths = ["the cell ran longer"] * 3
    text = shown(page(result))
    assert text.count("You added w to x.") == 1
    assert text.count("the cell ran longer") == 2  # about the whole, and in the task
    assert "ran out of time, 0 of 1 point; the reason is that of a check above" in text


def test_code_that_does_not_run_is_named_at_the_head_of_its_task() -> None:
    error = {"output_type": "error", "ename": "SyntaxError", "evalue": "invalid syntax (<ipython-input-6-a>, line 1)"}
    text = shown(page(judged({"scale_forward": [{**error, "traceback": ["Traceback"]}]})))
    assert "Your code did not run to its end: SyntaxError: invalid syntax (line 1)" in text


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


def test_a_comment_is_shown_as_the_markdown_that_it_is() -> None:
    comment = "Well **said**:\n\n- the `mean`\n- [the paper](https://arxiv.org/abs/1502.03167)\n\n# Next\n\none\ntwo"
    html = page(kept=Kept(comments={"written__why": comment}))
    shown_as = html[html.index("Comment from your instructor") :]
    assert "Well <strong>said</strong>:" in shown_as
    assert "<li>the <code>mean</code></li>" in shown_as
    assert 'href="https://arxiv.org/abs/1502.03167" rel="noopener noreferrer nofollow"' in shown_as
    assert "<p><strong>Next</strong></p>" in shown_as  # the page's headings are the tasks alone
    assert ".comment p, .comment li { white-space: pre-line; }" in html  # a grader's line breaks stay


def test_a_late_penalty_is_taken_off_and_named() -> None:
    text = shown(page(late_penalty=2.5))
    assert "6.5 of 11 points" in text
    assert "2.5 points are taken off because it was late" in text


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


def test_a_picture_that_is_none_becomes_its_text() -> None:
    output = {"output_type": "display_data", "data": {"image/png": '"><script>', "text/plain": "<Figure>"}}
    html = page(judged({"demo": [output]}))
    assert "&lt;Figure&gt;" in html
    assert "script" not in html


def test_a_table_of_numbers_stays_a_table() -> None:
    table = "<table border=1 class=dataframe><thead><tr><th></th><th>a</th></tr></thead></table>"
    html = page(judged({"demo": [html_output(table)]}))
    assert "<table><thead><tr><td></td><th>a</th></tr></thead></table>" in html


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("place", ["html", "markdown", "print", "svg", "message", "comment", "answer"])
def test_hostile_text_is_inert_wherever_it_stands(attack: str, place: str) -> None:
    data = {"html": {"text/html": attack}, "markdown": {"text/markdown": attack}, "svg": {"image/svg+xml": attack}}
    outputs = [{"output_type": "display_data", "data": data.get(place, {"text/plain": attack})}]
    result = judged({"demo": outputs}, written__why=attack if place == "answer" else "x")
    result.checks["scale_forward__values"] = CheckResult("failed", 3.0, 0.0, attack if place == "message" else "")
    html = page(result, Kept(comments={"written__why": attack}), notes=[attack])
    body = html[html.index("<body>") :]
    tags = re.findall(r"<[^>]*>", body)
    names = {re.match(r"</?([a-z0-9]+)", tag)[1] for tag in tags if re.match(r"</?[a-z]", tag)}  # type: ignore[index]
    active = {"script", "iframe", "svg", "style", "meta", "form", "input", "object", "embed", "link", "base", "math"}
    assert not names & active
    for tag in tags:
        assert not re.search(r"\son\w+\s*=|javascript:|style=", tag)
        assert "evil" not in tag
        assert "src=" not in tag or 'src="data:image/' in tag


def test_the_policy_allows_the_pages_own_style_and_pictures_and_nothing_else() -> None:
    html = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "http" not in style[1]


def test_pictures_in_a_written_answer_are_shown() -> None:
    result = judged(written__why="![sketch](attachment:a.png)")
    result.notebook["cells"][-1]["attachments"] = {"a.png": {"image/png": PIXEL}}
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="sketch">' in page(result)


def test_a_picture_is_on_the_page_once_however_often_it_is_named() -> None:
    result = judged(written__why="![sketch](attachment:a.png)\n" * 300)
    result.notebook["cells"][-1]["attachments"] = {"a.png": {"image/png": PIXEL}}
    html = page(result)
    assert html.count(PIXEL) == 1
    assert html.count("(picture a.png)") == 299


def test_a_page_has_room_for_so_much_and_says_where_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.sanitize.PAGE_ROOM", 50_000)
    result = judged({"demo": [html_output("y" * 30_000), html_output("z" * 30_000), html_output("the end")]})
    text = shown(page(result))
    assert "y" * 30_000 in text
    assert "zz" not in text
    assert "cut here: the page is full" in text
    assert "the end" in text


MANY = " ".join(f"a{number}" for number in range(100_000))


@pytest.mark.parametrize(
    "markup",
    [
        f"<a {MANY}>x</a>",
        f"</a {MANY}>x",
        f"<a {MANY}",
        f"<a {MANY.replace(' ', '/')}>x",
        f"<a x=\xa0'{MANY}'>x",
        f"<a x='>' {MANY}>x",
        f"<a{MANY.replace(' ', '=' + chr(34) + '>' + chr(34) + ' ')}>",
        f"<!-- <a title='--><b {MANY}>'>x",
        f"<svg><![CDATA[<a title=']]><b {MANY}>'>",
        f"<title><a x='</title><b {MANY}>'>",
    ],
    ids=lambda markup: markup[:20],
)
def test_no_tag_has_attributes_without_end_however_it_is_written(markup: str) -> None:
    start = time.process_time()
    page(judged({"demo": [html_output(markup)]}))
    assert time.process_time() - start < 1  # the sanitizer alone took 5 s


def test_tags_as_people_and_libraries_write_them_stay_as_they_are() -> None:
    table = (
        "<style scoped>\n.x > td {color: red}\n</style><!-- pandas -->\n<table border=\"1\" class='dataframe'>\n"
        '<tr  style="text-align: right;"><td colspan=2 id = T_1>1 < 2</td><td><br/><a href=https://x.org/?a=b&c>y</a>'
        "</td></tr>\n</table >"
    )
    html = page(judged({"demo": [html_output(table)]}))
    for tag in ("<table>", "<tr>", '<td colspan="2">', "<br>", 'href="https://x.org/?a=b&amp;c"'):
        assert tag in html
    assert "1 &lt; 2" in html


@pytest.mark.parametrize(
    "text",
    ["<div>" * 200_000, "<i></b>" * 100_000, "> " * 5_000, "![a](" * 50_000, "[" * 200_000, "\x1b[" * 100_000],
    ids=lambda text: text[:6],
)
def test_output_made_to_be_slow_is_not(text: str) -> None:
    outputs = [html_output(text), {"output_type": "display_data", "data": {"text/markdown": text}}]
    start = time.process_time()
    page(judged({"demo": outputs * 20}))
    assert time.process_time() - start < 10


def test_markup_beyond_a_pages_room_is_shown_as_text() -> None:
    renderer = Page()
    output = html_output("<b>x</b>" * PAGE_TAGS)
    assert "plain" in "".join(renderer.render_outputs([output]))


def test_a_page_takes_at_most_a_few_hundredths_of_a_second() -> None:
    result = judged()
    page(result)
    times = []
    for _ in range(5):
        start = time.process_time()
        page(result)
        times.append(time.process_time() - start)
    assert min(times) < 0.03


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
