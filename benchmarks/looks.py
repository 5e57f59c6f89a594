"""What the film strip and the forgetting needle cost: the default starter run with looks against the same without.

Both are whole processes at the same time, each on a half of the processors, and the halves are swapped from pair to
pair. With `--in-turn` they run one after the other on all. Also: what the run itself counted for its looks, as a share
of its training.
    python benchmarks/looks.py [--pairs 4] [--in-turn]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import describe_machine
from train import NO_LOOKS, Processors, Whole, whole

BOUND = 1.10


def run(home: Path, processors: Processors, *settings: str) -> Whole:
    """One run of the starter's preset from the command line."""
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), *settings, "--json"]
    return whole(command, processors)


def counted(made: Whole) -> tuple[int, float]:
    """How many looks there were, and their share of the seconds of the training."""
    lines = (Path(json.loads(made.output)["folder"]) / "events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    looks = [event["values"]["look_seconds"] for event in events if "look_seconds" in event.get("values", {})]
    began = next(event["time"] for event in events if event.get("phase") == "training")
    ended = max(event["time"] for event in events if event["kind"] in {"metrics", "look"})
    return len(looks), sum(looks) / (ended - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--in-turn", action="store_true", help="one after the other, on all processors")
    options = parser.parse_args()
    print(describe_machine())
    every = sorted(os.sched_getaffinity(0))
    halves = every[: len(every) // 2], every[len(every) // 2 :]
    ratios, of_processors, shares = [], [], []
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as both:
        homes = Path(name) / "with", Path(name) / "without"  # in one home the second would wait for the first
        for number in range(options.pairs):
            if options.in_turn:
                pair = [(run, homes[0], every), (run, homes[1], every, *NO_LOOKS)]
                done = [make(*how) for make, *how in (pair if number % 2 else pair[::-1])]
                with_looks, without = done if number % 2 else done[::-1]
            else:
                one, other = halves if number % 2 else halves[::-1]
                running = both.submit(run, homes[0], one), both.submit(run, homes[1], other, *NO_LOOKS)
                with_looks, without = (each.result() for each in running)
            looks, share = counted(with_looks)
            ratios.append(with_looks.seconds / without.seconds)
            of_processors.append(with_looks.taken.processor / without.taken.processor)
            shares.append(share)
            print(
                f"{number + 1}: with {with_looks.seconds:.1f} s, without {without.seconds:.1f} s, "
                f"ratio {ratios[-1]:.3f}; processors {of_processors[-1]:.3f}; "
                f"{looks} looks took {share:.1%} of the training",
                flush=True,
            )
    print(f"wall ratio, median of {options.pairs}: {statistics.median(ratios):.3f} (bound {BOUND})")
    print(f"processor time ratio, median of {options.pairs}: {statistics.median(of_processors):.3f}")
    print(f"share of the training by the run's own count, median: {statistics.median(shares):.1%}")


if __name__ == "__main__":
    main()
