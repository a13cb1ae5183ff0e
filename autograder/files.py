"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autograder.errors import AutograderError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps ``path`` from being written; raises AutograderError."""
    try:
        yield
    except OSError as error:
        raise AutograderError(
            f"{path} cannot be written: {error.strerror}. Put that right and run the command again."
        ) from None


def write_atomically(path: Path, content: str | bytes, mode: int) -> None:
    """Put a file in place whole or not at all; ``mode`` is what the umask leaves of it."""
    data = content if isinstance(content, bytes) else content.encode()
    part = path.with_name(f".{path.name}.part")  # always the same, so that what a killed run left goes away
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(data)
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def write_or_clear(path: Path, content: str | None, mode: int) -> None:
    """Put a file in place whole or not at all; where there is no content, no file is there."""
    if content:
        write_atomically(path, content, mode)
        return
    with writing(path):
        path.unlink(missing_ok=True)
