"""The native code that runs kernels one after another, alone or with other threads. Imports kernel.

A job is a list of records (function, operands, chunks) in segments: the records of a segment with
one chunk run in order by one thread, a segment of one record with many chunks is shared. Between
steps the job's operands get new addresses from a table, so that many steps are one call.

Threads share a job without locks. Each segment has a ticket, ``generation << 32 | next chunk``,
from which a thread takes a chunk by compare and swap, and a count of the chunks that are done. All
walk through all segments; who comes late, or wakes up in a later step, finds a generation that is
not his and does nothing. Which thread takes which chunk changes nothing in the results. A job that
is timed has the leader write down when each segment was done.
"""

from __future__ import annotations

import platform
import sys
import time

from kerasnb.compile.kernel import Kernel

__all__ = ["DRIVER", "JOB", "LEAD", "LINE", "OPEN", "SHARED", "WORK"]

LINE = 64  # bytes; what threads write is apart by so many, or each write would disturb the others

# words (i64) of a job, in order
JOB = (
    "records", "record_count", "segments", "segment_count", "tickets", "pointers", "patches",
    "patch_count", "values", "value_count", "shared", "times",
)  # fmt: skip
# what threads share: bytes from the beginning
SHARED = {
    "generation": 0, "open": LINE, "inside": 2 * LINE, "job": 3 * LINE, "yield": 3 * LINE + 8,
    "scratches": 3 * LINE + 16, "clock": 3 * LINE + 24,
}  # fmt: skip

_SPINS = 2000  # rounds of waiting, some 40 us, before other processes may have the core


def _pause() -> tuple[str, str]:
    """The declaration and the call of what a waiting processor should do."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return "declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"
    return "declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"


def _clock(to: str) -> str:
    """The call of the system's clock: `pool.seconds` knows what it writes, two words or one."""
    first = "" if sys.platform == "win32" else f"i32 {time.CLOCK_MONOTONIC}, "
    return f"call i32 %clock({first}ptr {to})"


def _word(name: str, kind: str = "i64") -> str:
    """Code that loads a word of the job."""
    return (
        f"%{name}_at = getelementptr i64, ptr %job, i64 {JOB.index(name)}\n"
        f"  %{name} = load {kind}, ptr %{name}_at"
    )


def _place(name: str) -> str:
    """Code for the address of something that threads share."""
    return f"%{name}_at = getelementptr i8, ptr %shared, i64 {SHARED[name]}"


def _loop(count: str, body: str, first: str = "0") -> str:
    """Code for ``for %i in range(first, count)``: the rest of a function that returns nothing."""
    return f"""br label %head
head:
  %i = phi i64 [{first}, %begin], [%next, %body]
  %more = icmp slt i64 %i, {count}
  br i1 %more, label %body, label %end
body:
  {body.strip()}
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}"""


_DECLARED, _PAUSE = _pause()

_WAIT = f"""
define internal i64 @kernel.wait(ptr %shared, i64 %spins) noinline {{
begin:
  %long = icmp uge i64 %spins, {_SPINS}
  br i1 %long, label %others, label %pause
others:
  {_place("yield")}
  %yield = load ptr, ptr %yield_at
  call i32 %yield()
  br label %end
pause:
  {_PAUSE}
  br label %end
end:
  %more = add i64 %spins, 1
  ret i64 %more
}}
"""

_RUN = """
define internal void @kernel.run(ptr %record, i64 %from, i64 %to, ptr %scratch) {
begin:
  %function = load ptr, ptr %record
  %operands_at = getelementptr ptr, ptr %record, i64 1
  %operands = load ptr, ptr %operands_at
  """ + _loop("%to", "call void %function(ptr %operands, i64 %i, ptr %scratch)", "%from")

_RUN_ALL = """
define internal void @kernel.run_all(ptr %records, i64 %count, ptr %scratch) {
begin:
  """ + _loop(
    "%count",
    """
  %record = getelementptr {ptr, ptr, i64}, ptr %records, i64 %i
  %chunks_at = getelementptr i64, ptr %record, i64 2
  %chunks = load i64, ptr %chunks_at
  call void @kernel.run(ptr %record, i64 0, i64 %chunks, ptr %scratch)
""",
)

# one thread's way through the segments of one generation; it notes the time in `times`, if not null
_WALK = f"""
define internal void @kernel.walk(
  ptr %job, ptr %shared, i64 %generation, ptr %scratch, ptr %times
) {{
begin:
  {_word("records", "ptr")}
  {_word("segments", "ptr")}
  {_word("segment_count")}
  {_word("tickets", "ptr")}
  {_place("clock")}
  %clock = load ptr, ptr %clock_at
  %untimed = icmp eq ptr %times, null
  br i1 %untimed, label %ready, label %note_start
note_start:
  {_clock("%times")}
  br label %ready
ready:
  br label %head
head:
  %i = phi i64 [0, %ready], [%next, %following]
  %more = icmp slt i64 %i, %segment_count
  br i1 %more, label %enter, label %end
enter:
  %segment = getelementptr {{i64, i64, i64}}, ptr %segments, i64 %i
  %first = load i64, ptr %segment
  %count_at = getelementptr i64, ptr %segment, i64 1
  %count = load i64, ptr %count_at
  %chunks_at = getelementptr i64, ptr %segment, i64 2
  %chunks = load i64, ptr %chunks_at
  %record = getelementptr {{ptr, ptr, i64}}, ptr %records, i64 %first
  %offset = mul i64 %i, {LINE}
  %ticket = getelementptr i8, ptr %tickets, i64 %offset
  %done = getelementptr i64, ptr %ticket, i64 1
  br label %claim
claim:
  %old = load atomic i64, ptr %ticket acquire, align 8
  %age = lshr i64 %old, 32
  %mine = icmp eq i64 %age, %generation
  br i1 %mine, label %look, label %end
look:
  %chunk = and i64 %old, 4294967295
  %left = icmp slt i64 %chunk, %chunks
  br i1 %left, label %take, label %gather
take:
  %taken = add i64 %old, 1
  %pair = cmpxchg ptr %ticket, i64 %old, i64 %taken acq_rel acquire
  %won = extractvalue {{i64, i1}} %pair, 1
  br i1 %won, label %work, label %claim
work:
  %several = icmp sgt i64 %chunks, 1
  br i1 %several, label %one, label %all
one:
  %after = add i64 %chunk, 1
  call void @kernel.run(ptr %record, i64 %chunk, i64 %after, ptr %scratch)
  br label %note
all:
  call void @kernel.run_all(ptr %record, i64 %count, ptr %scratch)
  br label %note
note:
  %before = atomicrmw add ptr %done, i64 1 acq_rel
  br label %claim
gather:
  %spins = phi i64 [0, %look], [%spun, %again]
  %state = load atomic i64, ptr %done acquire, align 8
  %state_age = lshr i64 %state, 32
  %same = icmp eq i64 %state_age, %generation
  br i1 %same, label %compare, label %end
compare:
  %finished = and i64 %state, 4294967295
  %waiting = icmp slt i64 %finished, %chunks
  br i1 %waiting, label %again, label %finish
again:
  %spun = call i64 @kernel.wait(ptr %shared, i64 %spins)
  br label %gather
finish:
  br i1 %untimed, label %following, label %note_end
note_end:
  %time_number = add i64 %i, 1
  %time = getelementptr {{i64, i64}}, ptr %times, i64 %time_number
  {_clock("%time")}
  br label %following
following:
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}}
"""

_PATCH = f"""
define internal void @kernel.patch(ptr %job, i64 %step) {{
begin:
  {_word("pointers", "ptr")}
  {_word("patches", "ptr")}
  {_word("patch_count")}
  {_word("values", "ptr")}
  {_word("value_count")}
  %row_start = mul i64 %step, %value_count
  %row = getelementptr i64, ptr %values, i64 %row_start
  """ + _loop(
    "%patch_count",
    """
  %patch = getelementptr {i64, i64, i64}, ptr %patches, i64 %i
  %position = load i64, ptr %patch
  %value_number_at = getelementptr i64, ptr %patch, i64 1
  %value_number = load i64, ptr %value_number_at
  %offset_at = getelementptr i64, ptr %patch, i64 2
  %offset = load i64, ptr %offset_at
  %base_at = getelementptr i64, ptr %row, i64 %value_number
  %base = load i64, ptr %base_at
  %address = add i64 %base, %offset
  %to = getelementptr i64, ptr %pointers, i64 %position
  store i64 %address, ptr %to
""",
)

# new tickets for a step, which the generation makes known
_ISSUE = f"""
define internal void @kernel.issue(ptr %job, i64 %generation) {{
begin:
  {_word("segment_count")}
  {_word("tickets", "ptr")}
  %value = shl i64 %generation, 32
  """ + _loop(
    "%segment_count",
    f"""
  %offset = mul i64 %i, {LINE}
  %ticket = getelementptr i8, ptr %tickets, i64 %offset
  %done = getelementptr i64, ptr %ticket, i64 1
  store atomic i64 %value, ptr %done release, align 8
  store atomic i64 %value, ptr %ticket release, align 8
""",
)

_LEAD = f"""
define void @kernel(ptr %job, i64 %steps, ptr %scratch) {{
begin:
  {_word("records", "ptr")}
  {_word("record_count")}
  {_word("shared", "ptr")}
  {_word("times", "ptr")}
  {_place("generation")}
  {_place("open")}
  {_place("inside")}
  %alone = icmp eq ptr %shared, null
  br label %head
head:
  %step = phi i64 [0, %begin], [%next_step, %following]
  %more = icmp slt i64 %step, %steps
  br i1 %more, label %body, label %close
body:
  call void @kernel.patch(ptr %job, i64 %step)
  br i1 %alone, label %by_itself, label %with_others
by_itself:
  call void @kernel.run_all(ptr %records, i64 %record_count, ptr %scratch)
  br label %following
with_others:
  %last = load atomic i64, ptr %generation_at acquire, align 8
  %following_one = add i64 %last, 1
  %generation = and i64 %following_one, 2147483647
  call void @kernel.issue(ptr %job, i64 %generation)
  store atomic i64 %generation, ptr %generation_at seq_cst, align 8
  call void @kernel.walk(ptr %job, ptr %shared, i64 %generation, ptr %scratch, ptr %times)
  br label %following
following:
  %next_step = add i64 %step, 1
  br label %head
close:
  br i1 %alone, label %end, label %shut
shut:
  store atomic i64 0, ptr %open_at seq_cst, align 8
  br label %await
await:
  %spins = phi i64 [0, %shut], [%spun, %again]
  %inside = load atomic i64, ptr %inside_at seq_cst, align 8
  %any = icmp ne i64 %inside, 0
  br i1 %any, label %again, label %end
again:
  %spun = call i64 @kernel.wait(ptr %shared, i64 %spins)
  br label %await
end:
  ret void
}}
"""

# `number` is that of the worker; scratch is not used, each worker has its own
_WORK = f"""
define void @kernel(ptr %shared, i64 %number, ptr %scratch) {{
begin:
  {_place("generation")}
  {_place("open")}
  {_place("inside")}
  {_place("job")}
  {_place("scratches")}
  %before = atomicrmw add ptr %inside_at, i64 1 seq_cst
  br label %head
head:
  %seen = phi i64 [-1, %begin], [%seen, %again], [%generation, %walked]
  %spins = phi i64 [0, %begin], [%spun, %again], [0, %walked]
  %open = load atomic i64, ptr %open_at seq_cst, align 8
  %closed = icmp eq i64 %open, 0
  br i1 %closed, label %end, label %look
look:
  %generation = load atomic i64, ptr %generation_at acquire, align 8
  %old = icmp eq i64 %generation, %seen
  br i1 %old, label %again, label %walk
walk:
  %job = load ptr, ptr %job_at
  %scratches = load ptr, ptr %scratches_at
  %own_at = getelementptr ptr, ptr %scratches, i64 %number
  %own = load ptr, ptr %own_at
  call void @kernel.walk(ptr %job, ptr %shared, i64 %generation, ptr %own, ptr null)
  br label %walked
walked:
  br label %head
again:
  %spun = call i64 @kernel.wait(ptr %shared, i64 %spins)
  br label %head
end:
  %left = atomicrmw sub ptr %inside_at, i64 1 seq_cst
  ret void
}}
"""

# lets workers in: operands is what threads share, scratch the job
_OPEN = f"""
define void @kernel(ptr %shared, i64 %unused, ptr %job) {{
  {_place("open")}
  {_place("job")}
  store ptr %job, ptr %job_at
  store atomic i64 1, ptr %open_at seq_cst, align 8
  ret void
}}
"""

LEAD = Kernel(
    "lead a job",
    "\n".join([_DECLARED, _WAIT, _RUN, _RUN_ALL, _WALK, _PATCH, _ISSUE, _LEAD, "!0 = !{}"]),
)
WORK = Kernel(
    "work at a job", "\n".join([_DECLARED, _WAIT, _RUN, _RUN_ALL, _WALK, _WORK, "!0 = !{}"])
)
OPEN = Kernel("open a job", "\n".join([_OPEN, "!0 = !{}"]))
DRIVER = (LEAD, WORK, OPEN)
