"""Mutants that no check can kill because they are right: each by its name, with the reason.

``python -m reference.mutants`` prints the names of those that survive. A name that no mutant has, and one that a check
kills, are errors there.
"""

EQUIVALENT: dict[str, dict[str, str]] = {"batchnorm": {}, "layernorm": {}, "network": {}}
