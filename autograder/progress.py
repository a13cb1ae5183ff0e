"""One line that tells how far a batch is; plain lines where there is no terminal."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from autograder.pool import LEARNING

EVERY = 10.0  # seconds between plain lines
LONG = 5.0  # seconds after which a submission is named


class Progress:
    """Context manager over ``total`` submissions; goes on telling while a submission takes long.

    ``busy`` tells whose submission is at work longest, and since how many seconds.
    """

    def __init__(self, total: int, busy: Callable[[], tuple[str, float]]) -> None:
        self.total = total
        self.busy = busy
        self.done = self.failed = 0
        self.start = time.monotonic()
        self._learning = math.inf  # since when
        # tqdm's own estimate goes by the rate alone, which one slow submission makes untrue.
        form = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}, {rate_fmt}{postfix}]"
        options = {"unit": "submission", "dynamic_ncols": True, "bar_format": form}
        self.bar = tqdm(total=total, **options) if sys.stderr.isatty() else None
        self._through = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Progress:
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._through.set()
        self._teller.join()
        if self.bar is not None:
            self.bar.close()

    def show(self, done: int, failed: int) -> None:
        """So many are done, and so many of them failed."""
        self.done, self.failed = done, failed
        if self.bar is not None:
            self.bar.update(done - self.bar.n)

    def _tell(self) -> None:
        while not self._through.wait(1.0 if self.bar is not None else EVERY):
            if self.bar is not None:
                self.bar.set_postfix_str(", ".join(self._notes()))
                continue
            rate = self.done / (time.monotonic() - self.start)
            told = [f"{rate:.1f} a second"] if rate >= 0.05 else []
            line = [f"{self.done} of {self.total}", *told, *self._notes()]
            print(", ".join(line), file=sys.stderr, flush=True)

    def _notes(self) -> list[str]:
        """The time left by the rate so far, unless a submission at work has taken longer: then nobody knows it."""
        what, seconds = self.busy()
        if what == LEARNING:  # how long the rest takes is not known yet
            self._learning = min(self._learning, time.monotonic() - seconds)  # of several processes the first
            return [f"{what}, for {time.monotonic() - self._learning:.0f} s"]
        left = (self.total - self.done) * (time.monotonic() - self.start) / self.done if self.done else 0.0
        notes = [f"{left:.0f} s left"] if left > seconds else []
        notes += [f"{self.failed} failed"] if self.failed else []
        return notes + ([f"{what} at work for {seconds:.0f} s"] if what and seconds > LONG else [])
