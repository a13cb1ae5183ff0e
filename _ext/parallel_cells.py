"""Run the code of all chapters that changed at the same time, a kernel a core.

myst-nb runs one page after the other while Sphinx reads them. Here the same client fills the same cache before the
first page is read; what fails is left for the reading, which runs it again and reports it. The cache looks at the text
of cells alone: where the package that they import has changed, all of it is forgotten.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from myst_nb.core.execute import create_client
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import normlab


class Silent:
    """A logger for work whose failures somebody else reports."""

    def info(self, *message: object, **details: object) -> None: ...

    warning = error = info


def run_cells(env: Any, page: Path) -> None:
    """Run the page's code and put the result into the cache, unless it is there already."""
    text = page.read_text(encoding="utf-8")
    reader = create_nb_reader(str(page), env.myst_config, env.mystnb_config, text)
    if reader is not None:
        with create_client(reader.read(text), str(page), env.mystnb_config, Silent(), reader.read_fmt):
            pass


def forget_old_results(app: Sphinx, env: BuildEnvironment, *_: set[str]) -> list[str]:
    """Every page, where ``normlab`` is not what it was when the cache was filled; the cache is empty then."""
    config: Any = env
    cache = get_cache(config.mystnb_config.execution_cache_path)
    files = sorted(path for path in Path(normlab.__file__).parent.iterdir() if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    mark = Path(cache.path) / "normlab.sha256"
    if mark.exists() and mark.read_text() == digest:
        return []
    cache.clear_cache()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)
    return sorted(env.found_docs)


def run_changed_pages(app: Sphinx, env: BuildEnvironment, names: Iterable[str]) -> None:
    """Fill the cache for the pages that Sphinx is about to read, the longest first."""
    pages = sorted((Path(env.doc2path(name)) for name in names), key=lambda page: -page.stat().st_size)
    config: Any = env
    get_cache(config.mystnb_config.execution_cache_path).db  # noqa: B018 -- made once, before the threads ask for it
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda page: run_cells(env, page), pages))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-get-outdated", forget_old_results)
    app.connect("env-before-read-docs", run_changed_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
