"""What the chapter for instructors shows is what scripts/term.py wrote, and what the commands print today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = "".join((ROOT / "chapters" / f"{name}.md").read_text("utf-8") for name in ("instructors", "how-graded"))


def test_every_output_that_is_made_is_shown() -> None:
    shown = set(re.findall(r"\{literalinclude\} _term/([\w-]+\.txt)", PAGES))
    assert shown == {path.name for path in (ROOT / "chapters" / "_term").iterdir()}
    assert len(shown) >= 25


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_commands_print_what_the_book_shows() -> None:
    """Slow: a whole term is run; that buys pages on which no output is one that somebody typed or remembers."""
    command = [sys.executable, "scripts/term.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
