"""One process of the student's after the other: time, deaths and replay, with processes that are played here."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from autograder.exceptions import CellTimeout, StudentDied
from autograder.forkserver import Ended
from autograder.life import Life
from autograder.limits import Limits
from autograder.session import ENDED


class Session:
    """Plays the conversation with one process."""

    def __init__(self, connection: str, limits: Limits, emit: Callable[[Any], None], *options: Any) -> None:
        self.made_of = connection, limits, options
        self.emit = emit
        self.dead: str | None = None
        self.settled = 0

    def settle(self) -> None:
        self.settled += 1

    def die(self, reason: str) -> None:
        self.dead = self.dead or reason


class Server:
    """Starts played processes; each has used 3 s, and one that another had to make room for 0.5 s."""

    def __init__(self) -> None:
        self.journals: list[int] = []
        self.killed = 0
        self.status = 0
        self.alive = False
        self.patience: list[bool] = []

    def spawn(self, journal: int) -> tuple[str, Ended]:
        os.fstat(journal)
        self.journals.append(journal)
        return f"connection {len(self.journals)}", Ended(0.5, 0)

    def kill(self, patiently: bool = False) -> Ended:
        self.killed += 1
        self.patience.append(patiently)
        return Ended(3.0, self.status, self.alive)


class Lived:
    def __init__(self, **limits: Any) -> None:
        self.shown: list[Any] = []
        self.server = Server()
        self.limits = Limits(**limits)
        self.life = Life(self.server, self.limits, self.shown.append, None, True)  # type: ignore[arg-type]

    def dies(self, reason: str = "it died") -> str | None:
        def die(session: Any) -> None:
            session.die(reason)
            raise StudentDied(reason)

        return self.life.guarded(die)


@pytest.fixture(autouse=True)
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    handler = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr("autograder.life.Session", Session)
    monkeypatch.setattr("autograder.life.journal.read", lambda journal, limits: [f"kept in {journal}"])
    yield
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    signal.signal(signal.SIGALRM, handler)


def closed(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return True
    return False


def test_actions_have_one_process_until_its_end() -> None:
    lived = Lived()
    sessions: list[Any] = []
    assert [lived.life.guarded(sessions.append) for _ in range(2)] == [None, None]
    assert sessions[0] is sessions[1]
    assert sessions[0].made_of == ("connection 1", lived.limits, (None, True))
    assert (sessions[0].settled, lived.server.killed) == (2, 0)
    sessions[0].emit("shown")
    assert lived.shown == ["shown"]
    (journal,) = lived.server.journals
    assert not closed(journal)
    assert lived.life.end() == Ended(3.0, 0)
    assert closed(journal)
    assert lived.life.end() == Ended()
    assert (lived.server.killed, lived.life.cpu_seconds, lived.life.deaths) == (1, 3.5, [])


def test_after_a_death_another_process_does_the_steps_again_and_shows_nothing_of_them() -> None:
    lived = Lived()
    done: list[Any] = []

    def step(session: Any) -> None:
        done.append(session.made_of[0])
        session.emit("once")
        np.random.rand(), random.random()

    np.random.seed(1), random.seed(1)
    lived.life.guarded(step)
    lived.life.steps += [step, step]
    states = str(np.random.get_state()), random.getstate()
    assert lived.dies() == "it died"
    assert lived.shown == ["once", [f"kept in {lived.server.journals[0]}"]]
    assert closed(lived.server.journals[0]) or lived.server.journals[0] in lived.server.journals[1:]

    def shows(session: Any) -> None:
        session.emit("on")

    assert lived.life.guarded(shows) is None
    assert done == ["connection 1", "connection 2", "connection 2"]
    assert lived.shown[2:] == ["on"]
    assert (str(np.random.get_state()), random.getstate()) == states
    assert (lived.life.deaths, lived.life.cpu_seconds) == (["it died"], 4.0)


def test_a_step_that_ends_the_process_this_time_is_left_out_of_the_next() -> None:
    lived = Lived()
    done: list[str] = []

    def ends(session: Any) -> None:
        done.append("ends")
        session.die("it ends now")
        raise StudentDied("it ends now")

    lived.life.steps += [lambda _: done.append("one"), ends, lambda _: done.append("two")]
    assert lived.life.guarded(lambda _: done.append("action")) is None
    assert done == ["one", "ends", "one", "two", "action"]
    assert lived.life.deaths == ["it ends now"]
    assert lived.shown == []


def test_a_process_that_ends_too_often_is_not_started_again() -> None:
    lived = Lived(restarts=2)
    assert [lived.dies(reason) for reason in ("first", "second", "third")] == ["first", "second", "third"]
    reason = "the student's process ended too often; the last time: third"
    assert lived.life.guarded(lambda _: None) == reason
    assert len(lived.server.journals) == 3


def test_what_an_action_raises_is_raised_and_the_process_goes_on_unless_it_died() -> None:
    lived = Lived()

    def fails(session: Any) -> None:
        raise KeyError

    def fails_and_dies(session: Any) -> None:
        session.die("in the middle of a word")
        raise KeyError

    with pytest.raises(KeyError):
        lived.life.guarded(fails)
    assert (lived.server.killed, lived.life.deaths) == (0, [])
    with pytest.raises(KeyError):
        lived.life.guarded(fails_and_dies)
    assert (lived.server.killed, lived.life.deaths) == (1, ["in the middle of a word"])
    assert lived.life.session is None


def test_an_object_of_an_older_process_ends_the_action_and_not_the_process() -> None:
    def uses_older(session: Any) -> None:
        raise StudentDied("that one ended")

    lived = Lived()
    assert lived.life.guarded(uses_older) == "that one ended"
    assert (lived.server.killed, lived.life.deaths) == (0, [])


def test_a_process_that_died_of_what_an_action_did_quietly_is_replaced() -> None:
    lived = Lived()
    assert lived.life.guarded(lambda session: session.die("quietly")) == "quietly"
    assert lived.life.deaths == ["quietly"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (0, f"{ENDED} itself (exit code 0)"),
        (256, f"{ENDED} itself (exit code 1)"),
        (signal.SIGHUP, f"{ENDED} by a crash (SIGHUP)"),
        (signal.SIGABRT, f"{ENDED} by a crash (SIGABRT)"),
        (signal.SIGSEGV, f"{ENDED} by a crash (SIGSEGV)"),
        (signal.SIGXCPU, f"{ENDED} by a crash (SIGXCPU)"),
        (40, f"{ENDED} by a crash (signal 40)"),
    ],
)
def test_how_a_process_ended_is_told(status: int, told: str) -> None:
    lived = Lived()
    lived.server.status = status
    assert lived.dies(ENDED) == told
    assert (lived.life.deaths, lived.life.outside) == ([told], "")


def test_a_process_that_was_killed_used_up_its_time_or_was_killed_from_outside() -> None:
    used_up = "more than {} s of processor time"
    for seconds, told in ((2, used_up), (3, used_up), (4, "killed from outside"), (5, "killed from outside")):
        lived = Lived(cpu_seconds=seconds)
        lived.server.status = signal.SIGKILL
        reason = lived.dies(ENDED)
        assert told.format(seconds) in str(reason)
        assert lived.life.outside == (reason if "outside" in told else "")


def test_a_process_that_closed_its_connection_has_time_to_end_and_is_told_from_one_that_was_killed() -> None:
    lived = Lived()
    lived.server.status, lived.server.alive = signal.SIGKILL, True
    assert lived.dies(ENDED) == "the student's code closed the connection through which it is called"
    for another in "too long", "a cell ran too long":  # behind it in the alphabet, and before it
        assert lived.dies(another) == another
    assert lived.server.patience == [True, False, False]
    assert lived.life.outside == ""


def hang(session: Any) -> None:
    time.sleep(5)


def test_a_cell_has_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.life.REPEAT", 60)
    lived = Lived(cell_seconds=0.05)
    hung: list[Any] = []

    def hang_there(session: Any) -> None:
        hung.append(session)
        hang(session)

    assert lived.life.guarded(hang_there) == "the cell ran longer than 0.05 s"
    assert hung[0].dead == lived.life.deaths[0] == "the cell ran longer than 0.05 s"
    assert lived.life.guarded(hang, 0.5) == (
        "the cell ran longer than 0.025 s (50% of the usual, since what it uses ran out of time before)"
    )
    assert lived.life.guarded(lambda _: None) is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands."""
    monkeypatch.setattr("autograder.life.time.monotonic", lambda: 1.0)


@pytest.mark.parametrize(
    ("left", "limit", "told"),
    [
        (0.6, 9, "the cell ran longer than 0.3 s, half of the time that the notebook had left"),
        (0.25, 0.125, "the cell ran longer than 0.125 s"),
    ],
)
def test_a_cell_takes_no_more_than_half_of_the_time_that_is_left(
    left: float, limit: float, told: str, clock: None
) -> None:
    lived = Lived(cell_seconds=limit, total_seconds=left)
    assert lived.life.guarded(hang) == told


def test_in_the_last_hundredth_of_its_time_nothing_of_a_notebook_runs(clock: None) -> None:
    ran: list[Any] = []
    lived = Lived(total_seconds=150)
    for left, reason in ((1.5, None), (1.49, "the notebook ran longer than 150 s"), (1.5, None)):
        lived.life._deadline = 1.0 + left
        assert lived.life.guarded(ran.append) == reason
    assert len(ran) == 2
    assert lived.life.deaths == []


@pytest.mark.parametrize("deadline", [0.5, 1.0])
def test_a_replay_that_uses_up_the_time_of_the_notebook_is_the_end(deadline: float, clock: None) -> None:
    lived = Lived()
    for reason in ("earlier", "later"):
        lived.dies(reason)

    def uses_up(session: Any) -> None:
        lived.life._deadline = deadline
        raise StudentDied(session.die("it died") or "it died")

    lived.life.steps += [uses_up, uses_up]
    assert lived.life.guarded(lambda _: None) == "it died"
    assert (lived.server.killed, len(lived.server.journals)) == (3, 3)


def test_a_timeout_that_was_swallowed_is_raised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.life.REPEAT", 0.05)

    def swallows(session: Any) -> None:
        try:
            hang(session)
        except CellTimeout:
            hang(session)

    assert Lived(cell_seconds=0.05).life.guarded(swallows) == "the cell ran longer than 0.05 s"


def test_a_test_that_sets_an_alarm_of_its_own_takes_no_clock_from_those_after_it() -> None:
    def sets_its_own(session: Any) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.alarm(2)
        signal.alarm(0)

    lived = Lived(cell_seconds=0.05)
    assert lived.life.guarded(sets_its_own) is None
    assert lived.life.guarded(hang) == "the cell ran longer than 0.05 s"


def test_an_alarm_that_comes_early_or_late_raises_nothing() -> None:
    lived = Lived()
    signal.raise_signal(signal.SIGALRM)
    lived.life.guarded(lambda _: None)
    signal.raise_signal(signal.SIGALRM)
