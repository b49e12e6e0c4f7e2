"""`Model`: a layer that can be trained, saved and summarised. Imports trainer and compiling."""

from __future__ import annotations

import json
from typing import Any

from kerasnb import backends, registry, tree
from kerasnb.errors import ArgumentError
from kerasnb.files import weights as weight_files
from kerasnb.layers.base import Layer
from kerasnb.layers.symbolic import is_symbolic
from kerasnb.models.compiling import arguments_of, config_of
from kerasnb.models.summary import summary_text
from kerasnb.models.trainer import Trainer
from kerasnb.spec import TensorSpec
from kerasnb.variable import Variable

__all__ = ["Model"]


class Model(Trainer, Layer):
    """A layer that can be compiled, fitted, evaluated, used and saved.

    Either a function of symbolic tensors, ``Model(inputs, outputs)``, or a subclass that makes
    layers in `__init__` and uses them in `call`.

    Example:
        >>> import kerasnb
        >>> inputs = kerasnb.Input((4,))
        >>> model = kerasnb.Model(inputs, kerasnb.layers.Dense(2)(inputs))
        >>> model.count_params()
        10
    """

    # `Functional`, which is a subclass, puts itself here; and `files.save_model`
    _of_graph: Any = None
    _write: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Model:
        if cls is Model and _are_ends(args, kwargs):
            return Model._of_graph(*args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any):
        if _are_ends(args, kwargs) and not isinstance(self, Model._of_graph):
            # a subclass, say with a train_step of its own, that is made of a graph of layers
            own = type(self)
            bases = (own, Model._of_graph)
            self.__class__ = type(own.__name__, bases, {"__module__": own.__module__})
            Model._of_graph.__init__(self, *args, **kwargs)
            return
        Layer.__init__(self, *args, **kwargs)
        self._init_trainer()
        backends.models.add(self)

    def __getstate__(self) -> dict:
        # programs are made again where they are needed, and a copy is not being trained
        return {**self.__dict__, "_steps": {}, "_again": None, "current_training": None}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        backends.models.add(self)

    def _state_variables(self) -> list[Variable]:
        """Every variable that training changes: weights, seeds, optimizer and metrics."""
        kept = [] if self.optimizer is None else self.optimizer.variables
        return [*self.variables, *kept, *(v for m in self.metrics for v in m.variables)]

    @property
    def layers(self) -> list[Layer]:
        """The layers directly within the model."""
        return self._sublayers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that place in `layers`.

        Raises:
            ArgumentError: there is none, or neither is given.
        """
        if (name is None) == (index is None):
            raise ArgumentError("get_layer: give either name or index.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ArgumentError(
                    f"get_layer: index={index}, but model {self.name!r} has {len(self.layers)} "
                    "layers."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ArgumentError(
            f"get_layer: model {self.name!r} has no layer named {name!r}. It has "
            f"{', '.join(layer.name for layer in self.layers)}."
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers with their output shapes and parameters.

        Args:
            line_length: the width in characters; what Keras has, or less in a narrow terminal, if
                not given.
            positions: where each column ends, as parts of the width.
            print_fn: gets the text instead of `print`.
            expand_nested: show the layers of models within the model.
            show_trainable: add a column that tells whether a layer learns.
            layer_range: names, or regular expressions, of the first and last layer to show.

        Raises:
            ArgumentError: the width does not do for the columns, `positions` has not one number a
                column, or no layer is called as `layer_range` says.
        """
        text = summary_text(
            self, line_length, positions, expand_nested, show_trainable, layer_range
        )
        (print_fn or print)(text)

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None) -> None:
        """Write all of the model to a ``.keras`` file, which `kerasnb.models.load_model` reads.

        Args:
            filepath: where; the name ends in ``.keras``.
            overwrite: whether a file may be replaced.
            zipped: must not be False: Keras then makes a folder.

        Raises:
            ArgumentError: the name ends otherwise, the file exists and `overwrite` is false, or
                something in the model has no configuration.
            OSError: the disk is full, or the folder cannot be written to; the old file stays.
        """
        self._write(self, filepath, overwrite, zipped)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights to a ``.weights.h5`` file, as Keras 3 does, or to ``.safetensors``.

        A file that is there stays whole until the new one is.

        Raises:
            ArgumentError: the name ends otherwise, the file exists and `overwrite` is false, or
                the model has no weights yet.
            OSError: the disk is full, or the folder cannot be written to.
        """
        weight_files.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Read the weights from a file; either all change or none.

        Args:
            filepath: a file that ends in ``.weights.h5``, ``.safetensors`` or ``.keras``, or an
                ``.h5`` or ``.hdf5`` file of Keras 2.
            skip_mismatch: leave variables alone that the file lacks or holds in another shape.
            by_name: for a file of Keras 2: only those layers whose names are in it.

        Raises:
            LoadError: the file is damaged, or does not fit the model.
        """
        weight_files.load_weights(self, filepath, skip_mismatch, by_name)

    def to_json(self, **kwargs: Any) -> str:
        """The model's configuration as JSON; `kwargs` go to `json.dumps`."""
        return json.dumps(registry.serialize_object(self), **kwargs)

    def get_compile_config(self) -> dict:
        """What `compile` was given, as data that JSON can hold; empty before it was called."""
        return config_of(self._compile_arguments) if self.compiled else {}

    def compile_from_config(self, config: dict) -> None:
        """Compile as `get_compile_config` tells.

        Raises:
            LoadError: the configuration is not laid out as it should be.
        """
        self.compile(**arguments_of(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def _output_names(self, y_pred: Any) -> list[str]:
        names = getattr(self, "output_names", None)
        count = len(tree.flatten(y_pred))
        if names is not None and len(names) == count:
            return names
        if isinstance(y_pred, dict):
            return sorted(y_pred)
        return [f"output_{i + 1}" for i in range(count)]

    def _specs_for(self, specs: Any) -> Any:
        """The output specs for a batch of these specs; makes weights that are not there yet."""
        if not self.built and type(self).build is not Layer.build:
            shapes = tree.map_structure(lambda s: s.shape, specs)
            self.build(shapes if tree.is_nested(specs) else specs.shape)
        result = self.compute_output_spec(
            tree.map_structure(lambda s: TensorSpec(s.shape, s.dtype), specs)
        )
        self._clear_losses()
        self.built = True
        return result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs = super().__call__(*args, **kwargs)
        if not self.built and not any(map(is_symbolic, tree.flatten((args, kwargs)))):
            self.built = True
        return outputs


def _are_ends(args: tuple, kwargs: dict) -> bool:
    """Whether a model is being made of symbolic inputs and outputs."""
    return len(args) >= 2 or "inputs" in kwargs or "outputs" in kwargs
