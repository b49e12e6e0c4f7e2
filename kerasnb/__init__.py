"""kerasnb: a Keras you can see, steer and take apart, on NumPy and CuPy."""

import sys

from kerasnb import (
    absence,
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    notebook,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    screen,
    tree,
    utils,
)
from kerasnb.autodiff import GradientTape, grad, value_and_grad
from kerasnb.config.policy import DTypePolicy
from kerasnb.initializers import Initializer
from kerasnb.layers.base import Layer
from kerasnb.layers.input import Input
from kerasnb.losses.base import Loss
from kerasnb.metrics.base import Metric
from kerasnb.models.functional import Functional
from kerasnb.models.model import Model
from kerasnb.models.sequential import Sequential
from kerasnb.optimizers.base import Optimizer
from kerasnb.regularizers import Regularizer
from kerasnb.tensor import Tensor
from kerasnb.variable import Variable
from kerasnb.version import __version__

__all__ = [
    "DTypePolicy",
    "Functional",
    "GradientTape",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "notebook",
    "ops",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "value_and_grad",
]

absence.watch(sys.modules[__name__])  # a name that is not there gives an error that helps


def load_ipython_extension(shell) -> None:
    """Add the magics: ``%load_ext kerasnb``."""
    screen.view("magics").load(shell)


def unload_ipython_extension(shell) -> None:
    """Take the magics away: ``%unload_ext kerasnb``."""
    screen.view("magics").unload(shell)
