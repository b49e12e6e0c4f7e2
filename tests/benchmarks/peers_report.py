"""What `peers.py` measured as tables, beside the bars it is held to."""

from __future__ import annotations

import statistics
from typing import Any

__all__ = ["print_case", "print_scaling", "print_together"]

OURS = "kerasnb"
TITLES = {
    "pima": "8-12-8-1, batch 10, Adam",
    "mlp": "784-512-512-10, batch 128, RMSprop",
    "cnn": "Keras's MNIST network, batch 128, Adam",
    "lstm": "80 of 20,000 words, LSTM 128, batch 32, Adam",
    "resnet20": "CIFAR's shape, batch 128, SGD with momentum",
    "transformer": "2 blocks, width 64, 64 words, batch 64, Adam",
}
# the fastest peer's time by ours, at least
RATIO = {"pima": 20, "mlp": 1.7, "cnn": 2, "lstm": 1.5, "resnet20": 1.5, "transformer": 2}
START = {"pima": 0.5, "resnet20": 2.0}  # seconds until the first step is done; half of it warm
ROW = {"mlp": 30e-6}  # seconds to predict one row
MEGABYTES = 400
BUSY = 0.2  # cores; threads that wait by spinning for a moment after a turn stay below it
HEAD = (
    f"  {'':17}{'step ms':>9}{'of all rounds':>18}{'start s':>9}{'1 row us':>10}"
    f"{'us/row':>9}{'MB':>7}{'loss':>17}"
)


def print_case(case: str, results: dict[str, dict[str, Any]]) -> None:
    """A row for each library, the bars, and what makes the comparison doubtful."""
    print(f"\n{case}: {TITLES[case]}\n{HEAD}")
    for name, result in results.items():
        if "failed" in result:
            print(f"  {name:17}{result['failed'][:200]}")
        else:
            print(row(name, result))
    for line in (*bars(case, results), *doubts(results)):
        print(f"  {line}", flush=True)


def row(name: str, result: dict[str, Any]) -> str:
    """A library's medians; of all rounds the fastest and slowest, and the first and last loss."""
    step, losses = result["step"], result["loss"]
    return (
        f"  {name:17}{middle(step) * 1e3:9.3f}"
        f"{f'{min(step) * 1e3:.3f} - {max(step) * 1e3:.3f}':>18}{middle(result['cold']):9.2f}"
        f"{middle(result['row']) * 1e6:10.1f}{middle(result['batch']) * 1e6:9.2f}"
        f"{middle(result['peak']):7.0f}{f'{losses[0]:.3f} > {losses[-1]:.3f}':>17}"
    )


def middle(values: list[float]) -> float:
    return statistics.median(values)


def bars(case: str, results: dict[str, dict[str, Any]]) -> list[str]:
    """Each figure that has a bar, and whether it is met."""
    ours = results[OURS]
    lines = []
    peers = {n: r for n, r in results.items() if n != OURS and "failed" not in r}
    if peers and "failed" not in ours:
        best = min(peers, key=lambda n: middle(peers[n]["step"]))
        ratio = middle(peers[best]["step"]) / middle(ours["step"])
        rounds = [
            min(times) / own
            for own, *times in zip(ours["step"], *(r["step"] for r in peers.values()), strict=True)
        ]
        lines.append(
            f"ratio {ratio:.2f} against {best}, {min(rounds):.2f} to {max(rounds):.2f} by round: "
            + verdict(RATIO[case], ratio >= RATIO[case], "at least ")
        )
    if warm := ours.get("warm"):
        line = f"start {middle(ours['cold']):.2f} s cold and {middle(warm):.2f} s warm"
        if most := START.get(case):
            line += ": " + verdict(most, middle(ours["cold"]) <= most, "at most ")
            line += " cold, " + verdict(most / 2, middle(warm) <= most / 2, "at most ") + " warm"
        lines.append(line)
    if "failed" not in ours:
        if most := ROW.get(case):
            took = middle(ours["row"])
            line = f"prediction of one row {took * 1e6:.1f} us by {ours['row_by'][-1]}: "
            lines.append(line + verdict(most * 1e6, took <= most, "at most "))
        peak = middle(ours["peak"])
        lines.append(f"memory {peak:.0f} MB: " + verdict(MEGABYTES, peak <= MEGABYTES, "at most "))
    return lines


def verdict(bar: float, met: bool, relation: str) -> str:
    return f"bar {relation}{bar:g}, {'met' if met else 'MISSED'}"


def doubts(results: dict[str, dict[str, Any]]) -> list[str]:
    """Signs that not all did the same work, or that they were not alone."""
    able = {name: result for name, result in results.items() if "failed" not in result}
    lines = []
    sizes = {name: result["parameters"][-1] for name, result in able.items()}
    if len(set(sizes.values())) > 1:
        lines.append(f"DOUBT: numbers of parameters differ: {sizes}")
    last = {name: round(result["loss"][-1], 4) for name, result in able.items()}
    # what is nearly learnt differs by chance; NaN is never within a range
    if last and not max(last.values()) <= 1.5 * min(last.values()) + 0.1:
        lines.append(f"DOUBT: losses differ: {last}")
    for name, result in able.items():
        if (busy := middle(result["idle"])) > BUSY:
            lines.append(f"DOUBT: {name} used {busy:.1f} cores while others had their turn")
    return lines


def print_together(cases: list[str], result: dict[str, Any]) -> None:
    """The memory of one process that trains all cases."""
    peak = result.get("peak")
    text = result.get("failed") or f"{peak:.0f} MB: " + verdict(
        MEGABYTES, peak <= MEGABYTES, "at most "
    )
    print(f"\n{', '.join(cases)} in one process of ours: {text}")


def print_scaling(series: dict[str, list[dict[str, Any]]]) -> None:
    """Time a step beside the work, each also as a multiple of the one before."""
    for name, points in series.items():
        fixed = "width" if name == "batch" else "batch"
        print(f"\nthree Dense layers, Adam, {fixed} {points[0][fixed]}")
        print(f"  {name:>6}{'step ms':>10}{'times':>8}{'Mflop':>10}{'times':>8}{'GFLOP/s':>9}")
        before = None
        for point in points:
            step, flops = point["step"], point["flops"]
            more = more_work = ""
            if before:
                more = f"{step / before['step']:.2f}"
                more_work = f"{flops / before['flops']:.2f}"
            print(
                f"  {point[name]:6}{step * 1e3:10.4f}{more:>8}{flops / 1e6:10.2f}{more_work:>8}"
                f"{flops / step / 1e9:9.1f}"
            )
            before = point
