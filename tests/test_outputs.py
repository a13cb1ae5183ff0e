"""What cells print and display is kept in order and within bounds, as Jupyter would show it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from autograder.journal import CUT
from autograder.limits import Limits
from autograder.outputs import PROCESS_ENDED, Outputs, Stream, add_checked


@pytest.fixture
def outputs() -> Outputs:
    return Outputs(Limits(cell_output_bytes=100, outputs_per_cell=3))


def texts(outputs: Outputs) -> list[str]:
    return [item.get("text") or item.get("evalue") or item["data"]["text/plain"] for item in outputs.take()]


def test_what_is_printed_in_pieces_is_one_output_until_the_stream_changes(outputs: Outputs) -> None:
    for name, text in [("stdout", "a"), ("stdout", ""), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")]:
        assert Stream(outputs, name).write(text) == len(text)
    assert texts(outputs) == ["ab", "c", "d"]


def test_a_stream_takes_text_alone_as_pythons_own_does(outputs: Outputs) -> None:
    stream = Stream(outputs, "stdout")
    assert (stream.writable(), stream.encoding) == (True, "utf-8")
    assert [Stream(outputs, name).fileno() for name in ("stdout", "stderr")] == [1, 2]
    with pytest.raises(TypeError, match="must be str, not bytes"):
        stream.write(b"a")  # type: ignore[arg-type]


def test_a_picture_is_kept_as_base64_and_what_is_no_text_is_left_out(outputs: Outputs) -> None:
    outputs.display("display_data", {"image/png": b"\x00\x01", "text/plain": "figure", "application/json": {"a": 1}})
    assert outputs.take()[0]["data"] == {"image/png": "AAE=", "text/plain": "figure"}


def test_an_update_changes_the_display_it_names_and_no_other(outputs: Outputs) -> None:
    outputs.display("display_data", {"text/plain": "one"}, "first")
    outputs.display("display_data", {"text/plain": "two"})
    outputs.display("display_data", {"text/plain": "three"}, "first", update=True)
    outputs.display("display_data", {"text/plain": "four"}, "unknown", update=True)
    assert texts(outputs) == ["three", "two"]
    outputs.display("display_data", {"text/plain": "five"}, "first", update=True)
    assert texts(outputs) == [], "what was taken is not changed any more"


def test_what_was_cleared_or_updated_gives_its_room_back(outputs: Outputs) -> None:
    for frame in range(50):
        outputs.clear(wait=True)
        outputs.display("display_data", {"text/plain": f"{frame:>60}"}, "plot")
        outputs.display("display_data", {"text/plain": f"{frame:>70}"}, "plot", update=True)
    assert texts(outputs) == [f"{49:>70}"]


def test_a_display_that_has_no_room_ends_the_cells_output_and_says_so(outputs: Outputs) -> None:
    outputs.display("display_data", {"text/plain": "x" * 101})
    outputs.display("display_data", {"text/plain": "x"})
    outputs.write("stdout", "x")
    assert texts(outputs) == ["\n" + CUT]
    outputs.write("stdout", "the next cell has room again")
    assert texts(outputs) == ["the next cell has room again"]


def test_printing_is_cut_where_the_room_ends(outputs: Outputs) -> None:
    outputs.write("stdout", "x" * 60)
    outputs.write("stdout", "y" * 60)
    outputs.write("stdout", "z")
    assert texts(outputs) == ["x" * 60 + "y" * 40 + CUT]


@pytest.mark.parametrize("start", ["", "x", "xx", "xxx", "\xe4", "\u20ac"])
def test_room_is_counted_in_bytes_and_what_was_cut_is_not_cut_again(outputs: Outputs, start: str) -> None:
    outputs.write("stdout", start + "\U0001f600" * 100)
    taken = outputs.take()
    assert re.fullmatch(f"{start}\U0001f600{{24,25}}\ufffd?" + re.escape(CUT), taken[0]["text"])
    add_checked(outputs, taken)
    assert outputs.take() == taken
    for text in ("x", "y" * 100):
        outputs.write("stdout", text)
    assert texts(outputs) == ["x" + "y" * 99 + CUT]
    outputs.display("display_data", {"text/plain": "\xe4" * 25, "text/html": "\xe4" * 26})
    assert texts(outputs) == ["\n" + CUT]
    outputs.error("E", "why", ["\xe4" * 50])
    outputs.write("stdout", "y")
    assert texts(outputs) == ["why"]
    outputs.display("display_data", {"text/plain": "\u20ac" * 20}, "plot")
    outputs.display("display_data", {"text/plain": "x" * 100}, "plot", update=True)
    assert texts(outputs) == ["x" * 100]


def test_one_output_too_many_is_replaced_by_the_mark_of_a_cut(outputs: Outputs) -> None:
    for number in range(5):
        outputs.display("display_data", {"text/plain": str(number)})
    assert texts(outputs) == ["0", "1", "2", CUT]


def test_an_error_is_kept_where_nothing_else_has_room(outputs: Outputs) -> None:
    outputs.write("stdout", "x" * 200)
    outputs.error("ValueError", "why", ["a line", "another"])
    *_, error = outputs.take()
    assert (error["ename"], error["evalue"], error["traceback"]) == ("ValueError", "why", ["a line", "another"])


def test_errors_without_end_are_bounded_in_number_and_length(outputs: Outputs) -> None:
    for _ in range(100):
        outputs.error("E" * 10**5, "e" * 10**5, ["x" * 10**7] * 1000)
    items = outputs.take()
    assert len(items) == 8
    assert all(len(item["ename"]) == len(item["evalue"]) == 2000 and len(item["traceback"]) == 200 for item in items)
    assert all(sum(map(len, item["traceback"])) <= outputs.limits.text_bytes for item in items)


@pytest.mark.parametrize("wait", [False, True])
def test_cleared_output_is_gone(outputs: Outputs, wait: bool) -> None:
    outputs.write("stdout", "before")
    outputs.clear(wait)
    outputs.write("stdout", "after")
    assert texts(outputs) == ["after"]


def test_a_clear_that_waits_for_what_never_comes_clears_nothing(outputs: Outputs) -> None:
    outputs.write("stdout", "before")
    outputs.clear(wait=True)
    assert texts(outputs) == ["before"]
    outputs.write("stdout", "the next cell's")
    assert texts(outputs) == ["the next cell's"]


class Noted:
    """Plays the journal."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def note(self, output: Any) -> None:
        self.notes.append(output)

    def clear(self) -> None:
        self.notes.append("cleared")


def test_all_that_is_shown_is_in_the_journal_until_it_is_cleared(outputs: Outputs) -> None:
    journal: Any = Noted()
    outputs.journal = journal
    outputs.write("stdout", "a")
    outputs.write("stdout", "")
    outputs.display("display_data", {"text/plain": "b"})
    outputs.error("E", "why", ["c"])
    outputs.clear(wait=False)
    shown = {"output_type": "display_data", "data": {"text/plain": "b"}, "metadata": {}}
    error = {"output_type": "error", "ename": "E", "evalue": "why", "traceback": ["c"]}
    assert journal.notes == [["stdout", "a"], shown, error, "cleared"]
    outputs.take()
    assert journal.notes[4:] == ["cleared"]


def test_what_is_taken_leaves_no_room_used_and_no_clear_that_waits(outputs: Outputs) -> None:
    outputs.clear(wait=True)
    outputs.write("stdout", "x" * 99)
    outputs.write("stdout", "y")
    assert texts(outputs) == ["x" * 99 + "y"], "exactly as much as there is room for"
    outputs.clear(wait=True)
    outputs.take()
    outputs.write("stdout", "a")
    outputs.write("stdout", "b")
    assert texts(outputs) == ["ab"]


def test_a_display_clears_what_waits_for_it_once(outputs: Outputs) -> None:
    outputs.write("stdout", "before")
    outputs.clear(wait=True)
    outputs.display("display_data", {"text/plain": "one"})
    outputs.display("display_data", {"text/plain": "two"})
    assert texts(outputs) == ["one", "two"]


def test_displays_and_tracebacks_use_the_room_of_a_cell(outputs: Outputs) -> None:
    outputs.display("display_data", {"text/plain": "x" * 60, "text/html": "x" * 40})
    outputs.write("stdout", "y")
    assert [item["output_type"] for item in outputs.take()] == ["display_data"]
    outputs.display("display_data", {"text/plain": "x" * 60})
    outputs.display("display_data", {"text/plain": "x" * 41})
    assert texts(outputs) == ["x" * 60, "\n" + CUT]
    outputs.error("E", "why", ["x" * 60])
    outputs.write("stdout", "y" * 41)
    assert texts(outputs) == ["why", "y" * 40 + CUT]


def test_a_traceback_is_as_long_as_a_text_may_be_and_short_where_there_is_no_room(outputs: Outputs) -> None:
    outputs.error("E", "why", ["x" * 3000, "y" * 3000])
    assert outputs.take()[0]["traceback"] == ["x" * 3000, "y" * 3000]
    outputs.write("stdout", "x" * 100)
    outputs.error("E", "why", ["x" * 1500, "y" * 1500, "z"])
    assert outputs.take()[1]["traceback"] == ["x" * 1500, "y" * 500, ""]


def test_a_stream_after_a_display_of_its_name_is_a_new_output(outputs: Outputs) -> None:
    for kind in ("an output", "xtreme"):
        outputs.items.append({"output_type": kind, "name": "stdout"})
        outputs.write("stdout", "a")
        assert outputs.take()[1]["text"] == "a"


def test_the_mark_of_a_cut_stands_once_whatever_comes_after_it(outputs: Outputs) -> None:
    for text in ("a", "b", "c", "d"):
        outputs.display("display_data", {"text/plain": text})
    outputs.display("display_data", {})
    assert texts(outputs) == ["a", "b", "c", CUT]


@pytest.mark.parametrize(("used", "marks"), [(100, 0), (99, 1)])
def test_one_output_too_many_is_marked_where_there_is_room(outputs: Outputs, used: int, marks: int) -> None:
    for text in ("x" * (used - 2), "x", "x"):
        outputs.display("display_data", {"text/plain": text})
    outputs.display("display_data", {})
    assert len(outputs.take()) == 3 + marks


def test_errors_count_among_the_outputs(outputs: Outputs) -> None:
    for _ in range(4):
        outputs.error("E", "why", [])
    outputs.display("display_data", {"text/plain": "a"})
    assert [item["output_type"] for item in outputs.take()] == ["error"] * 4 + ["stream"]
    for _ in range(8):
        outputs.error("E", "why", [])
    outputs.display("display_data", {"text/plain": "a"})
    outputs.error("E", "why", [])
    assert [item["output_type"] for item in outputs.take()] == ["error"] * 8 + ["stream"]


def test_a_traceback_is_whole_where_there_is_any_room_and_short_where_others_took_more(outputs: Outputs) -> None:
    outputs.write("stdout", "x" * 99)
    outputs.error("E", "why", ["x" * 3000])
    outputs.error("E", "why", ["x" * 3000])
    assert [len(item["traceback"][0]) for item in outputs.take()[1:]] == [3000, 2000]


def test_what_was_taken_stays_as_it_was(outputs: Outputs) -> None:
    outputs.display("display_data", {"text/plain": "one"}, "first")
    outputs.clear(wait=True)
    taken = outputs.take()
    outputs.error("E", "why", [])
    outputs.write("stdout", "a")
    assert [item["output_type"] for item in outputs.take()] == ["error", "stream"], "the clear waited in another cell"
    outputs.display("display_data", {"text/plain": "two"}, "first", update=True)
    assert taken[0]["data"] == {"text/plain": "one"}


# what the student's process says that it showed

SHOWN: list[tuple[Any, list[Any]]] = [  # what comes, and what is built of it
    ({"output_type": "stream", "name": "stdout", "text": "a"}, [("stdout", "a")]),
    ({"output_type": "stream", "name": "stderr", "text": "a\ud800"}, [("stderr", "a?")]),
    ({"output_type": "stream", "name": "/etc/passwd", "text": "a"}, [("stdout", "a")]),
    ({"output_type": "stream", "name": ["stderr"], "text": "a"}, [("stdout", "a")]),
    ({"output_type": "stream", "name": "stdout", "text": 5}, []),
    ({"output_type": "stream"}, []),
    ({"output_type": "display_data", "data": {"text/plain": "a"}}, [{"text/plain": "a"}]),
    (
        {"output_type": "execute_result", "data": {"image/png": "AA==", "text/latex": "x", "text/html": "<b>"}},
        [{"image/png": "AA==", "text/latex": "x", "text/html": "<b>"}],
    ),
    (
        {"output_type": "display_data", "data": {"text/javascript": "x", 5: "y", "text/plain": b"", "image/jpeg": "J"}},
        [{"image/jpeg": "J"}],
    ),
    ({"output_type": "display_data", "data": [["text/plain", "a"]]}, []),
    ({"output_type": "display_data"}, []),
    ({"output_type": "update_display_data", "data": {"text/plain": "a"}}, []),
    (
        {"output_type": "error", "ename": "E", "evalue": "why", "traceback": ["a", 5, "b\udfff"]},
        [("E", "why", ["a", "", "b?"])],
    ),
    ({"output_type": "error", "ename": 5, "evalue": None, "traceback": "abc"}, [("", "", [])]),
    ({"output_type": "error"}, [("", "", [])]),
    ({"output_type": ["stream"], "text": "a"}, []),
    ({}, []),
    ("stream", []),
    (None, []),
    ([], []),
]  # fmt: skip


@pytest.mark.parametrize(("item", "built"), SHOWN, ids=range(len(SHOWN)))
def test_what_the_students_process_showed_is_built_anew_of_text_alone(item: Any, built: list[Any]) -> None:
    outputs = Outputs(Limits())
    add_checked(outputs, [item, {"output_type": "display_data", "data": {"text/plain": "the next"}}])
    assert [
        (each["name"], each["text"]) if each["output_type"] == "stream"
        else (each["ename"], each["evalue"], each["traceback"]) if each["output_type"] == "error"
        else each["data"]
        for each in outputs.take() if each.get("data", each)
    ] == [*built, {"text/plain": "the next"}]  # fmt: skip


@pytest.mark.parametrize("items", [None, "ab", {"output_type": "stream"}, 5, ({"output_type": "stream", "text": "a"},)])
def test_what_is_no_list_of_outputs_shows_nothing(items: Any) -> None:
    outputs = Outputs(Limits())
    add_checked(outputs, items)
    assert outputs.take() == []


@pytest.mark.parametrize(
    ("name", "shown"), [(PROCESS_ENDED, "StudentProcessEnded of the student's"), ("ValueError", "ValueError")]
)
def test_no_error_of_the_students_has_the_name_under_which_pages_show_the_graders_words(name: str, shown: str) -> None:
    outputs = Outputs(Limits())
    add_checked(outputs, [{"output_type": "error", "ename": name, "evalue": "4 of 4", "traceback": []}])
    assert [item["ename"] for item in outputs.take()] == [shown]
