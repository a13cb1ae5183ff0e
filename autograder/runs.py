"""What the known answers showed in a notebook's tests: kept in memory, and in a folder that several graders share.

The folder is the instructor's; no sandbox lets student code see it. A file that is damaged is made anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.recording import Event
from autograder.results import Judged

FAILED = ("failed", "partial")


@dataclass(frozen=True)
class Run:
    """One notebook's tests, by grade id: which failed, and what the student's code gave back in each."""

    failed: Collection[str]
    events: Mapping[str, Sequence[Event]]

    @classmethod
    def of(cls, judged: Judged) -> Run:
        """Which tests failed, and what was recorded in them."""
        return cls([name for name, check in judged.checks.items() if check.status in FAILED], judged.events)


class Runs:
    """Runs by key. A key is a text that differs where the run could."""

    def __init__(self, folder: Path | None) -> None:
        """Without a folder, runs are kept in memory alone."""
        self._folder = folder
        self._known: dict[str, Run] = {}

    def get(self, key: str) -> Run:
        """What is known; a Run without tests where nothing is."""
        if key not in self._known:
            self._known[key] = self._read(key) or Run((), {})
        return self._known[key]

    def add(self, key: str, run: Run, tests: Collection[str], share: bool = True) -> None:
        """Keep what these tests showed, beside what is known; for this grader alone unless it is to be shared."""
        known = self.get(key)
        events = {test: list(run.events.get(test, ())) for test in tests}
        failed = sorted({*known.failed, *(set(run.failed) & events.keys())})
        self._known[key] = Run(failed, {**known.events, **events})
        if share:
            self._write(key, self._known[key])

    @contextmanager
    def claimed(self, key: str, wait: bool) -> Iterator[bool]:
        """Whether this grader may make the run; False where another one is at it, unless told to wait for that.

        What the other one found is read in the meantime. One claim at a time: a claim ends with the process, and with
        any other that the process gives back.
        """
        try:
            if self._folder is None:
                raise OSError
            self._folder.mkdir(parents=True, exist_ok=True)
            claims = open(self._folder / "claims", "a")  # noqa: SIM115 - closed below
        except OSError:  # a full or read-only disk: each grader runs for itself
            yield True
            return
        with claims:
            try:
                byte = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
                fcntl.lockf(claims, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 1, byte)
            except BlockingIOError:
                yield False
                return
            except OSError:  # a file system without locks
                pass
            found = self._read(key)
            if found and len(found.events) > len(self.get(key).events):
                self._known[key] = found
            yield True

    def _path(self, folder: Path, key: str) -> Path:
        return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def _read(self, key: str) -> Run | None:
        if self._folder is None:
            return None
        with suppress(OSError):
            digest, _, text = self._path(self._folder, key).read_bytes().partition(b"\n")
            if digest == _digest(text):
                return Run(**json.loads(text))
        return None

    def _write(self, key: str, run: Run) -> None:
        if self._folder is None:
            return
        with suppress(OSError):  # a full or read-only disk costs time, not the diagnosis
            self._folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(asdict(run)).encode()
            with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
                file.write(_digest(text) + b"\n" + text)
            os.replace(file.name, self._path(self._folder, key))


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
