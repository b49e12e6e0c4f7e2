"""In which types a layer computes and keeps its weights. Imports config, registry and variable."""

from __future__ import annotations

from typing import Any

from kerasnb import registry
from kerasnb.config.policy import DTypePolicy, policy_of
from kerasnb.spec import is_float
from kerasnb.variable import autocast, autocasting

__all__ = ["Precision"]


class Precision:
    """The dtype policy of a `Layer`; mixed into it."""

    autocast: bool
    call: Any

    @property
    def dtype_policy(self) -> DTypePolicy:
        """In which types the layer computes and keeps its weights; to be set before it is built.

        Set to a policy, its name, a data type, or None for the policy in force.
        """
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy = self._dtype_policy = policy_of(value)
        self._mixed = policy.compute_dtype != policy.variable_dtype

    @property
    def dtype(self) -> str:
        """The type of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The type in which the layer computes."""
        return self._dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str | None:
        """The type to which float inputs are converted; None leaves them as they come."""
        return self._dtype_policy.compute_dtype if self.autocast else None

    def _policy_config(self) -> dict:
        return registry.serialize(self._dtype_policy)

    def _call_in_dtype(self, args: tuple, kwargs: dict) -> Any:
        """`call`, in which variables are read in the type of the computation."""
        present = autocasting()
        if present is None and not self._mixed:  # nearly always
            return self.call(*args, **kwargs)
        wanted = self._type_read(present)
        if wanted == present:
            return self.call(*args, **kwargs)
        with autocast(wanted):
            return self.call(*args, **kwargs)

    def _type_read(self, present: str | None) -> str | None:
        """The type in which `call` reads variables; None for their own.

        Args:
            present: that in the call around this one.
        """
        compute = self._dtype_policy.compute_dtype
        if present is None:
            return compute if self._mixed else None
        return compute if self.autocast and is_float(compute) else None
