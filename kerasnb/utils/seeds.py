"""One seed for everything random. Imports errors."""

from __future__ import annotations

import random

import numpy as np

from kerasnb.errors import ArgumentError

__all__ = ["set_random_seed"]


def set_random_seed(seed: int) -> None:
    """Seed everything random: Python's `random`, NumPy's global state, and with them this package.

    After the same seed, the same program gives the same weights and results, bit for bit.

    Args:
        seed: from 0 to 2**32 - 1.

    Raises:
        ArgumentError: `seed` is not such an integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ArgumentError(
            f"set_random_seed: expected an integer from 0 to 2**32 - 1 as seed, got {seed!r}."
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
