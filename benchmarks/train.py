"""A studio run against a bare TRL script with the same recipe: ratio of wall times, and whether the losses are equal.

Both are whole processes, from start to saved adapter, in turn: studio, bare, studio, bare ...
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
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent


def studio(home: Path) -> tuple[float, Path, list[list[float]]]:
    """Seconds, run folder and losses of one run from the command line."""
    command = ["train", "starter", "--home", str(home), "--json"]
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "studio", *command], cwd=ROOT, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    result = json.loads(done.stdout)
    return seconds, Path(result["folder"]), result["train_loss"]


def bare(folder: Path) -> tuple[float, list[list[float]]]:
    """Seconds and losses of the plain script on the rows and the recipe of a run."""
    began = time.perf_counter()
    script = ROOT / "benchmarks" / "bare_trl.py"
    done = subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    logs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"step"')]
    return seconds, [[log["step"], log["loss"]] for log in logs if "loss" in log]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    print(describe_machine())
    ratios, worst = [], 0.0
    with tempfile.TemporaryDirectory() as home:
        for number in range(pairs):
            mine, folder, losses = studio(Path(home))
            theirs, bare_losses = bare(folder)
            assert [step for step, _ in losses] == [step for step, _ in bare_losses]
            apart = max(abs(a - b) for (_, a), (_, b) in zip(losses, bare_losses, strict=True))
            ratios.append(mine / theirs)
            worst = max(worst, apart)
            print(
                f"{number + 1}: studio {mine:.1f} s, bare {theirs:.1f} s, ratio {mine / theirs:.3f}, apart {apart:.1e}"
            )
    print(f"wall ratio, median of {pairs}: {statistics.median(ratios):.3f}; losses at most {worst:.1e} apart")


if __name__ == "__main__":
    main()
