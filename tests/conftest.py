"""Hypothesis measures no time: on a machine with other work, a first call may take any."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
