"""Models and their training: ``kerasnb.models``."""

from kerasnb.models.cloning import clone_model, model_from_json
from kerasnb.models.files import load_model, save_model
from kerasnb.models.functional import Functional
from kerasnb.models.model import Model
from kerasnb.models.sequential import Sequential

__all__ = [
    "Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json",
    "save_model",
]  # fmt: skip
