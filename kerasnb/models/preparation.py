"""What `fit` and its kin do before anything changes: everything that can go wrong.

Imports data, training, callbacks and what lies below.
"""

from __future__ import annotations

import threading
import warnings
from typing import Any

from kerasnb import config, tree
from kerasnb.callbacks import CallbackList
from kerasnb.errors import GraphError
from kerasnb.graph import inner_level
from kerasnb.models import data as data_module
from kerasnb.models.arrays import FIT, VALIDATION
from kerasnb.models.fronts import FrontData, computed, has_host_layers
from kerasnb.models.training import busy
from kerasnb.optimizers.loss_scale import LossScaleOptimizer
from kerasnb.spec import TensorSpec
from kerasnb.tensor import as_tensor, placeholder
from kerasnb.text import is_text
from kerasnb.utils.batches import unpack_x_y_sample_weight
from kerasnb.variable import StateScope

__all__ = ["Preparation", "batch_size_of", "batch_spec", "limited_epochs"]


class Preparation:
    """The checks of a `Trainer` and what it makes ready; mixed into it."""

    def _one_batch(
        self, x: Any, y: Any, sample_weight: Any, class_weight: dict | None, names: Any = FIT
    ) -> Any:
        return self._make_data(
            x, y, sample_weight, steps=1, class_weight=class_weight, names=names, limited=False
        )

    def _make_data(
        self, x: Any, *targets: Any, names: Any = FIT, limited: bool = True, **options: Any
    ) -> Any:
        """The batches of what a user gave, as the steps of this model take them.

        What the model computes on the host (text, hashes) is done batch by batch before a step.
        With `limited`, there are no more steps than `config.max_steps_per_epoch` allows.
        """
        if limited:
            options["steps"] = _limited_steps(options.get("steps"))
        on_host = self._computes_on_host()
        data = data_module.make_data(
            x, *targets, names=names._replace(takes_text=on_host), **options
        )
        if not on_host or isinstance(data, FrontData):
            return data
        if self._split is None:
            self._build_on(data.first())  # from now on, a `Sequential` knows what its input is
        if self._split is None:
            return data
        again = names.work in ("training", "validation")
        return computed(data, self._compute_front, self._split, again)

    def _scaling(self, optimizer: Any, wanted: bool) -> Any:
        """`optimizer`, scaling the loss if the model computes in float16."""
        ready = isinstance(optimizer, LossScaleOptimizer)
        if not wanted or ready or self.dtype_policy.name != "mixed_float16":
            return optimizer
        return LossScaleOptimizer(optimizer, name="loss_scale_optimizer")

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise GraphError(
                f"Model {self.name!r} is not compiled: call compile(optimizer, loss) before "
                f"{method}()."
            )

    def _require_idle(self, method: str, anybody: bool = False) -> None:
        """Refuse while another thread (or with `anybody`, this one) trains the model: both would
        change the same metrics and weights."""
        training = self.current_training
        if training is not None and (
            anybody or not training.belongs_to(threading.current_thread())
        ):
            raise GraphError(busy(self, method))

    def _callback_list(
        self, callbacks: Any, verbose: Any, epochs: int, steps: int | None, history: bool = False
    ) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
            add_history=history,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )

    def _computes_on_host(self) -> bool:
        """Whether a layer within it computes outside steps; found out once for a built model."""
        if self._on_host is not None:
            return self._on_host
        found = has_host_layers(self)
        self._on_host = found if self.built else None
        return found

    def _validation_data(self, given: Any, batch_size: int | None, steps: int | None) -> Any:
        if given is None:
            return None
        x, y, sample_weight = (
            unpack_x_y_sample_weight(given)
            if isinstance(given, (tuple, list))
            else (given, None, None)
        )
        return self._make_data(
            x, y, sample_weight, batch_size=batch_size, steps=steps,
            names=VALIDATION,
        )  # fmt: skip

    def _rehearse(self, batch: Any, training: bool) -> None:
        """Trace losses and metrics once, so that what does not fit is found before any work."""
        with inner_level(), StateScope().active():
            x, y, sample_weight = tree.map_structure(_stand_in, batch)
            y_pred = self(x, training=training)
            self.compute_loss(x, y, y_pred, sample_weight, training)
            self.compute_metrics(x, y, y_pred, sample_weight)
        self._clear_losses()

    def _build_on(self, batch: Any) -> Any:
        """The specs of the outputs for a batch; makes weights that are not there yet."""
        specs = tree.map_structure(batch_spec, batch[0])
        return self._specs_for(specs)

    def _check_values(self, data: Any, y_pred: Any) -> None:
        """Check indices and labels: now, or batch by batch where they are not known in advance."""
        losses = self._objective.losses if self._objective is not None else None

        def check(batch: Any) -> None:
            self._check_indices(batch[0])
            if losses is not None and batch[1] is not None:
                losses.check_labels(batch[1], y_pred)

        known = data.known()
        check(known or data.first())
        if known is None:
            data.check = check

    def _check_indices(self, x: Any) -> None:
        """Look through inputs that go straight into an embedding; a model knows its graph."""


def _stand_in(array: Any) -> Any:
    return None if array is None else placeholder(batch_spec(array))


def batch_spec(array: Any) -> TensorSpec:
    """The shape and dtype of an array of a batch."""
    if is_text(array):
        return TensorSpec(array.shape, "string")
    return as_tensor(array).spec


def batch_size_of(value: Any) -> int:
    """The number of samples in a batch: the first dimension of its first array."""
    return tree.flatten(value)[0].shape[0]


def limited_epochs(epochs: int) -> int:
    """`epochs`, or `config.max_epochs` if that is less."""
    return _limited("epochs", epochs, config.max_epochs())


def _limited_steps(steps: int | None) -> int | None:
    """`steps`, or `config.max_steps_per_epoch` if that is less."""
    return _limited("steps_per_epoch", steps, config.max_steps_per_epoch())


def _limited(name: str, wanted: int | None, most: int | None) -> int | None:
    if most is None or (wanted and wanted <= most):
        return wanted
    warnings.warn(f"Limiting {name} to {most}", stacklevel=4)
    return most
