"""What every browser test needs: Chromium, a folder answered on loopback, and the names of the book's pages."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "_build" / "html"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120_000  # ms: what a loaded machine may take where a quiet one takes a second


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None: ...

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the browser went on to the next page
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """Takes as many connections at once as a browser opens, and does not wait for those that it leaves open."""

    request_queue_size = 128
    daemon_threads = True


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's address on loopback."""
    with Server(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=PATIENCE)
        yield browser
        browser.close()


def pages() -> list[str]:
    """The pages of the table of contents, and the two that Sphinx makes."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return [f"{page}.html" for page in (toc["root"], *chapters, "search", "genindex")]
