"""A real JupyterLab in a course folder, and nbgrader's formgrader in it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import FrameLocator, Page

TOKEN = "instructor"
PATIENCE = 60.0  # seconds
OPTIONS = f"""--no-browser --allow-root --ServerApp.ip=127.0.0.1 --IdentityProvider.token={TOKEN} --LabApp.news_url=
--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate""".split()


@contextmanager
def jupyterlab(root: Path) -> Iterator[str]:
    """The address of a JupyterLab at work in the folder, with a home of its own."""
    with tempfile.TemporaryDirectory(prefix="jupyterlab-", ignore_cleanup_errors=True) as home:
        environment = {
            "HOME": home,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "JUPYTER_CONFIG_DIR": f"{home}/config",
            "JUPYTER_DATA_DIR": f"{home}/data",
            "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
        }
        line = [sys.executable, "-m", "jupyterlab", *OPTIONS]
        with subprocess.Popen(
            line, cwd=root, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as server:
            assert server.stderr is not None
            log: list[str] = []
            url = ""
            for entry in server.stderr:
                log.append(entry)
                if found := re.search(r"http://127\.0\.0\.1:\d+", entry):
                    url = found[0]
                    break
            threading.Thread(target=log.extend, args=(server.stderr,), daemon=True).start()
            try:
                assert url, "".join(log)
                _await_answer(int(url.rpartition(":")[2]))
                yield url
            finally:
                server.terminate()
                with suppress(subprocess.TimeoutExpired):  # in good order if it can, and in any case
                    server.wait(30)
                with suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)


def _await_answer(port: int) -> None:
    """It tells its address before it listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def open_formgrader(page: Page, url: str) -> FrameLocator:
    page.goto(f"{url}/lab?reset&token={TOKEN}")
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_role("menuitem", name="Formgrader", exact=True).click()
    return page.frame_locator("iframe")
