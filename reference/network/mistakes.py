"""Known mistakes of the network notebook: those seen in public answers, and what follows from the formulas."""

from reference.network.mistakes_of_dropout import DROPOUT
from reference.network.mistakes_of_layers import LAYERS
from reference.network.mistakes_of_loss import LOSS
from reference.network.mistakes_of_network import NETWORK
from reference.network.mistakes_of_parameters import PARAMETERS

__all__ = ["MISTAKES"]

MISTAKES = (*LAYERS, *PARAMETERS, *NETWORK, *DROPOUT, *LOSS)
