"""A studio run against a bare TRL script with the same recipe: ratio of wall times, memory beyond it, equal losses.

Both are whole processes, from start to saved adapter. They run at the same time, each on a half of the processors, and
the halves are swapped from pair to pair: a machine that slows down or that others use slows both. With `--in-turn` they
run one after the other on all processors. The memory is the most that a process and its children held together, what
they share counted once (PSS).
    python benchmarks/train.py [--pairs 4] [--in-turn]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine
from taken import MB, Taken, watched

ROOT = Path(__file__).resolve().parent.parent
Processors = Sequence[int]
NO_LOOKS = ("--set", "looks.enabled=false")  # which a bare script does not do either; benchmarks/looks.py measures them


@dataclass(frozen=True)
class Whole:
    """One whole process: seconds on the wall, what it took, and what it printed."""

    seconds: float
    taken: Taken
    output: str


def whole(command: list[str], processors: Processors) -> Whole:
    """One process with its children, on these processors."""
    began = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "--cpu-list", ",".join(map(str, processors)), *command],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(len(processors))},
    )  # fmt: skip
    with watched(process.pid) as taken:
        output, _ = process.communicate()
        seconds = time.perf_counter() - began
    assert process.returncode == 0, command
    return Whole(seconds, taken, output)


def studio(home: Path, processors: Processors) -> Whole:
    """One run from the command line."""
    return whole(
        [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), *NO_LOOKS, "--json"], processors
    )


def bare(folder: Path, processors: Processors) -> Whole:
    """The plain script on the rows and the recipe of a run."""
    return whole([sys.executable, str(ROOT / "benchmarks" / "bare_trl.py"), str(folder)], processors)


def apart(mine: Whole, theirs: Whole) -> float:
    """The largest difference of their losses at the same step."""
    logs = [json.loads(line) for line in theirs.output.splitlines() if line.startswith('{"step"')]
    bare_losses = [(log["step"], log["loss"]) for log in logs if "loss" in log]
    losses = json.loads(mine.output)["train_loss"]
    assert [step for step, _ in losses] == [step for step, _ in bare_losses]
    return max(abs(a - b) for (_, a), (_, b) in zip(losses, bare_losses, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--in-turn", action="store_true", help="one after the other, on all processors")
    options = parser.parse_args()
    print(describe_machine())
    every = sorted(os.sched_getaffinity(0))
    halves = every[: len(every) // 2], every[len(every) // 2 :]
    ratios, of_processors, beyond, worst = [], [], [], 0.0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as both:
        home = Path(name)
        folder = Path(json.loads(studio(home, every).output)["folder"])  # not counted: its rows are the bare script's
        for number in range(options.pairs):
            if options.in_turn:
                mine, theirs = studio(home, every), bare(folder, every)
            else:
                one, other = halves if number % 2 else halves[::-1]
                running = both.submit(studio, home, one), both.submit(bare, folder, other)
                mine, theirs = (each.result() for each in running)
            ratios.append(mine.seconds / theirs.seconds)
            of_processors.append(mine.taken.processor / theirs.taken.processor)
            beyond.append((mine.taken.memory - theirs.taken.memory) / MB)
            worst = max(worst, apart(mine, theirs))
            print(
                f"{number + 1}: studio {mine.seconds:.1f} s, bare {theirs.seconds:.1f} s, ratio {ratios[-1]:.3f}; "
                f"processors {mine.taken.processor:.1f} and {theirs.taken.processor:.1f} s, "
                f"ratio {of_processors[-1]:.3f}; memory {mine.taken.memory / MB:,.0f} and "
                f"{theirs.taken.memory / MB:,.0f} MB, {beyond[-1]:+,.0f} MB",
                flush=True,
            )
    print(f"wall ratio, median of {options.pairs}: {statistics.median(ratios):.3f} (bound 1.05)")
    print(f"processor time ratio, median of {options.pairs}: {statistics.median(of_processors):.3f}")
    print(f"memory beyond the bare script, median of {options.pairs}: {statistics.median(beyond):+,.0f} MB (bound 400)")
    print(f"losses at most {worst:.1e} apart")


if __name__ == "__main__":
    main()
