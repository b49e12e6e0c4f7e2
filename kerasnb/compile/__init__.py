"""From a traced step to a program that runs it. Asks an op's kind, never its name.

A step's way, and the files along it:

- Tracing: `step` makes a graph, and keeps a program for each kind of batch. `plan` is the
  reference: NumPy or CuPy call by call. `memory` warns before a step that does not fit.
- Graph to graph: `passes`, and for loops `loop_passes` with `loop_parts`, `loop_sums`,
  `loop_memory` and `pieces`.
- Lowering: `views` takes out what moves nothing. `schedule` puts the rest in order: `fusion` makes
  groups, `variance` and `recompute` change them, `rows` writes the code of a group's `walk`, and
  `remembering` does so once for equal ones. What is a kernel of its own is in the table of
  `lowering`: `matmul`, `convolve`, `winograd`, `winograd_grad`, `pooling`, `moving`, `indices` and
  `lines` make it. `scans` repeats the calls of a loop's body; `joining`, `prepacking` and
  `summing` save ways through memory.
- The tile of registers of all products, its index maps and its measured rate: `contract`;
  `packing` brings numbers together for it.
- Code: `kernel` writes loops and conditions, `ir` and `lanes` arithmetic; `mathematics`, `wide`,
  `whole` and `philox` are functions. `llvm` compiles; `library` has it done once, and `store`
  keeps the result on the disk.
- Running: `native` is the plan. `placement` gives everything its address with `arena`;
  `recycling` has memory for results. A `job` is run by the native code of `driver`, in the
  threads of `pool`, as many as `cores` says; `repeat` makes one job of many steps. `profile` and
  `peaks` measure.
"""
