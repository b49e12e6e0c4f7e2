"""LLVM as a compiler within this process: its language in, functions out. Imports errors.

llvmlite is imported when the first module is compiled or loaded; that takes about 40 ms.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import util
from typing import Any, NamedTuple

from kerasnb.errors import MissingDependency

__all__ = ["TARGETS", "Compiler", "Module", "Target", "available", "host", "load", "settings"]

# Kernels are vectors already, and keep what they can in variables: LLVM's full pipeline takes eight
# times as long as these passes (0.9 s for the kernels of resnet20), for code that is no faster.
_PASSES = ("sroa", "instruction_combine", "simplify_cfg", "loop_rotate")
_LEVEL = 3  # of the code generator


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


def settings(target: Target) -> str:
    """All that machine code depends on, beside the text that it is made from."""
    binding = _binding()
    version = ".".join(map(str, binding.llvm_version_info))
    made_for = [binding.get_default_triple(), target.cpu, target.features]
    return "\n".join([version, *made_for, " ".join(_PASSES), str(_LEVEL)])


class Compiler:
    """Makes machine code of LLVM's language, for one thread at a time.

    Args:
        target: the processor; the one that this runs on if None.

    Raises:
        MissingDependency: llvmlite is not installed.
    """

    def __init__(self, target: Target | None = None):
        binding = _binding()
        self.machine = _machine(target or host())
        self._builder = binding.create_pass_builder(
            self.machine, binding.create_pipeline_tuning_options(speed_level=_LEVEL)
        )
        self._passes = binding.create_new_function_pass_manager()
        for name in _PASSES:
            getattr(self._passes, f"add_{name}_pass")()

    def optimised(self, text: str, context: Any = None) -> Any:
        """The module of a text, in LLVM's global context if None is given.

        Raises:
            RuntimeError: the text is no valid module; LLVM's message says where.
        """
        module = _binding().parse_assembly(text, context)
        module.verify()
        for function in module.functions:
            if not function.is_declaration:
                self._passes.run(function, self._builder)
        return module

    def machine_code(self, text: str) -> bytes:
        """The object file of a text; other threads make theirs meanwhile."""
        module = self.optimised(text, _binding().create_context())
        emit = _unlocked_emit()
        if emit is None:
            return self.machine.emit_object(module)
        library, message = _library(), ctypes.c_char_p()
        buffer = emit(self.machine, module, 1, ctypes.byref(message))
        if not buffer:
            raise RuntimeError((message.value or b"no machine code").decode())
        start, size = library.LLVMPY_GetBufferStart(buffer), library.LLVMPY_GetBufferSize(buffer)
        try:
            return ctypes.string_at(start, size)
        finally:
            library.LLVMPY_DisposeMemoryBuffer(buffer)


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
        self.target = target or host()
        self._compiler = Compiler(self.target)
        self._module = self._compiler.optimised(text)
        self._engine: Any = None

    def function(self, name: str, *arguments: Any) -> Any:
        """A function of the module that can be called, with the `ctypes` of its arguments."""
        if self._engine is None:
            # the engine takes hold of a machine of its own
            machine = _machine(self.target)
            self._engine = _binding().create_mcjit_compiler(self._module, machine)
            self._engine.finalize_object()
        made = ctypes.CFUNCTYPE(None, *arguments)(self._engine.get_function_address(name))
        made.module = self  # the code lives as long as what calls it
        return made

    def text(self) -> str:
        """The optimised module in LLVM's language."""
        return str(self._module)

    def assembly(self) -> str:
        """The module in the processor's language."""
        return self._compiler.machine.emit_assembly(self._module)


def load(objects: Iterable[bytes], names: Sequence[str]) -> tuple[Any, list[int]]:
    """What keeps the code of some object files in memory, and the addresses of functions in it.

    Raises:
        RuntimeError: a function is in none of them.
    """
    binding = _binding()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine(host()))
    files = [binding.ObjectFileRef.from_data(data) for data in objects]
    for file in files:
        engine.add_object_file(file)
    engine.finalize_object()
    places = [engine.get_function_address(name) for name in names]
    if not all(places):
        raise RuntimeError(f"no code for {names[places.index(0)]}")
    return (engine, files), places


def _machine(target: Target) -> Any:
    return (
        _binding()
        .Target.from_default_triple()
        .create_target_machine(cpu=target.cpu, features=target.features, opt=_LEVEL)
    )


@cache
def _binding() -> Any:
    try:
        from llvmlite import binding
    except ImportError:
        raise MissingDependency("Native code needs llvmlite: pip install llvmlite") from None
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def _library() -> Any:
    from llvmlite.binding import ffi

    return ffi.lib


@cache
def _unlocked_emit() -> Any:
    """LLVM's code generator without llvmlite's lock, which lets one thread in at a time; None if
    this llvmlite has it in another form. LLVM itself asks only that each thread has a context and
    a machine of its own."""
    from llvmlite.binding import ffi

    function = getattr(ffi.lib.LLVMPY_TargetMachineEmitToMemory, "_cfn", None)
    expected = [
        ffi.LLVMTargetMachineRef, ffi.LLVMModuleRef, ctypes.c_int,
        ctypes.POINTER(ctypes.c_char_p),
    ]  # fmt: skip
    return function if getattr(function, "argtypes", None) == expected else None
