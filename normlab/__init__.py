"""What readers and students of *Normalization from Scratch* import; it holds no answer of an assignment.

``graph`` differentiates numpy code on a visible computation graph, ``gradcheck`` compares gradients, ``layers``
are the layers that the assignments give, ``solver`` trains a network, ``data`` holds the digits, ``plots`` draws,
``explorer`` steps through a graph in the browser, and ``python -m normlab check`` runs a notebook's checks.
"""

__version__ = "0.1.0"
