"""The pictures that are shown: `python scripts/pictures.py`, after `make`; with --check it tells whether they are old.

Each PNG in pictures/ says in its metadata from which files it was made: those that decide how the page looks. A browser
of another version draws other bytes, so what is compared is this digest. The README shows the explorer and the report,
the chapter for instructors nbgrader's formgrader.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "pictures"
DIGEST = "made-from"
EXPLORER = ("explorer.css", "explorer.js", "matrix.js", "parts.js", "words.js", "layout.py")
REPORT = ("report.html.j2", "feedback.css")
SOURCES = {
    "explorer.png": [f"normlab/{name}" for name in EXPLORER],
    "report.png": ["autograder/report.py", *(f"autograder/templates/{name}" for name in REPORT)],
    # Of these files the lines that begin so: the page is nbgrader's, and shows the class.
    "formgrader.png": ["requirements.lock nbgrader==", "reference/sample_class.py     Student("],
}
STEP = 22  # of the explorer: the node whose gradient is a sum over two paths
WIDTH, HEIGHT = 900, 860


def digest(name: str) -> str:
    return hashlib.sha256(b"".join(map(_content, SOURCES[name]))).hexdigest()


def _content(source: str) -> bytes:
    path, _, beginning = source.partition(" ")
    lines = (ROOT / path).read_bytes().splitlines(keepends=True)
    return b"".join(line for line in lines if line.startswith(beginning.encode()))


def made_from(name: str) -> str:
    with Image.open(FOLDER / name) as image:
        return str(image.info.get(DIGEST))


def old() -> list[str]:
    """Pictures that are missing, or made from other files than those that are there now."""
    return [name for name in SOURCES if not (FOLDER / name).exists() or made_from(name) != digest(name)]


def take() -> dict[str, bytes]:
    """Screenshots of the book's explorer, of the sample class's report and of its submissions in formgrader."""
    from tests.browser.driving import chromium

    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto((ROOT / "_build/html/chapters/batchnorm-backward.html").as_uri())
        explorer = page.locator("section.nlx").first
        explorer.locator("input[type=range]").first.fill(str(STEP))
        explorer.evaluate("() => document.activeElement.blur()")
        pictures = {"explorer.png": explorer.screenshot()}
        page.goto((ROOT / "sample_class/reports/batchnorm.html").as_uri())
        pictures["report.png"] = page.screenshot()
        pictures["formgrader.png"] = _formgrader(page)
    return pictures


def _formgrader(page: Any) -> bytes:
    from tests.browser.lab import jupyterlab, open_formgrader

    page.set_viewport_size({"width": 1250, "height": HEIGHT})
    with jupyterlab(ROOT / "sample_class") as url:
        formgrader = open_formgrader(page, url)
        page.get_by_role("button", name="No", exact=True).click()  # Jupyter's news
        formgrader.locator("tr", has_text="batchnorm").locator(".num-submissions a").click()
        formgrader.locator("td.score").first.wait_for()
        formgrader.locator("body").evaluate("(body) => body.ownerDocument.documentElement.scrollTo(0, 240)")
        page.wait_for_timeout(1000)
        png: bytes = page.screenshot()
        return png


def main() -> int:
    parser = argparse.ArgumentParser(prog="python scripts/pictures.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a picture is old")
    if parser.parse_args().check:
        for name in old():
            print(f"pictures/{name} is old; run make, then python scripts/pictures.py", file=sys.stderr)
        return int(bool(old()))
    FOLDER.mkdir(exist_ok=True)
    for name, png in take().items():
        marks = PngInfo()
        marks.add_text(DIGEST, digest(name))
        image = Image.open(io.BytesIO(png)).quantize(64)  # few colors: small files
        image.save(FOLDER / name, pnginfo=marks, optimize=True)
        print(f"pictures/{name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
