"""Functions around straight-line code: loops over all elements of arrays..

The functions take the addresses of contiguous arrays and their length. Whole vectors come first;
what is left over is done by the same code for one element, and comes out the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kerasnb.compile.ir import TYPES, WIDTH, Block, Declined, Lanes
from kerasnb.compile.kernel import size_in_bytes, stored_type

__all__ = ["over_elements"]


def over_elements(
    name: str, inputs: Sequence[str], output: str, formula: Callable[..., Lanes]
) -> str:
    """A function ``void name(ptr in0, ptr in1, ..., ptr out, i64 count)``, as LLVM's text.

    Args:
        name: what it is called.
        inputs: the dtype of each array.
        output: the dtype of the result.
        formula: ``formula(block, *lanes)`` writes the computation of one vector, and gives it.

    Raises:
        Declined: it, or a dtype, is not possible.
    """
    for dtype in (*inputs, output):
        if dtype not in TYPES:
            raise Declined(f"arrays of {dtype}")
    vectors, vector_code = _pass("vector", WIDTH, inputs, output, formula)
    single, single_code = _pass("single", 1, inputs, output, formula)
    given = "".join(f"ptr noalias %in{i}, " for i in range(len(inputs)))
    declared = "\n".join(sorted(vectors.declared | single.declared))
    return f"""{declared}

define void @{name}({given}ptr noalias %out, i64 %count) {{
begin:
  %whole = and i64 %count, -{WIDTH}
  %any = icmp ne i64 %whole, 0
  br i1 %any, label %vector, label %rest
{vector_code}
rest:
  %left = icmp ult i64 %whole, %count
  br i1 %left, label %single, label %end
{single_code}
end:
  ret void
}}
"""


def _pass(
    label: str, width: int, inputs: Sequence[str], output: str, formula: Callable[..., Lanes]
) -> tuple[Block, str]:
    """A loop that takes `width` elements at a time: ``vector`` from 0, ``single`` to the end."""
    block = Block(width, prefix=label[0])
    start, before, stop, after = {
        "vector": ("0", "begin", "%whole", "rest"), "single": ("%whole", "rest", "%count", "end"),
    }[label]  # fmt: skip
    at = f"%{label}_at"
    lanes, loads = [], []
    for i, dtype in enumerate(inputs):
        stored, place = stored_type(dtype), f"%{label}_from{i}"
        aligned = f"align {size_in_bytes(dtype)}"
        loads += [
            f"{place} = getelementptr {stored}, ptr %in{i}, i64 {at}",
            f"%{label}_in{i} = load <{width} x {stored}>, ptr {place}, {aligned}",
        ]
        if dtype == "bool":
            mark = f"icmp ne <{width} x i8> %{label}_in{i}, zeroinitializer"
            loads.append(f"%{label}_true{i} = {mark}")
        lanes.append(Lanes(block, f"%{label}_{'true' if dtype == 'bool' else 'in'}{i}", dtype))
    result = formula(block, *lanes)
    if output == "bool":
        block.emit(f"zext {result.typed()} to <{width} x i8>", "bool")
        result_text = f"<{width} x i8> %{block.prefix}{len(block.lines) - 1}"
    else:
        result_text = result.typed()
    body = "\n  ".join([*loads, *block.lines])
    code = f"""{label}:
  {at} = phi i64 [{start}, %{before}], [%{label}_next, %{label}_done]
  {body}
  %{label}_to = getelementptr {stored_type(output)}, ptr %out, i64 {at}
  store {result_text}, ptr %{label}_to, align {size_in_bytes(output)}
  br label %{label}_done
{label}_done:
  %{label}_next = add i64 {at}, {width}
  %{label}_more = icmp ult i64 %{label}_next, {stop}
  br i1 %{label}_more, label %{label}, label %{after}"""
    return block, code
