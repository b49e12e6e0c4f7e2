"""Sets that need no network: scikit-learn's bundled ones, and points made on the spot.

Each is an object: ``kerasnb.datasets.iris.load_data()``. Imports errors. scikit-learn is imported
when one of its sets is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from kerasnb.errors import ArgumentError, MissingDependency

__all__ = ["SETS", "SmallSet", "Whole", "split"]

POINTS = 400  # of a set that is made on the spot


class Whole(NamedTuple):
    """All examples of a set in the set's own order.

    Attributes:
        x: numbers as they were measured.
        y: class numbers, int32, or numbers, float32.
        class_names: a text for each class; None if `y` is no class, or the classes have no names.
        feature_names: a text for each column of `x`; None for pictures.
    """

    x: np.ndarray
    y: np.ndarray
    class_names: list[str] | None = None
    feature_names: list[str] | None = None


class SmallSet:
    """A data set that needs no network.

    Attributes:
        name: of the set.
        about: what it is, in one sentence.
        task: ``"two_classes"``, ``"classes"`` or ``"number"``.
        shape: of all examples.

    Example:
        >>> from kerasnb.datasets import moons
        >>> (x_train, y_train), (x_test, y_test) = moons.load_data(test_split=0.25, seed=1)
        >>> x_train.shape, y_test.shape
        ((300, 2), (100,))
    """

    def __init__(
        self,
        name: str,
        shape: tuple[int, ...],
        task: str,
        about: str,
        load: Callable[[str, int], Whole],
    ):
        self.name = name
        self.shape = shape
        self.task = task
        self.about = about
        self._load = load

    def __repr__(self) -> str:
        return f"<data set {self.name!r}: {self.about}>"

    def whole(self, seed: int = 113) -> Whole:
        """All examples in the set's own order, the same each time.

        Args:
            seed: draws the points of a set that is made on the spot.

        Raises:
            MissingDependency: the set comes with scikit-learn, which is not installed.
        """
        return self._load(self.name, seed)

    def load_data(self, test_split: float = 0.2, seed: int = 113) -> tuple:
        """The set in two parts, for training and for testing.

        Args:
            test_split: the part of the examples that is for testing.
            seed: draws the order of the examples, and the points that are made on the spot.

        Returns:
            ``(x_train, y_train), (x_test, y_test)``: x as it was measured, so it may want to be
            scaled; y class numbers, int32, or numbers, float32.

        Raises:
            ArgumentError: `test_split` is not from 0 to below 1.
            MissingDependency: the set comes with scikit-learn, which is not installed.
        """
        found = self.whole(seed)
        return split(found.x, found.y, test_split, seed)

    @property
    def class_names(self) -> list[str] | None:
        """A text for each class; None if there are no classes, or they have no names."""
        return self.whole().class_names

    @property
    def feature_names(self) -> list[str] | None:
        """A text for each column of x; None for pictures."""
        return self.whole().feature_names


def split(x: Any, y: Any, test_split: float, seed: int) -> tuple:
    """``(x_train, y_train), (x_test, y_test)``, in the order that Keras draws with `seed`."""
    if isinstance(test_split, bool) or not 0 <= test_split < 1:
        raise ArgumentError(
            f"load_data: expected test_split from 0 to below 1, got {test_split!r}."
        )
    order = np.random.RandomState(seed).permutation(len(x))
    x, y = x[order], y[order]
    cut = int(len(x) * (1 - test_split))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


# scikit-learn's


def _bundled(name: str, seed: int) -> Whole:
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingDependency(
            f'The data set {name!r} comes with scikit-learn: pip install "kerasnb[notebook]"'
        ) from None
    found = getattr(datasets, f"load_{name}")()
    if name == "digits":
        images, names = found.images.astype("uint8"), [str(i) for i in range(10)]
        return Whole(images, found.target.astype("int32"), names)
    features = [str(n) for n in found.feature_names]
    if name == "diabetes":
        return Whole(found.data, found.target.astype("float32"), None, features)
    names = [str(n) for n in found.target_names]
    return Whole(found.data, found.target.astype("int32"), names, features)


# Points


def _moons(rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
    angle = rng.uniform(0, np.pi, POINTS)
    side = 1 - 2 * label  # the second half ring is turned round and moved into the first
    ring = np.stack([side * np.cos(angle) + label, side * np.sin(angle) + label / 2], axis=1)
    return (ring + rng.normal(0, 0.1, ring.shape) - [0.5, 0.25]) / 1.5


def _circles(rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi, POINTS)
    radius = np.where(label == 1, 0.4, 0.9) + rng.normal(0, 0.06, POINTS)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _spirals(rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
    along = np.sqrt(rng.uniform(0.01, 1, POINTS))  # as dense outside as inside
    angle = 3 * np.pi * along + np.pi * label  # one and a half turns
    arms = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return arms + rng.normal(0, 0.03, arms.shape)


def _xor(rng: np.random.Generator, label: np.ndarray) -> np.ndarray:
    points = rng.uniform(0.08, 1, (POINTS, 2)) * rng.choice([-1, 1], (POINTS, 1))
    points[:, 1] *= 1 - 2 * label  # signs that differ are the second class
    return points


def _made(points: Callable) -> Callable[[str, int], Whole]:
    def load(name: str, seed: int) -> Whole:
        y = (np.arange(POINTS) % 2).astype("int32")
        x = points(np.random.default_rng(seed), y).astype("float32")
        return Whole(x, y, None, ["x0", "x1"])

    return load


SETS: Mapping[str, SmallSet] = {
    name: SmallSet(name, shape, task, about, load)
    for name, shape, task, about, load in (
        ("digits", (1797, 8, 8), "classes", "Handwritten digits: which of ten is it?", _bundled),
        ("iris", (150, 4), "classes", "Sizes of iris flowers: which of three kinds is it?",
         _bundled),
        ("wine", (178, 13), "classes", "Chemistry of wines: which of three growers made it?",
         _bundled),
        ("breast_cancer", (569, 30), "two_classes", "Cell nuclei of tumours: malignant or benign?",
         _bundled),
        ("diabetes", (442, 10), "number", "Patients: how far is their diabetes after a year?",
         _bundled),
        ("moons", (POINTS, 2), "two_classes", "Points on two half rings in each other.",
         _made(_moons)),
        ("circles", (POINTS, 2), "two_classes", "Points on a ring around another.",
         _made(_circles)),
        ("spirals", (POINTS, 2), "two_classes", "Points on the two arms of a spiral.",
         _made(_spirals)),
        ("xor", (POINTS, 2), "two_classes", "Points in opposite corners belong together.",
         _made(_xor)),
    )
}  # fmt: skip
