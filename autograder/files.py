"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autograder.errors import AutograderError


def write_atomically(path: Path, content: str | bytes, mode: int) -> None:
    """Put a file in place whole or not at all."""
    data = content if isinstance(content, bytes) else content.encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
            os.replace(part, path)
        except BaseException:
            os.unlink(part)
            raise
    except OSError as error:
        raise AutograderError(
            f"{path} cannot be written: {error.strerror}. Run the command again afterwards."
        ) from None
