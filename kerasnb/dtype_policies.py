"""Dtype policies under Keras's names: ``kerasnb.dtype_policies``. Imports config and registry."""

from __future__ import annotations

from typing import Any

from kerasnb import registry
from kerasnb.config.policy import DTypePolicy, policy_of

__all__ = ["DTypePolicy", "deserialize", "get", "serialize"]


def get(identifier: Any = None) -> DTypePolicy:
    """The policy that `identifier` names.

    Args:
        identifier: a policy, its name, a data type or a configuration; None for the one in force.

    Raises:
        DTypeError: there is no such policy.
    """
    return policy_of(identifier)


def serialize(dtype_policy: DTypePolicy) -> dict:
    """The policy as data that JSON can hold."""
    return registry.serialize(dtype_policy)


def deserialize(config: dict, custom_objects: dict | None = None) -> DTypePolicy:
    """The policy that a configuration describes.

    Args:
        config: what `serialize` gave.
        custom_objects: more classes, by name.

    Raises:
        ArgumentError: the class is unknown, or the configuration is malformed.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(config, _CHOICES, "dtype policy")


_CHOICES = dict.fromkeys(("DTypePolicy", "FloatDTypePolicy", "Policy"), DTypePolicy)
