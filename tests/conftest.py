"""Fixtures that more than one module uses. Hypothesis measures no time: on a busy machine a first call may take any."""

import os

from hypothesis import settings

import autograder.worker
from tests.conversation import talk
from tests.played_process import played
from tests.three_tasks import worker

__all__ = ["played", "talk", "worker"]

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Under `make coverage`: the judge is killed once its result is there, and saves first what it ran through.
SAVE_FIRST = """
import coverage, sys
sys.path.append(sys.argv[2])
from autograder import judge, warm
run = judge.Judge.run
def run_and_save(self, *arguments):
    try:
        return run(self, *arguments)
    finally:
        coverage.Coverage.current().save()
judge.Judge.run = run_and_save
warm.main(int(sys.argv[1]))
"""
if "COVERAGE_PROCESS_CONFIG" in os.environ:
    autograder.worker._BOOT = SAVE_FIRST
    autograder.worker._KEPT_VARIABLES += ("COVERAGE_PROCESS_CONFIG",)
