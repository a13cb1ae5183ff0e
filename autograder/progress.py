"""One line that tells how far a batch is; plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

EVERY = 10.0  # seconds between plain lines
LONG = 5.0  # seconds after which a submission is named


class Progress:
    """Context manager over ``total`` submissions."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.start = self.last = time.monotonic()
        self.bar = tqdm(total=total, unit="submission", dynamic_ncols=True) if sys.stderr.isatty() else None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: int, failed: int, student: str, seconds: float) -> None:
        """``student``: whose submission is at work longest, and for how long."""
        notes = [f"{failed} failed"] if failed else []
        notes += [f"{student} takes {seconds:.0f} s"] if student and seconds > LONG else []
        if self.bar is not None:
            self.bar.set_postfix_str(", ".join(notes))
            self.bar.update(done - self.bar.n)
            return
        now = time.monotonic()
        if now - self.last < EVERY:
            return
        self.last = now
        rate = done / (now - self.start)
        left = f"{(self.total - done) / rate:.0f} s left" if rate else "time left unknown"
        print(", ".join([f"{done} of {self.total}", f"{rate:.1f} a second", left, *notes]), file=sys.stderr, flush=True)
