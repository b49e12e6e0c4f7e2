"""The training loop: `compile`, `fit`, `evaluate`, `predict` and their per-batch forms.

Imports objectives, data, callbacks, compile and what lies below.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasnb import optimizers, tree
from kerasnb.autodiff import GradientTape
from kerasnb.boundary import boundary
from kerasnb.callbacks import History
from kerasnb.compile import llvm
from kerasnb.compile.memory import warn_if_short
from kerasnb.compile.step import Step
from kerasnb.errors import ArgumentError
from kerasnb.metrics.base import Mean, Metric
from kerasnb.models import data as data_module
from kerasnb.models.again import Again
from kerasnb.models.arrays import EVALUATE, FIT
from kerasnb.models.epochs import Epoch, Pace, epoch_of
from kerasnb.models.fronts import Front
from kerasnb.models.inspection import Inspection
from kerasnb.models.loop import checked, flat_or_dict, is_due
from kerasnb.models.objectives import Objective, check_names
from kerasnb.models.prediction import Prediction
from kerasnb.models.preparation import batch_size_of, batch_spec, limited_epochs
from kerasnb.models.training import StopRequested, Training, absorbs_interrupt
from kerasnb.tensor import Tensor, as_tensor
from kerasnb.tracebacks import filtered
from kerasnb.utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasnb.variable import structure

__all__ = ["Trainer"]


class Trainer(Inspection, Prediction):
    """What a `Model` needs to be trained; mixed into it."""

    _split: Front | None = None  # a functional model's, if a part of it is computed on the host

    def _init_trainer(self) -> None:
        self.optimizer = None
        self.loss = None
        self.compiled = False
        self.stop_training = False
        self.history: History | None = None
        self.current_training: Training | None = None
        self.run_eagerly = False
        self.jit_compile: Any = "auto"
        self.steps_per_execution: int | str = "auto"
        self._loss_tracker = Mean(name="loss")
        self._objective: Objective | None = None
        self._forget_programs()

    @filtered
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int | str = "auto",
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how the model learns.

        Args:
            optimizer: its name or an object.
            loss: a name, function or object; for several outputs a list or dictionary of them.
            loss_weights: the weight of each output's loss.
            metrics: names, functions or objects; for several outputs a list of lists or a
                dictionary.
            weighted_metrics: the same, but sample weights apply to them.
            run_eagerly: run op by op on real values, to step through in a debugger.
            steps_per_execution: training steps between two calls of the batch callbacks.
                ``"auto"`` is 1 if a callback asks for every batch, and else as many as take 0.03 s;
                small steps then are one native call.
            jit_compile: ``"auto"`` and True run steps as native kernels where the backend is NumPy
                and llvmlite is installed; True warns if it is not. False calls the array module
                operation by operation.
            auto_scale_loss: with the policy ``"mixed_float16"``, wrap the optimizer in a
                `LossScaleOptimizer`, so that small gradients do not vanish.

        Raises:
            ArgumentError: an unknown name (the closest ones are listed).
        """
        self._require_init()
        self._require_idle("compile")
        self.optimizer = self._scaling(optimizers.get(optimizer), auto_scale_loss)
        self.loss = loss
        check_names(loss, metrics, weighted_metrics)
        self._compile_arguments = {
            "optimizer": self.optimizer, "loss": loss, "loss_weights": loss_weights,
            "metrics": metrics, "weighted_metrics": weighted_metrics, "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution, "jit_compile": jit_compile,
        }  # fmt: skip
        self._objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        if jit_compile is True and not llvm.available():
            warnings.warn(
                "compile: jit_compile=True needs llvmlite (pip install llvmlite); without it steps "
                "run through the array module, slower.",
                stacklevel=2,
            )
        self.run_eagerly, self.jit_compile = run_eagerly, jit_compile
        self.steps_per_execution = _checked_steps(steps_per_execution)
        self._loss_tracker = Mean(name="loss")
        self.compiled = True
        self.stop_training = False
        self._forget_programs()

    def _forget_programs(self) -> None:
        """Trace again at the next step: the model is no longer what was traced."""
        self._steps: dict[str, Step] = {}
        self._on_host: bool | None = None
        self._newest_kind = ""
        self._again: Again | None = None
        self._known_flags: tuple[object, list[bool]] = (None, [])
        self._rehearsed: set[tuple] = set()
        self._built_on: set[tuple] = set()

    # The parts of a step, to be overridden

    def train_step(self, data: Any) -> dict:
        """One step of training on one batch; override it for another way to learn.

        Args:
            data: ``(x, y, sample_weight)``, ``(x, y)`` or ``x`` as tensors, as the data has them.

        Returns:
            The logs: a dictionary of scalar tensors.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(
                x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        self._loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        variables = self.trainable_variables
        if not variables:
            warnings.warn(
                f"Model {self.name!r} has no trainable weights: training changes nothing.",
                stacklevel=2,
            )
        self.optimizer.apply_gradients(
            zip(tape.gradient(scaled, variables), variables, strict=True)
        )
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict:
        """One step of evaluation on one batch."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False
        )
        self._loss_tracker.update_state(loss, sample_weight=batch_size_of(x))
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The prediction for one batch."""
        return self(unpack_x_y_sample_weight(data)[0], training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The scalar to minimise: the compiled losses, and what `add_loss` and regularizers
        gave."""
        total = None
        if self._objective is not None and self._objective.losses is not None:
            if y is None:
                raise ArgumentError(
                    f"Model {self.name!r} was compiled with a loss, but no targets came: pass y."
                )
            total = self._objective.losses(y, y_pred, sample_weight, batch_size_of(y_pred))
        for extra in self.losses:
            total = extra if total is None else total + extra
        if total is None:
            raise ArgumentError(
                f"Model {self.name!r} has nothing to minimise: compile with a loss (and give y), "
                "or call "
                "add_loss in a layer."
            )
        return total

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """Update the compiled metrics with one batch, and give all results."""
        if self._objective is not None and self._objective.metrics is not None and y is not None:
            self._objective.metrics.update(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Tensor]:
        """The present value of every metric by name."""
        results: dict[str, Tensor] = {}
        compiled = set()
        if self._objective is not None and self._objective.metrics is not None:
            compiled = {id(m) for m in self._objective.metrics.flat}
        for metric in self.metrics:
            if id(metric) not in compiled:
                results[metric.name] = metric.result()
        if compiled:
            results.update(self._objective.metrics.results())
        return results

    def reset_metrics(self) -> None:
        """Begin to count anew."""
        for metric in self.metrics:
            metric.reset_state()

    @property
    def metrics(self) -> list[Metric]:
        """The loss, the compiled metrics, and those of the layers."""
        found = [self._loss_tracker] if self._loss_tracker else []
        if self._objective is not None:
            found += self._objective.all_metrics()
        for layer in self._flatten_layers():
            found += layer._children(Metric)
        return list({id(m): m for m in found}.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [m.name for m in self.metrics]

    # Loops

    @filtered
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        background: bool = False,
    ) -> History | Training:
        """Train the model.

        Args:
            x: inputs: an array, a list or dictionary of arrays, a generator or a `PyDataset`.
            y: targets in the same forms; left out if `x` gives batches.
            batch_size: samples a step; 32 if not given.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a progress bar, 2 a line an epoch; ``"auto"`` is a live view in a
                notebook, and elsewhere 1.
            callbacks: what to call at each stage.
            validation_split: the last fraction of the arrays, kept for validation.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, or batches.
            shuffle: draw a new order each epoch; ``"batch"`` only of the batches.
            class_weight: the weight of each class.
            sample_weight: the weight of each sample.
            initial_epoch: the number of epochs done before.
            steps_per_epoch: batches an epoch.
            validation_steps: batches a validation.
            validation_batch_size: samples a validation step; `batch_size` if not given.
            validation_freq: validate every so many epochs, or in the epochs of a list.
            background: train in a thread of its own, and give at once a `Training`, with which to
                stop, pause, resume and wait.

        Returns:
            The history: for each log one number an epoch.

        Raises:
            GraphError: the model is not compiled, or is being trained already.
            ShapeError: shapes do not fit; raised before any weight changes.
            ArgumentError: data is empty, lengths differ, or an argument has a wrong value.

        An interrupt leaves weights, optimizer and metrics as they were after the last whole step,
        notes itself in ``history.stopped_by``, and goes on as `KeyboardInterrupt`. In a notebook it
        means Stop: `fit` gives the history up to there. A second one within 5 s goes on.
        """
        self._require_compiled("fit")
        self._require_idle("fit", anybody=True)
        for name, value in (("epochs", epochs), ("initial_epoch", initial_epoch)):
            if not isinstance(value, (int, np.integer)):
                raise ArgumentError(f"fit: {name} must be a whole number, got {value!r}.")
        epochs = limited_epochs(epochs)
        if validation_split:
            (x, y, sample_weight), validation_data = data_module.split_validation(
                x, y, sample_weight, validation_split,
                FIT._replace(takes_text=self._computes_on_host()),
            )  # fmt: skip
        data = self._make_data(
            x, y, sample_weight, batch_size=batch_size, steps=steps_per_epoch,
            shuffle=shuffle, class_weight=class_weight, names=FIT,
        )  # fmt: skip
        validation = self._validation_data(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        self._prepare(data, training=True)
        if validation is not None:
            self._check_values(validation, self._build_on(validation.first()))
        callbacks = self._callback_list(callbacks, verbose, epochs, data.steps, history=True)
        training = Training(self, callbacks.history, background)

        def loop(training: Training) -> None:
            self._fit_epochs(
                training, data, validation, range(initial_epoch, epochs), callbacks,
                validation_freq,
            )  # fmt: skip

        training.begin(callbacks)
        return training.start(loop, callbacks) if background else training.run(loop)

    def _fit_epochs(
        self,
        training: Training,
        data: Any,
        validation: Any,
        epochs: range,
        callbacks: Any,
        frequency: Any,
    ) -> None:
        step, pace = self._step("train", self.train_step), Pace(self.steps_per_execution)
        history, position = training.history, training.position
        self.stop_training = False
        outcome = "failed"
        logs: dict = {}
        try:
            for epoch in training.epochs_left(epochs):
                if not data.ready():
                    break
                done = training.begin_epoch(epoch)
                if done:  # the metrics hold the steps before
                    position.logs = self.get_metrics_result()
                else:
                    self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                batches = epoch_of(data, training.rng, step)
                batches.skip(done)
                self._run_epoch(step, batches, pace, callbacks, training)
                logs = self._read_logs(position.logs)
                if validation is not None and is_due(epoch, frequency):
                    logs |= {
                        f"val_{k}": v
                        for k, v in self._validate(validation, callbacks, training).items()
                    }
                callbacks.on_epoch_end(epoch, logs)
                position.finish()
                if self.stop_training or data.ran_out:
                    break
            if self.stop_training and history.stopped_by is None:
                history.stop("callback")
            outcome = "stopped" if history.stopped_by else "done"
        except StopRequested:
            outcome = "stopped"
            history.stop("user", **position.report(self._read_logs))
        except KeyboardInterrupt:
            outcome = "stopped"
            history.stop("interrupt", **position.report(self._read_logs))
            if not absorbs_interrupt():
                raise
        finally:
            try:
                training.end(outcome)
            finally:
                callbacks.on_train_end(logs)

    def _run_epoch(
        self, step: Step, epoch: Epoch, pace: Pace, callbacks: Any, training: Training
    ) -> None:
        position, index = training.position, training.position.step
        while execution := epoch.execution(
            pace.steps(alone=callbacks.wants_every_batch or training.watched)
        ):
            callbacks.on_train_batch_begin(index)
            began, first = time.perf_counter(), index
            for steps, logs in execution(step, training.rest):
                index += steps
                position.advance(steps, self._require_logs(logs))
            pace.took(index - first, time.perf_counter() - began)
            callbacks.on_train_batch_end(index - 1, lambda: self._read_logs(position.logs))
            if self.stop_training:
                return
            training.rest()

    def _validate(self, validation: Any, callbacks: Any, training: Training) -> dict:
        callbacks.on_test_begin()
        return self._evaluate(validation, callbacks, training)

    @filtered
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """The loss and metrics on data.

        Args:
            x: inputs, as for `fit`.
            y: targets.
            batch_size: samples a step; 32 if not given.
            verbose: as for `fit`.
            sample_weight: the weight of each sample.
            steps: batches to use.
            callbacks: what to call at each stage.
            return_dict: give a dictionary by name instead of a list.

        Returns:
            The loss if there are no metrics, else a list of the loss and the metrics.
        """
        self._require_compiled("evaluate")
        self._require_idle("evaluate")
        data = self._make_data(
            x, y, sample_weight, batch_size=batch_size, steps=steps, names=EVALUATE
        )
        self._prepare(data, training=False)
        callbacks = self._callback_list(callbacks, verbose, 1, data.steps)
        callbacks.on_test_begin()
        with boundary.inside():
            return flat_or_dict(self._evaluate(data, callbacks), return_dict)

    def _evaluate(self, data: Any, callbacks: Any, training: Training | None = None) -> dict:
        step = self._step("test", self.test_step)
        self.reset_metrics()
        logs: dict = {}
        for index, batch in enumerate(checked(data)):
            callbacks.on_test_batch_begin(index)
            logs = step(pack_x_y_sample_weight(*batch))
            callbacks.on_test_batch_end(index, lambda logs=logs: self._read_logs(logs))
            if training is None:
                boundary.rest()
            else:
                training.rest(trained=False)
        logs = self._read_logs(logs)
        callbacks.on_test_end(logs)
        return logs

    @filtered
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training; gives the loss and metrics of this batch."""
        self._require_compiled("train_on_batch")
        self._require_idle("train_on_batch")
        data = self._one_batch(x, y, sample_weight, class_weight)
        self._prepare(data, training=True)
        self.reset_metrics()
        with boundary.inside():
            logs = self._step("train", self.train_step)(pack_x_y_sample_weight(*data.first()))
        return flat_or_dict(self._read_logs(logs), return_dict)

    @filtered
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step of evaluation; gives the loss and metrics of this batch."""
        self._require_compiled("test_on_batch")
        self._require_idle("test_on_batch")
        data = self._one_batch(x, y, sample_weight, None)
        self._prepare(data, training=False)
        self.reset_metrics()
        with boundary.inside():
            logs = self._step("test", self.test_step)(pack_x_y_sample_weight(*data.first()))
        return flat_or_dict(self._read_logs(logs), return_dict)

    def _prepare(self, data: Any, training: bool) -> None:
        """Build model, metrics and optimizer from the first batch, and check the targets."""
        y_pred = self._build_on(data.first())
        self._objective.build(self, data.first()[1], y_pred)
        self._check_values(data, y_pred)
        if type(self).train_step is Trainer.train_step:
            specs = [None if a is None else batch_spec(a) for a in tree.flatten(data.first())]
            key = (training, tree.form(data.first()), *specs)
            if key not in self._rehearsed:
                self._rehearse(data.first(), training)
                self._rehearsed.add(key)
        if training and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def _step(self, kind: str, function: Callable) -> Step:
        step = self._steps.get(kind)
        flags = self._present_flags()
        # text within a model that cannot be cut into a front and a step: op by op
        eager = self.run_eagerly or (self._split is None and self._computes_on_host())
        if step is None or step.flags != flags or step.eager != eager:
            step = self._steps[kind] = Step(
                function, eager,
                lambda program: warn_if_short(program.plan.nbytes(), self.name),
                bool(self.jit_compile) and llvm.available(),
                # a scale that is too large shows itself by infinities, and is halved
                quiet=isinstance(self.optimizer, optimizers.LossScaleOptimizer),
            )  # fmt: skip
            step.flags = flags
            self._built_on.clear()
        self._newest_kind = kind
        return step

    def _present_flags(self) -> list[bool]:
        """`_trainable_flags`, found out anew when anything was made, frozen or adapted."""
        known, flags = self._known_flags
        now = structure()
        if known is not now:
            flags = self._trainable_flags()
            self._known_flags = now, flags
        return flags

    def _read_logs(self, logs: Any) -> dict[str, float]:
        """The logs as Python numbers."""
        return {
            k: v if isinstance(v, (int, float)) else as_tensor(v).numpy().item()
            for k, v in self._require_logs(logs).items()
        }

    def _require_logs(self, logs: Any) -> dict:
        if not isinstance(logs, dict | None):
            raise ArgumentError(
                f"Model {self.name!r}: train_step and test_step must give a dictionary of logs, "
                f"got {type(logs).__name__}."
            )
        return logs or {}


def _checked_steps(value: Any) -> int | str:
    """`steps_per_execution` as it is kept."""
    if value == "auto":
        return "auto"
    if not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(
            f'compile: steps_per_execution must be "auto" or a whole number from 1, got {value!r}.'
        )
    return int(value)
