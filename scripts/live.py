"""Put the chapters and the release notebooks into JupyterLite beside the book: `python scripts/live.py`.

Writes _build/html/lite, where Pyodide runs numpy, matplotlib and normlab in the reader's browser; what a reader changes
stays in that browser. Needs the built pages, release/ and the wheel of normlab, as `make book` has them. Nothing is
rebuilt while these are unchanged.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
STAGE = ROOT / "build" / "live"
SITE = ROOT / "_build" / "html"
# The public copy of Pyodide that pages load when a reader asks for live cells, and not before.
PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/pyodide.js"
# Pure Python that normlab or the kernel imports and Pyodide may lack; their versions and hashes are the lock's.
BESIDE = ("comm", "tqdm")
EXTENSION = "@jupyterlite/pyodide-kernel-extension"


class LiveError(Exception):
    """One sentence: what is missing and the command that makes it."""


def live_notebook(path: Path) -> nbformat.NotebookNode:
    """The notebook for the browser: its kernel is Pyodide, no outputs, and a first cell installs normlab."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = cell.get("id") or f"cell-{number:03}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    install = nbformat.v4.new_code_cell("%pip install -q normlab", id="install-normlab")
    notebook.cells.insert(0, install)
    notebook.metadata = {"kernelspec": {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def stage_contents() -> None:
    """build/live/contents: chapters/*.ipynb, and the release notebooks on the top level under their own names."""
    chapters = sorted((SITE / "_sources" / "chapters").glob("*.ipynb"))
    releases = sorted((ROOT / "release").glob("*/*.ipynb"))
    if not chapters or not releases:
        raise LiveError("The book or the release notebooks are missing; run `make book`.")
    shutil.rmtree(STAGE / "contents", ignore_errors=True)
    for folder, paths in ((STAGE / "contents" / "chapters", chapters), (STAGE / "contents", releases)):
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            nbformat.write(live_notebook(path), folder / path.name)


def stage_wheels() -> None:
    """build/live/pypi: normlab's wheel and what it needs beside Pyodide's own packages, hashes checked."""
    wheels = sorted((ROOT / "dist").glob("normlab-*.whl"))
    if not wheels:
        raise LiveError("The wheel of normlab is missing; run `make wheel`.")
    target = STAGE / "pypi"
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("normlab-*.whl"):
        old.unlink()
    shutil.copy(wheels[-1], target)
    blocks = re.split(r"^(?=[a-z0-9])", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    wanted, pins = STAGE / "requirements.txt", "".join(block for block in blocks if block.split("==")[0] in BESIDE)
    there = [path for name in BESIDE for path in target.glob(f"{name}-*.whl")]
    if len(there) == len(BESIDE) and wanted.exists() and wanted.read_text() == pins:
        return
    for old in there:
        old.unlink()
    wanted.write_text(pins)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    result = subprocess.run(
        [*pip, "--require-hashes", "-r", str(wanted), "-d", str(target)], capture_output=True, text=True
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LiveError(
            f"{' and '.join(BESIDE)} could not be downloaded: {reason:.300}; "
            "check the network and run `make book` again."
        )


def stage_settings() -> None:
    """JupyterLite's two configuration files: one app, one kernel, the public Pyodide."""
    extension = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / EXTENSION
    build = {
        "contents": ["contents"],
        "output_dir": str(SITE / "lite"),
        "apps": ["notebooks"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(extension)],
    }
    page = {
        "appName": "Normalization from Scratch",
        "exposeAppInBrowser": True,
        "litePluginSettings": {f"{EXTENSION}:kernel": {"pyodideUrl": PYODIDE}},
    }
    (STAGE / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": build}))
    (STAGE / "jupyter-lite.json").write_text(
        json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": page})
    )


def fingerprint() -> str:
    """Changes when something that was staged changes."""
    digest = hashlib.sha256()
    for path in sorted(STAGE.rglob("*")):
        if path.is_file() and path.name != ".jupyterlite.doit.db":
            digest.update(str(path.relative_to(STAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build() -> None:
    """Stage, then run JupyterLite's own builder unless the site has the same already."""
    STAGE.mkdir(parents=True, exist_ok=True)
    stage_contents()
    stage_wheels()
    stage_settings()
    stamp = SITE / "lite" / "fingerprint"
    if stamp.exists() and stamp.read_text() == fingerprint():
        return
    shutil.rmtree(SITE / "lite", ignore_errors=True)
    (STAGE / ".jupyterlite.doit.db").unlink(missing_ok=True)
    result = subprocess.run(["jupyter", "lite", "build"], cwd=STAGE, capture_output=True, text=True)
    if result.returncode:
        raise LiveError(f"JupyterLite did not build: {(result.stdout + result.stderr).strip().splitlines()[-1]}")
    stamp.write_text(fingerprint())


def main() -> int:
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    try:
        build()
    except LiveError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
