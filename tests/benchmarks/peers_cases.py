"""The cases on which `peers.py` compares libraries: sizes, and data with something to learn.

The models themselves are in `peers_keras.py` and `peers_torch.py`; they must stay the same work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """One model's data and how it is trained.

    Args:
        shape: one row of the input.
        classes: 1 is one number between 0 and 1.
        rows: an epoch's.
        batch: rows a step.
        epochs: in one turn, so that a turn is long enough to be timed.
        vocabulary: the input is whole numbers below it; float32 within [0, 1) if it is 0.
        one_hot: targets of shape (N, classes) instead of (N,).
    """

    shape: tuple[int, ...]
    classes: int
    rows: int
    batch: int
    epochs: int = 1
    vocabulary: int = 0
    one_hot: bool = False

    @property
    def steps(self) -> int:
        """Training steps in one turn."""
        return self.epochs * -(-self.rows // self.batch)

    def data(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (rows, *shape) and targets.

        There is something to learn, so that a library that skips work falls behind the others:
        images show their class's pattern in noise; of other inputs, some random sum is highest.
        """
        rng, rule = np.random.default_rng(0), np.random.default_rng(1)
        size, kinds = (rows, *self.shape), max(self.classes, 2)
        if self.vocabulary:
            x = rng.integers(0, self.vocabulary, size, dtype=np.int32)
            label = rule.normal(size=(self.vocabulary, kinds))[x].sum(1).argmax(1)
        elif len(self.shape) == 3:
            h, w, channels = self.shape
            tiles = rule.random((kinds, 4, 4, channels), dtype=np.float32)
            pattern = tiles.repeat(h // 4, 1).repeat(w // 4, 2)  # (classes, H, W, C)
            label = rng.integers(0, kinds, rows)
            x = rng.random(size, dtype=np.float32) * 0.75 + pattern[label] * 0.25
        else:
            x = rng.random(size, dtype=np.float32)
            label = ((x - 0.5) @ rule.normal(size=(*self.shape, kinds))).argmax(1)
        if self.classes == 1:
            return x, label[:, None].astype(np.float32)
        if self.one_hot:
            return x, np.eye(kinds, dtype=np.float32)[label]
        return x, label.astype(np.int32)


CASES = {
    "pima": Case((8,), 1, rows=768, batch=10, epochs=10),
    "mlp": Case((784,), 10, rows=12800, batch=128, one_hot=True),
    "cnn": Case((28, 28, 1), 10, rows=2560, batch=128, one_hot=True),
    "lstm": Case((80,), 1, rows=640, batch=32, vocabulary=20000),
    "resnet20": Case((32, 32, 3), 10, rows=1280, batch=128),
    "transformer": Case((64,), 2, rows=1280, batch=64, vocabulary=5000),
}
