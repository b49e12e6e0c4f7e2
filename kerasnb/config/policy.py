"""`DTypePolicy`: in which types a layer computes and keeps its weights; and the one in force.

Imports settings, spec and errors.
"""

from __future__ import annotations

from typing import Any

from kerasnb.config.settings import floatx, state
from kerasnb.errors import ArgumentError, DTypeError
from kerasnb.spec import DTYPES, check_dtype

__all__ = ["DTypePolicy", "dtype_policy", "policy_of", "set_dtype_policy"]

QUANTIZED = ("int8_from_", "float8_from_", "int4", "gptq", "awq")


class DTypePolicy:
    """The type in which a layer computes, and the type of its weights.

    Args:
        name: a data type, for both; or ``"mixed_float16"``: computation in float16, weights in
            float32, so that small updates are not lost. The policy in force if not given.

    Raises:
        DTypeError: there is no such policy.

    Example:
        >>> policy = DTypePolicy("mixed_float16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('float16', 'float32')
    """

    __slots__ = ("_name", "compute_dtype", "variable_dtype")

    # layers whose weights are whole numbers do not exist; Keras asks every policy
    quantization_mode = None

    def __init__(self, name: str | None = None):
        self._name = dtype_policy().name if name is None else name
        self.compute_dtype, self.variable_dtype = _types(self._name)

    @property
    def name(self) -> str:
        """What the policy was made from."""
        return self._name

    def get_config(self) -> dict:
        """The arguments that make a policy like this one, as data that JSON can hold."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict) -> DTypePolicy:
        """A new policy from what `get_config` gave."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self._name == other._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without one: that of `floatx` unless another was set."""
    policy = state["policy"]
    return _plain(floatx()) if policy is None else policy


def set_dtype_policy(policy: Any) -> None:
    """Let layers that are made from now on have this policy, unless they are given their own.

    Args:
        policy: a `DTypePolicy` or its name; None for that of `floatx` again.

    Raises:
        DTypeError: there is no such policy.
        ArgumentError: it is neither of these.
    """
    if policy is not None and not isinstance(policy, (str, DTypePolicy)):
        raise ArgumentError(
            "set_dtype_policy: expected the name of a policy, such as 'mixed_float16', or a "
            f"DTypePolicy, got {policy!r:.60}."
        )
    state["policy"] = None if policy is None else policy_of(policy)


def policy_of(identifier: Any) -> DTypePolicy:
    """The policy for a layer's `dtype`.

    Args:
        identifier: a policy, its name, a data type, or a configuration; None for the one in force.

    Raises:
        DTypeError: there is no such policy.
        ArgumentError: a configuration is not laid out as it should be.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return _from_data(identifier)
    return _plain(identifier if isinstance(identifier, str) else check_dtype(identifier))


def _from_data(config: dict) -> DTypePolicy:
    kind, inner = config.get("class_name"), config.get("config")
    if kind not in ("DTypePolicy", "FloatDTypePolicy", "Policy") or not isinstance(inner, dict):
        raise ArgumentError(
            "dtype: expected the configuration of a DTypePolicy, such as "
            "{'class_name': 'DTypePolicy', 'config': {'name': 'float32'}}, got "
            f"{config!r:.120}."
        )
    return DTypePolicy(**inner)


# one object for each name: a model of 100 layers makes no 100 policies
_made: dict[str, DTypePolicy] = {}


def _plain(name: str) -> DTypePolicy:
    policy = _made.get(name)
    if policy is None:
        policy = _made[name] = DTypePolicy(name)
    return policy


def _types(name: Any) -> tuple[str, str]:
    """The types of computation and of weights."""
    if name == "mixed_float16":
        return "float16", "float32"
    if name in ("mixed_bfloat16", "bfloat16"):
        # with ml_dtypes, bfloat16 * 2.0 is float32, np.einsum refuses it, and a sum of a million
        # numbers takes 15 ms instead of 0.5 ms
        raise DTypeError(
            f"dtype policy {name!r}: NumPy has no bfloat16. Use 'mixed_float16' (which scales the "
            "loss by itself) or 'float32', which is faster on a CPU."
        )
    if isinstance(name, str) and name.startswith(QUANTIZED):
        raise DTypeError(
            f"dtype policy {name!r}: quantised layers are not supported. Use 'float32' or "
            "'mixed_float16'."
        )
    if not isinstance(name, str) or name not in DTYPES:
        raise DTypeError(
            f"Unknown dtype policy {name!r}. Known: mixed_float16, {', '.join(DTYPES)}."
        )
    return name, name
