"""What a cell prints and displays, bounded and in order; used on both sides of the boundary."""

from __future__ import annotations

import base64
import io
from typing import Any

from autograder.journal import CUT, Journal
from autograder.limits import Limits

Output = dict[str, Any]
_LINES, _ERRORS, _SHORT = 200, 5, 2000  # of a traceback, beside other outputs, characters
PROCESS_ENDED = "StudentProcessEnded"  # the judge's own error, whose words pages show as the grader's


class Outputs:
    """What cells print and display, in order, up to a number of bytes between two calls of ``take``.

    A ``journal`` keeps the same for the judge, should the process end before the outputs are taken.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.journal: Journal | None = None
        self.items: list[Output] = []
        self.room = limits.cell_output_bytes
        self._displays: dict[str, Output] = {}
        self._clear_on_next = False

    def write(self, name: str, text: str) -> None:
        """Add text to a stream, within what room is left."""
        if self.room <= 0 or not text:
            return
        self._clear_if_asked()
        data = text[: self.room + 1].encode("utf-8", "surrogatepass")  # no character has less than a byte
        if len(data) > self.room:
            text = data[: self.room].decode("utf-8", "replace") + CUT
        self.room -= len(data)
        self._note([name, text])
        last = self.items[-1] if self.items else None
        if last is not None and last.get("name") == name and last["output_type"] == "stream":
            last["pieces"].append(text)
        else:
            self._append({"output_type": "stream", "name": name, "pieces": [text]})

    def display(self, kind: str, data: dict[str, Any], display_id: str | None = None, update: bool = False) -> None:
        """Add what was displayed, or change what has this ``display_id``; what does not fit is cut."""
        self._clear_if_asked()
        shown = {str(mime): text for mime, value in data.items() if (text := _as_text(value)) is not None}
        size = sum(map(size_of, shown.values()))
        replaced = self._displays.get(display_id or "") if update else None
        if replaced is not None:
            self.room += sum(map(size_of, replaced["data"].values()))
        if size > self.room:
            self.write("stderr", "\n" + CUT)
            self.room = 0
            return
        self.room -= size
        if update and display_id is not None:
            if replaced is not None:
                replaced["data"] = shown
            return
        item: Output = {"output_type": kind, "data": shown, "metadata": {}}
        if display_id is not None:
            self._displays[display_id] = item
        self._note(item)
        self._append(item)

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """Kept even where nothing else has room, but no more than a few."""
        limit = self.limits.text_bytes if self.room > 0 else _SHORT
        lines = []
        for line in traceback[:_LINES]:
            lines.append(line[:limit])
            limit = max(limit - len(line), 0)
        self.room -= sum(map(size_of, lines))
        if len(self.items) < self.limits.outputs_per_cell + _ERRORS:
            item = {"output_type": "error", "ename": name[:_SHORT], "evalue": value[:_SHORT], "traceback": lines}
            self._note(item)
            self.items.append(item)

    def clear(self, wait: bool) -> None:
        """IPython's clear_output: at once, or with the next output."""
        self._clear_on_next = wait
        if not wait:
            self._forget()

    def take(self) -> list[Output]:
        """All outputs so far; the count starts anew."""
        items = list(self.items)
        self._forget()
        for item in items:
            if "pieces" in item:
                item["text"] = "".join(item.pop("pieces"))
        self._clear_on_next = False
        return items

    def _append(self, item: Output) -> None:
        if len(self.items) < self.limits.outputs_per_cell:
            self.items.append(item)
        elif self.room > 0:
            self.room = 0
            self.items.append({"output_type": "stream", "name": "stderr", "pieces": [CUT]})

    def _clear_if_asked(self) -> None:
        if self._clear_on_next:
            self._clear_on_next = False
            self._forget()

    def _note(self, output: Any) -> None:
        if self.journal is not None:
            self.journal.note(output)

    def _forget(self) -> None:
        self.items.clear()
        self._displays.clear()
        self.room = self.limits.cell_output_bytes
        if self.journal is not None:
            self.journal.clear()


def size_of(text: str) -> int:
    """Bytes of a text in a message."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _as_text(value: Any) -> str | None:
    if type(value) is bytes:
        return base64.b64encode(value).decode()
    return value if type(value) is str else None


class Stream(io.TextIOBase):
    """stdout or stderr, whose text goes into ``outputs``."""

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs = outputs
        self.name = name

    def fileno(self) -> int:
        """The process's own descriptor, as in Jupyter: faulthandler wants one. What is written there is not shown."""
        return 2 if self.name == "stderr" else 1

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As notebooks are written."""
        return "utf-8"

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """The number of characters, as every text stream; TypeError for what is no text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.write(self.name, text)
        return len(text)


_TEXT_TYPES = frozenset(
    {
        "application/json",
        "image/jpeg",
        "image/png",
        "image/svg+xml",
        "text/html",
        "text/latex",
        "text/markdown",
        "text/plain",
    }
)


def add_checked(outputs: Outputs, items: Any) -> None:
    """Build anew, from checked plain values, what came from the student's process."""
    for item in items if type(items) is list else ():
        if type(item) is not dict:
            continue
        kind, data = item.get("output_type"), item.get("data")
        if kind == "stream":
            outputs.write("stderr" if item.get("name") == "stderr" else "stdout", _text(item.get("text")))
        elif kind in ("display_data", "execute_result") and type(data) is dict:
            shown = {mime: text for mime, text in data.items() if mime in _TEXT_TYPES and type(text) is str}
            outputs.display(kind, shown)
        elif kind == "error":
            lines = item.get("traceback")
            traceback = [_text(line) for line in lines] if type(lines) is list else []
            name = _text(item.get("ename"))
            named = f"{name} of the student's" if name == PROCESS_ENDED else name
            outputs.error(named, _text(item.get("evalue")), traceback)


def _text(value: Any) -> str:
    """Text that any file can hold: lone surrogates are replaced."""
    return value.encode("utf-8", "replace").decode() if type(value) is str else ""
