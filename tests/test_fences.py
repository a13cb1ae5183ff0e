"""No fence of an assignment.md is taken for prose by mistake: what was meant for the instructor would be handed out."""

from __future__ import annotations

import re

import nbformat
import pytest

from reference.assemble import SLOTS
from reference.course import CourseTextError
from reference.fences import SHAPES, Part, parts
from reference.release import require_no_answer

PATH = "reference/rmsnorm/assignment.md"
ANSWER = "**A good answer:** the mean is not subtracted."
INSIDE = f":points: 10\n\n{ANSWER}\n"


def read(text: str) -> list[Part]:
    return list(parts(PATH, text))


def refused(text: str) -> str:
    with pytest.raises(CourseTextError) as caught:
        read(text)
    return str(caught.value)


def test_each_slot_has_a_shape() -> None:
    assert SLOTS.keys() == SHAPES.keys()


@pytest.mark.parametrize(
    "text",
    [
        f"```{{written}}\n{INSIDE}```",
        f"```written written__shifts\n{INSIDE}```",
        f"```{{ written }} written__shifts\n{INSIDE}```",
        f"```{{written written__shifts\n{INSIDE}```",
        f"```{{written}} written__shifts :points: 10\n{ANSWER}\n```",
        f"```{{Written}} written__shifts\n{INSIDE}```",
        f"```{{writen}} written__shifts\n{INSIDE}```",
        f"```(written) written__shifts\n{INSIDE}```",
        f"```\n{INSIDE}```",
        f"```text\n{INSIDE}```",
        f"```\n{ANSWER}\n```",
        f"``{{written}} written__shifts\n{ANSWER}\n``",
        f"``written written__shifts\n{INSIDE}``",
        f"{{written}} written__shifts\n\n{ANSWER}",
        f"written written__shifts\n{INSIDE}",
        f":::{{written}} written__shifts\n{INSIDE}:::",
        f":::{{writen}} written__shifts\n{ANSWER}\n:::",
        f"::: written written__shifts\n{ANSWER}\n:::",
        f"~~~{{writen}} written__shifts\n{INSIDE}~~~",
        f"~~~written written__shifts\n{INSIDE}~~~",
        f"    ```{{written}} written__shifts\n    {ANSWER}\n    ```",
        f"\t```{{writen}} written__shifts\n\t{ANSWER}\n\t```",
        f"\u00a0```{{written}} written__shifts\n{INSIDE}```",
        f"\ufeff```{{written}} written__shifts\n{INSIDE}```",
        f"- ```{{written}} written__shifts\n  {ANSWER}\n  ```",
        f"1. ```{{written}} written__shifts\n   {ANSWER}\n   ```",
        f"1. ``{{written}} written__shifts\n   {ANSWER}\n   ``",
        f"- words\n\n  ```{{written}} written__shifts\n  {ANSWER}\n  ```",
        f"> ```{{written}} written__shifts\n> {ANSWER}\n> ```",
        f"- > ```written\n  > {ANSWER}\n  > ```",
        f"Answer: ```{{written}} written__shifts\n{ANSWER}\n```",
        f"<div>\n```{{written}} written__shifts\n{ANSWER}\n```\n</div>",
        f"<!--\n```{{written}} written__shifts\n{INSIDE}```\n-->",
        f"```text\n```{{written}} written__shifts\n{INSIDE}```",
        f"```\n```{{written}} written__shifts\n{INSIDE}```",
        # the slot ends too early
        f"```{{written}} written__shifts\n:points: 10\n```\n{ANSWER}",
        f"```{{written}} written__shifts\n:points: 10\n\nSuch as\n```python\nx - x.mean()\n```\n{ANSWER}\n```",
        f"```{{written}} written__shifts\n:points: 10\n\nSuch as\n```\nx - x.mean()\n```\n{ANSWER}\n```",
        f"```{{written}} written__shifts\n:points: 10\n\nSuch as\n```\n{ANSWER}\n```\n```\n",
        # or too late
        f"```{{written}} written__shifts\n{INSIDE}",
        f"```{{written}} written__shifts\n{INSIDE}\nThe next question:\n\n~~~{{checks}} rmsnorm_forward\n~~~\n```",
        f"````{{written}} written__shifts\n{INSIDE}```\n",
        # the answer of a prediction
        "```{prediction}\n:points: 2\n:choices: a b\n:answer: b\n```",
        "```prediction prediction__shift\n:points: 2\n:choices: a b\n:answer: b\n```",
        "```{prediction} prediction-shift\n:points: 2\n:choices: a b\n:answer: b\n```",
    ],
)
def test_an_answer_that_no_right_slot_holds_is_refused_with_its_file_and_line(text: str) -> None:
    message = refused(f"# RMS norm\n\n{text}\n")
    assert re.match(rf"{PATH}, line \d+: ", message)
    assert "\n" not in message


def test_a_fault_is_told_with_the_line_of_its_fence() -> None:
    assert refused(f"# One\n\n```{{written}}\n{INSIDE}```") == (
        f"{PATH}, line 3: the fence {{written}} is to begin with ```{{written}} NAME; "
        "a name is of letters, digits and _."
    )
    assert refused(f"# One\n\nTwo\n\n:::{{written}} written__shifts\n{INSIDE}```").startswith(
        f"{PATH}, line 5: ':::{{written}} written__shifts' and what follows would go to students as it stands; a sl"
    )


def test_no_single_typing_error_makes_prose_of_an_answer() -> None:
    before, slot, after = "# RMS norm\n\nWhy?\n\n", f"```{{written}} written__shifts\n{INSIDE}```", "\n\nAnd then?\n"
    ends = [slot.index(ANSWER), slot.index(ANSWER) + len(ANSWER)]
    places = [*range(ends[0] + 1), *range(ends[1], len(slot) + 1)]
    changed = [
        slot[:i] + typed + slot[i + gone :] for i in places for gone in (0, 1, 2) for typed in ("", *" \n\t`~:{}w1>-|")
    ]
    read_anyway = 0
    for text in changed:
        try:
            found = read(before + text + after)
        except CourseTextError:
            continue
        read_anyway += 1
        assert not [part for part in found if not part.name and ANSWER in part.body], text
    assert 0 < read_anyway < len(changed) / 2


@pytest.mark.parametrize("slot", SHAPES)
def test_every_slot_needs_its_name(slot: str) -> None:
    message = f"{PATH}, line 1: the fence {{{slot}}} is to begin with ```{{{slot}}} "
    assert refused(f"```{{{slot}}}\n```").startswith(message)


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
@pytest.mark.parametrize("indent", ["", "   "])
def test_a_slot_may_have_any_mark_of_markdown(fence: str, indent: str) -> None:
    text = f"{fence}{{written}} written__shifts\n{INSIDE}{fence}"
    part = read("Why?\n" + "\n".join(indent + line for line in text.split("\n")))[1]
    assert (part.name, part.argument, part.options, part.body) == (
        "written",
        "written__shifts",
        {"points": "10"},
        ANSWER,
    )


def test_a_model_answer_may_hold_code_where_its_fence_has_more_marks() -> None:
    code = "Such as\n\n```python\nx - x.mean()\n```"
    assert read(f"````{{written}} written__shifts\n:points: 10\n\n{code}\n````\n")[0].body == code


@pytest.mark.parametrize(
    "prose",
    [
        "```python\nx = {1: 2}\n```",
        "- a list\n\n  ```console\n  $ ls\n  ```",
        "$$\n\\text{solution} + {x}_i\n$$",
        "| a | b |\n|:---:|:--|\n| 1 | 2 |",
        "| a | b |\n| :---: | ---: |\n| 1 | 2 |",
        '```python title="a.py"\ndef f(x):\n    """:return: y"""\n```',
        "```mermaid\ngraph TD\n```",
        "Words, a {brace}, a `{set}` and `x[::2]`: more.",
        "**Note:** see <https://example.org>\n: and so on",
    ],
)
def test_prose_and_blocks_of_code_stay_as_they_are(prose: str) -> None:
    assert [(part.name, part.body) for part in read(prose)] == [("", prose)]


@pytest.mark.parametrize(
    ("slot", "option", "complaint"),
    [
        ("{code-cell} python", ":lockd: imports", "its options are written so, each once: `:locked: imports`."),
        ("{code-cell} python", "locked: imports", "its options are written so, each once: `:locked: imports`."),
        ("{code-cell} python", ":locked imports", "its options are written so, each once: `:locked: imports`."),
        ("{code-cell} python", ":Locked: imports", "its options are written so, each once: `:locked: imports`."),
        ("{code-cell} python", ":locked: my imports", "its options are written so, each once: `:locked: imports`."),
        ("{solution} layers", ":functions:", "its options are written so, each once: `:functions: f, g`."),
        ("{checks} rmsnorm_forward", ":hidden: yes", "it has no options."),
        ("{prediction} p", ":choices: a, b", "each once: `:points: 2`, `:choices: a b c`, `:answer: b`."),
        ("{prediction} p", ":choices: a", "each once: `:points: 2`, `:choices: a b c`, `:answer: b`."),
        ("{prediction} p", ':answer: "b"', "each once: `:points: 2`, `:choices: a b c`, `:answer: b`."),
        ("{written} w", ":points: -3", "its options are written so, each once: `:points: 2`."),
        ("{written} w", ":points: nan", "its options are written so, each once: `:points: 2`."),
        ("{written} w", ":locked: yes", "its options are written so, each once: `:points: 2`."),
    ],
)
def test_an_option_that_would_do_nothing_or_something_else_is_refused(slot: str, option: str, complaint: str) -> None:
    message = refused(f"```{slot}\n{option}\n```")
    assert message.startswith(f"{PATH}, line 1: the fence {slot} has {option!r}; ")
    assert message.endswith(complaint)


def test_an_option_stands_once_and_may_follow_an_empty_line() -> None:
    assert "w has ':points: 3'; " in refused(f"```{{written}} w\n:points: 2\n:points: 3\n{ANSWER}\n```")
    part = read("```{code-cell} python\n\n:locked: imports\n\nimport numpy\n```")[0]
    assert (part.options, part.body) == ({"locked": "imports"}, "import numpy")


def test_an_option_that_is_needed_is_named() -> None:
    assert refused("```{prediction} p\n:points: 2\n:choices: a b\n```").endswith(
        "the fence {prediction} p lacks an option; it needs `:points: 2`, `:choices: a b c`, `:answer: b`."
    )


SOLUTION = "def f(x):\n    ### BEGIN SOLUTION\n    return x / np.sqrt((x**2).mean())\n    ### END SOLUTION"
HIDDEN = "# Hidden\n### BEGIN HIDDEN TESTS\nrequire_close(f(np.ones(3)), np.ones(3))\n### END HIDDEN TESTS"


@pytest.mark.parametrize(
    ("told", "of"),
    [
        (f"Words. {ANSWER}", "written__shifts"),
        ("```python\nreturn x / np.sqrt((x ** 2).mean())\n```", "f"),
        ("```python\nrequire_close(f(np.ones(3)), np.ones(3))\n```", "f__hidden"),
    ],
)
def test_a_release_in_which_an_answer_stands_is_refused(told: str, of: str) -> None:
    source = [
        nbformat.v4.new_code_cell(SOLUTION, id="f"),
        nbformat.v4.new_code_cell(HIDDEN, id="f__hidden"),
        nbformat.v4.new_markdown_cell(
            f"Short.\n\n{ANSWER}", id="written__shifts", metadata={"nbgrader": {"solution": True}}
        ),
    ]
    harmless = nbformat.v4.new_markdown_cell("Short. What is subtracted?", id="cell-00")
    require_no_answer("rmsnorm", source, [harmless])
    leak = nbformat.v4.new_markdown_cell(told, id="cell-01")
    with pytest.raises(CourseTextError, match=f"^reference/rmsnorm: the answer of {of} would go to students in the ce"):
        require_no_answer("rmsnorm", source, [harmless, leak])
