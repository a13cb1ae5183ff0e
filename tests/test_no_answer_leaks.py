"""No line of a solution or of a hidden check is in what students get or in the book."""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.course import ASSIGNMENTS, ROOT

DISTINCTIVE = 28
"""A shorter line may stand in any program."""


def secrets() -> dict[str, str]:
    """Each distinctive line of a solution region or a hidden check, without spaces -> where it is from."""
    found: dict[str, str] = {}
    for name in ASSIGNMENTS:
        cells = json.loads((ROOT / "source" / name / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            text = "".join(cell["source"])
            for region in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", text, re.DOTALL):
                for line in region.splitlines():
                    code = line.partition("  #")[0].strip()
                    if len(code) >= DISTINCTIVE and not code.startswith(("#", '"""')):
                        found.setdefault(squeezed(code), f"{name}: {cell['id']}: {code}")
            if cell["metadata"].get("nbgrader", {}).get("solution") and cell["cell_type"] == "markdown":
                for line in text.splitlines():
                    if len(line.strip()) >= DISTINCTIVE:
                        found.setdefault(squeezed(line), f"{name}: {cell['id']}: {line.strip()}")
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


READABLE = {".ipynb", ".html", ".md", ".txt", ".js", ".json", ".py"}
ARCHIVES = {".whl", ".zip"}


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and squeezed text of each file below a folder, and of each file in an archive there."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in READABLE and path.is_file():
            yield str(path), plain(path.suffix, path.read_bytes())
        elif path.suffix in ARCHIVES and path.is_file():
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if (suffix := Path(name).suffix) in READABLE:
                        yield f"{path}/{name}", plain(suffix, archive.read(name))


def plain(suffix: str, content: bytes) -> str:
    """The text of a file without what its format puts in between."""
    text = content.decode("utf-8", errors="replace")
    if suffix in {".ipynb", ".json"}:
        text = text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    elif suffix == ".html":
        text = html.unescape(re.sub(r"<[^>]+>", "", text))
    return squeezed(text)


def leaks(folder: Path) -> list[str]:
    known, read = secrets(), list(texts(folder))
    assert read, f"there is nothing to read in {folder}"
    return [f"{path}: {where}" for path, text in read for line, where in known.items() if line in text]


def test_there_are_secrets_to_look_for() -> None:
    found = secrets()
    assert len(found) > 150
    assert squeezed("dx_mu += x_mu * (2 / N * dvar)") in found


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_no_secret_is_in_the_release(name: str) -> None:
    """The notebook and, where `make` has put it there, the wheel."""
    assert leaks(ROOT / "release" / name) == []


def test_no_secret_is_in_the_package_that_students_get() -> None:
    assert leaks(ROOT / "normlab") == []


def test_a_planted_leak_is_found_in_every_kind_of_file(tmp_path: Path) -> None:
    line = "dx_mu += x_mu * (2 / N * dvar)"
    (tmp_path / "page.html").write_text(f"<pre><span>{html.escape(line)}</span></pre>".replace("dvar", "<i>dvar</i>"))
    (tmp_path / "notebook.ipynb").write_text(json.dumps({"cells": [{"source": [f"    {line}\n"]}]}))
    (tmp_path / "page.md").write_text(line.replace(" ", "  "))
    with zipfile.ZipFile(tmp_path / "package-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("package/module.py", f"def f():\n    {line}\n")
    found = {Path(leak.partition(":")[0]).name for leak in leaks(tmp_path)}
    assert found == {"page.html", "notebook.ipynb", "page.md", "module.py"}


BOOK = ROOT / "_build" / "html"


def test_no_secret_is_in_the_built_book() -> None:
    if not BOOK.is_dir():
        pytest.fail("run `make book` first")
    assert leaks(BOOK) == []
