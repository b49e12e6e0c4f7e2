"""Intersection over union of classes: for segmentation. Imports metrics.base and ops."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from kerasnb import config, ops
from kerasnb.errors import ArgumentError, ShapeError
from kerasnb.metrics.base import Metric
from kerasnb.spec import is_float
from kerasnb.tensor import Tensor, as_tensor

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """The mean over some classes of the intersection over the union of targets and predictions.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to look at.
        name: for logs.
        dtype: of the counts; int32 if not given, which cuts weights to whole numbers.
        ignore_class: places whose target is this number do not count.
        sparse_y_true: whether targets are class numbers, and not one value a class.
        sparse_y_pred: whether predictions are class numbers, and not one value a class.
        axis: where the classes lie, in what is not sparse.

    Raises:
        ArgumentError: a target class is not among the classes.

    Example:
        >>> import kerasnb
        >>> metric = kerasnb.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)  # 1 / (2 + 2 - 1)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__("int32" if dtype is None else dtype, name)
        self.num_classes = num_classes
        self.target_class_ids = [int(i) for i in target_class_ids]
        wrong = [i for i in self.target_class_ids if not 0 <= i < num_classes]
        if wrong or not self.target_class_ids:
            raise ArgumentError(
                f"{self.name}: expected target_class_ids from 0 to {num_classes - 1}, got "
                f"{wrong[0] if wrong else 'none'}."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: class numbers, or one value a class.
            y_pred: the same.
            sample_weight: one weight a place.

        Raises:
            ShapeError: there are not as many targets as predictions, or as weights.
        """
        y_true, y_pred = as_tensor(y_true), as_tensor(y_pred)
        y_true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        y_pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        truth, guess = (ops.reshape(ops.cast(y, "int32"), (-1,)) for y in (y_true, y_pred))
        if truth.shape != guess.shape:
            raise ShapeError(
                f"Metric {self.name!r}: expected as many targets as predictions, got "
                f"{y_true.shape} and {y_pred.shape}. For values of each class give "
                "sparse_y_true=False or sparse_y_pred=False."
            )
        weights = self._weights(sample_weight, truth.shape)
        counts = ops.logical_and(self._is_class(truth), self._is_class(guess))
        if self.ignore_class is not None:
            counts = ops.logical_and(counts, truth != self.ignore_class)
        places = ops.where(counts, truth * self.num_classes + guess, 0)
        found = ops.segment_sum(ops.where(counts, weights, 0), places, self.num_classes**2)
        # (C²,) -> (C, C): row target, column prediction
        self.total_cm.assign_add(ops.reshape(found, (self.num_classes, self.num_classes)))

    def _is_class(self, numbers: Tensor) -> Tensor:
        return ops.logical_and(numbers >= 0, numbers < self.num_classes)

    def _weights(self, given: Any, shape: tuple) -> Tensor:
        if given is None:
            return ops.ones(shape, self.dtype)
        weights = as_tensor(given)
        if is_float(weights.dtype) and not is_float(self.dtype):
            warnings.warn(
                f"Metric {self.name!r} counts in {self.dtype}, so weights are cut to whole "
                "numbers. Give it dtype='float32', or whole weights.",
                stacklevel=4,
            )
        weights = ops.cast(weights, self.dtype)
        weights = ops.reshape(weights, (-1,)) if weights.ndim > 1 else weights
        if weights.shape not in ((), (1,), shape):
            raise ShapeError(
                f"Metric {self.name!r}: expected sample_weight for {shape[0]} places, got "
                f"{weights.shape}."
            )
        return ops.broadcast_to(weights, shape)

    def result(self) -> Tensor:
        """The mean so far over those of the classes that there are; 0 before any batch."""
        totals = ops.cast(self.total_cm.value, config.floatx())
        both = ops.sum(totals * ops.eye(self.num_classes, dtype=totals.dtype), axis=0)
        either = ops.sum(totals, axis=0) + ops.sum(totals, axis=1) - both
        wanted = as_tensor(self.target_class_ids, "int32")
        both, either = ops.take(both, wanted, axis=0), ops.take(either, wanted, axis=0)
        exists = either > 1e-9
        shares = ops.where(exists, both / (either + config.epsilon()), 0.0)
        return ops.sum(shares) / (ops.sum(ops.cast(exists, totals.dtype)) + config.epsilon())

    def get_config(self) -> dict:
        names = (
            "num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred",
            "axis",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _some_config(self, *without: str) -> dict:
        return {k: v for k, v in IoU.get_config(self).items() if k not in without}


class BinaryIoU(IoU):
    """The intersection over the union of two classes, told apart by a threshold.

    Args:
        target_class_ids: the classes to look at, of 0 and 1.
        threshold: predictions from here on are class 1.
        name: for logs.
        dtype: of the counts; int32 if not given.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: 0 or 1.
            y_pred: predictions, from 0 to 1.
            sample_weight: one weight a place.
        """
        above = as_tensor(y_pred, "float32") >= self.threshold
        super().update_state(y_true, ops.cast(above, "int32"), sample_weight)

    def get_config(self) -> dict:
        own = self._some_config(
            "num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis"
        )
        return {**own, "threshold": self.threshold}


class MeanIoU(IoU):
    """The mean over all classes of the intersection over the union.

    Args:
        num_classes: how many classes there are.
        name: for logs.
        dtype: of the counts; int32 if not given.
        ignore_class: places whose target is this number do not count.
        sparse_y_true: whether targets are class numbers, and not one value a class.
        sparse_y_pred: whether predictions are class numbers, and not one value a class.
        axis: where the classes lie, in what is not sparse.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict:
        return self._some_config("target_class_ids")


class OneHotIoU(IoU):
    """The mean over some classes of the intersection over the union, for one-hot targets.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes to look at.
        name: for logs.
        dtype: of the counts; int32 if not given.
        ignore_class: places whose target is this class do not count.
        sparse_y_pred: whether predictions are class numbers, and not one value a class.
        axis: where the classes lie.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict:
        return self._some_config("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """The mean over all classes of the intersection over the union, for one-hot targets.

    Args:
        num_classes: how many classes there are.
        name: for logs.
        dtype: of the counts; int32 if not given.
        ignore_class: places whose target is this class do not count.
        sparse_y_pred: whether predictions are class numbers, and not one value a class.
        axis: where the classes lie.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict:
        return self._some_config("target_class_ids", "sparse_y_true")
