"""A studio run against a bare TRL script with the same recipe: ratio of wall times, memory beyond it, equal losses.

Both are whole processes, from start to saved adapter, in turn: studio, bare, studio, bare ... The memory is the most
that the process and its children held together, what they share counted once (PSS). Processor time is printed too:
on a machine that others use as well it says more than the wall.
    python benchmarks/train.py [--pairs 3]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine
from taken import MB, Taken, watched

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Whole:
    """One whole process: seconds on the wall, what it took, and the losses that it printed."""

    seconds: float
    taken: Taken
    losses: list[list[float]]


def whole(command: list[str]) -> tuple[float, Taken, str]:
    """Seconds of a process with its children, what they took, and what it printed."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with watched(process.pid) as taken:
        output, _ = process.communicate()
        seconds = time.perf_counter() - began
    assert process.returncode == 0, command
    return seconds, taken, output


def studio(home: Path) -> tuple[Whole, Path]:
    """One run from the command line, and its folder."""
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), "--json"]
    seconds, taken, output = whole(command)
    result = json.loads(output)
    return Whole(seconds, taken, result["train_loss"]), Path(result["folder"])


def bare(folder: Path) -> Whole:
    """The plain script on the rows and the recipe of a run."""
    seconds, taken, output = whole([sys.executable, str(ROOT / "benchmarks" / "bare_trl.py"), str(folder)])
    logs = [json.loads(line) for line in output.splitlines() if line.startswith('{"step"')]
    return Whole(seconds, taken, [[log["step"], log["loss"]] for log in logs if "loss" in log])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    print(describe_machine())
    ratios, of_processors, beyond, worst = [], [], [], 0.0
    with tempfile.TemporaryDirectory() as home:
        for number in range(pairs):
            mine, folder = studio(Path(home))
            theirs = bare(folder)
            assert [step for step, _ in mine.losses] == [step for step, _ in theirs.losses]
            apart = max(abs(a - b) for (_, a), (_, b) in zip(mine.losses, theirs.losses, strict=True))
            ratios.append(mine.seconds / theirs.seconds)
            of_processors.append(mine.taken.processor / theirs.taken.processor)
            beyond.append((mine.taken.memory - theirs.taken.memory) / MB)
            worst = max(worst, apart)
            print(
                f"{number + 1}: studio {mine.seconds:.1f} s, bare {theirs.seconds:.1f} s, ratio {ratios[-1]:.3f}; "
                f"processors {mine.taken.processor:.1f} and {theirs.taken.processor:.1f} s, "
                f"ratio {of_processors[-1]:.3f}; memory {mine.taken.memory / MB:,.0f} and "
                f"{theirs.taken.memory / MB:,.0f} MB, {beyond[-1]:+,.0f} MB "
                f"(ratio {mine.taken.memory / theirs.taken.memory:.2f}); losses {apart:.1e} apart",
                flush=True,
            )
    print(f"wall ratio, median of {pairs}: {statistics.median(ratios):.3f} (bound 1.05)")
    print(f"processor time ratio, median of {pairs}: {statistics.median(of_processors):.3f}")
    print(f"memory beyond the bare script, median of {pairs}: {statistics.median(beyond):+,.0f} MB (bound 400)")
    print(f"losses at most {worst:.1e} apart")


if __name__ == "__main__":
    main()
