"""The short form of the fuzzer: the same examples in every run. The long form is ``python -m tests.fuzz``."""

from __future__ import annotations

import pytest

from tests import fuzz


@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_hostile_bytes_are_read_or_refused_and_do_nothing_else(name: str) -> None:
    fuzz.run(name, examples=120)


def test_an_example_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.1)

    def spin() -> None:
        with fuzz.bounded():
            while True:
                pass

    with pytest.raises(fuzz.Hang):
        spin()
