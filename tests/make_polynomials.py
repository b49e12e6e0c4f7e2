"""Finds the coefficients in ``kerasnb/compile/mathematics.py`` and ``wide.py``:
python tests/make_polynomials.py

Each is a polynomial through Chebyshev's points of the interval, close to the best one of its
degree; the functions themselves come from their series, in float64.
"""

import math

import numpy as np
from numpy.polynomial import Polynomial, chebyshev

POINTS = 400


def fit(function, low: float, high: float, degree: int, dtype: type = np.float32) -> list[float]:
    """The coefficients from the constant on, as `dtype`."""
    t = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    x = (low + high) / 2 + (high - low) / 2 * t
    powers = chebyshev.cheb2poly(chebyshev.chebfit(t, function(x), degree))
    inner = Polynomial([-(high + low) / (high - low), 2 / (high - low)])
    return [float(dtype(c)) for c in Polynomial(powers)(inner).coef]


def series(coefficients: list[float]):
    """The function that these are the Taylor coefficients of."""
    return Polynomial(coefficients)


def factorials(first: int, sign: int = 1) -> list[float]:
    """1 / first!, sign / (first + 2)!, 1 / (first + 4)! and so on."""
    return [sign**k / math.factorial(first + 2 * k) for k in range(15)]


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


def error_function() -> list[float]:
    """(erf(x) - x) / x as a function of x², for x from 0 to 1."""
    taylor = [
        2 / math.sqrt(math.pi) * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(25)
    ]
    return fit(series([taylor[0] - 1, *taylor[1:]]), 0, 1, 6)


def complement() -> list[float]:
    """-log(1 - erf(x)), for x from 1 to 4."""
    return fit(np.vectorize(lambda x: -math.log(math.erfc(x))), 1, 4, 8)


def wide_exponential() -> list[float]:
    """exp(r), for r within ln 2 / 2 and a little more."""
    edge = 1.01 * math.log(2) / 2
    return fit(series([1 / math.factorial(k) for k in range(25)]), -edge, edge, 8, np.float64)


def wide_logarithm() -> list[float]:
    """(log((1 + s) / (1 - s)) / s - 2) / s² as a function of s², for arguments in [√½, √2]."""
    edge = (math.sqrt(2) - 1) / (math.sqrt(2) + 1)
    taylor = [2 / (2 * k + 3) for k in range(25)]
    return fit(series(taylor), 0, 1.01 * edge**2, 5, np.float64)


def wide_sine() -> list[float]:
    """(sin(x) - x) / x³ as a function of x², for x within π/4."""
    return fit(series([-c for c in factorials(3, -1)]), 0, 1.01 * (math.pi / 4) ** 2, 4, np.float64)


def wide_cosine() -> list[float]:
    """(cos(x) - 1 + x²/2) / x⁴ as a function of x², for x within π/4."""
    return fit(series(factorials(4, -1)), 0, 1.01 * (math.pi / 4) ** 2, 3, np.float64)


def wide_hyperbolic_sine() -> list[float]:
    """(sinh(x) - x) / x³ as a function of x², for x within 1."""
    return fit(series(factorials(3)), 0, 1, 4, np.float64)


def wide_arc() -> list[float]:
    """(atan(x) - x) / x³ as a function of x², for x from 0 to 1."""

    def function(z):
        x = np.sqrt(z)
        near = series([(-1) ** (k + 1) / (2 * k + 3) for k in range(25)])(z)
        return np.where(z < 0.2, near, (np.arctan(x) - x) / (x * z))  # the difference would cancel

    return fit(function, 0, 1, 11, np.float64)


FOUND = {
    "EXP": exponential, "LOG": logarithm, "TANH": tangent, "ERF": error_function,
    "ERFC": complement,
}  # fmt: skip
WIDE = {
    "EXP": wide_exponential, "LOG": wide_logarithm, "SIN": wide_sine, "COS": wide_cosine,
    "SINH": wide_hyperbolic_sine, "ATAN": wide_arc,
}  # fmt: skip

if __name__ == "__main__":
    for module, table in (("mathematics.py", FOUND), ("wide.py", WIDE)):
        print(module)
        for name, find in table.items():
            print(name, "=", tuple(find()))
