"""LLVM as a compiler within this process: its language in, functions out. Imports errors.

llvmlite is imported when the first module is compiled; that takes about 50 ms.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import util
from typing import Any, NamedTuple

from kerasnb.errors import MissingDependency

__all__ = ["TARGETS", "Module", "Target", "available", "host"]


class Target(NamedTuple):
    """What code is made for: a processor by LLVM's name, and its features as ``"+avx2,-avx512f"``;
    none means those that every such processor has."""

    cpu: str
    features: str = ""


# what tests force, where it can run: the vectors of older and of other processors
TARGETS = {"SSE2": Target("x86-64"), "AVX2": Target("x86-64-v3"), "AVX-512": Target("x86-64-v4")}


def available() -> bool:
    """Whether llvmlite is installed."""
    return util.find_spec("llvmlite") is not None


@cache
def host() -> Target:
    """The processor that this runs on."""
    binding = _binding()
    return Target(binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())


class Module:
    """Functions compiled from LLVM's language, in memory.

    Args:
        text: the module, with nothing but its functions and what they declare.
        target: the processor; the one that this runs on if None.

    Raises:
        MissingDependency: llvmlite is not installed.
        RuntimeError: the text is no valid module; LLVM's message says where.
    """

    def __init__(self, text: str, target: Target | None = None):
        binding = _binding()
        self.target = target or host()
        self._module = binding.parse_assembly(text)
        self._module.verify()
        # of its own for each module: the engine takes hold of it
        self._machine = binding.Target.from_default_triple().create_target_machine(
            cpu=self.target.cpu, features=self.target.features, opt=3
        )
        builder = binding.create_pass_builder(
            self._machine, binding.create_pipeline_tuning_options(speed_level=3)
        )
        builder.getModulePassManager().run(self._module, builder)
        self._engine: Any = None

    def function(self, name: str, *arguments: Any) -> Any:
        """A function of the module that can be called, with the `ctypes` of its arguments."""
        if self._engine is None:
            self._engine = _binding().create_mcjit_compiler(self._module, self._machine)
            self._engine.finalize_object()
        made = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address(name))
        made.module = self  # the code lives as long as what calls it
        return made

    def text(self) -> str:
        """The optimised module in LLVM's language."""
        return str(self._module)

    def assembly(self) -> str:
        """The module in the processor's language."""
        return self._machine.emit_assembly(self._module)


@cache
def _binding() -> Any:
    try:
        from llvmlite import binding
    except ImportError:
        raise MissingDependency("Native code needs llvmlite: pip install llvmlite") from None
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding
