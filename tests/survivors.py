"""Mutants of the engine that its tests let pass, each with the reason; ``python -m tests.mutation`` prints their names."""

SURVIVORS: dict[str, dict[str, str]] = {}
