"""What the chapter for instructors shows is what scripts/term.py wrote."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
CHAPTER = (ROOT / "chapters" / "instructors.md").read_text(encoding="utf-8")


def test_every_output_that_is_made_is_shown() -> None:
    shown = set(re.findall(r"\{literalinclude\} _term/([\w-]+\.txt)", CHAPTER))
    assert shown == {path.name for path in (ROOT / "chapters" / "_term").iterdir()}
    assert len(shown) >= 10
