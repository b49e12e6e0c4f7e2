"""Finds the coefficients in ``kerasnb/compile/mathematics.py``: python tests/make_polynomials.py

Each is a polynomial through Chebyshev's points of the interval, close to the best one of its
degree; the functions themselves come from their series, in float64.
"""

import math

import numpy as np
from numpy.polynomial import Polynomial, chebyshev

POINTS = 400


def fit(function, low: float, high: float, degree: int) -> list[float]:
    """The coefficients from the constant on, as float32."""
    t = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    x = (low + high) / 2 + (high - low) / 2 * t
    powers = chebyshev.cheb2poly(chebyshev.chebfit(t, function(x), degree))
    inner = Polynomial([-(high + low) / (high - low), 2 / (high - low)])
    return [float(np.float32(c)) for c in Polynomial(powers)(inner).coef]


def series(coefficients: list[float]):
    """The function that these are the Taylor coefficients of."""
    return Polynomial(coefficients)


def exponential() -> list[float]:
    """(exp(r) - 1 - r) / r², for r within ln 2 / 2 and a little more."""
    edge = 1.01 * math.log(2) / 2
    return fit(series([1 / math.factorial(k + 2) for k in range(25)]), -edge, edge, 5)


def logarithm() -> list[float]:
    """(log((1 + s) / (1 - s)) / s - 2) / s² as a function of s², for arguments in [√½, √2]."""
    edge = (math.sqrt(2) - 1) / (math.sqrt(2) + 1)
    return fit(series([2 / (2 * k + 3) for k in range(25)]), 0, 1.01 * edge**2, 3)


def tangent() -> list[float]:
    """(tanh(x) - x) / x³ as a function of x², for x from 0 to 0.55."""
    # the series of tanh from that of its derivative: tanh' = 1 - tanh²
    odd = [1.0]
    for k in range(1, 40):
        square = sum(odd[i] * odd[k - 1 - i] for i in range(k))
        odd.append(-square / (2 * k + 1))
    return fit(series(odd[1:]), 0, 0.55**2, 5)


if __name__ == "__main__":
    for name, found in (("EXP", exponential()), ("LOG", logarithm()), ("TANH", tangent())):
        print(name, "=", tuple(found))
