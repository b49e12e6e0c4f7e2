"""Mixed precision under the names of older Keras: ``kerasnb.mixed_precision``.

This page only gathers them. With the policy ``"mixed_float16"`` layers compute in float16 and keep
their weights in float32; `compile` then wraps the optimizer in a `LossScaleOptimizer`.
"""

from kerasnb.config.policy import DTypePolicy, dtype_policy, set_dtype_policy
from kerasnb.optimizers.loss_scale import LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
