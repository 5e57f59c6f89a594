"""Runs of the starter on the tickets, and what each forgets: full tuning and LoRA, with and without general data.

Prints for each the curve of the needle (step: share of the probes still right, their mean loss), what the needle says
of it at the end, and how well the task was learned: the first and the last held-out loss. `--only` takes the runs whose
names begin so.
    python benchmarks/forgetting.py [--seeds 1] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.run.directory import Run  # noqa: E402
from studio.run.events import Metrics  # noqa: E402
from studio.run.looks.needle import needle_of  # noqa: E402

GENERAL = "assets/general/general.jsonl"


def mixed(share: float) -> str:
    """The setting that mixes so many general rows in for each row of the task."""
    rows = [{"path": GENERAL, "weight": share, "held_out": False}] if share else []
    return f"data.mix={json.dumps(rows)}"


def full(rate: float, share: float) -> list[str]:
    """Full tuning for four epochs. The studio's own rate for it on the starter is 1e-4."""
    return ["method.name=full", f"training.learning_rate={rate}", "training.epochs=4", mixed(share)]


RUNS = {
    "full tuning, three times the usual rate (3e-4), the tickets alone": full(3e-4, 0),
    "full tuning, 3e-4, 5 % general data": full(3e-4, 0.05),
    "full tuning, ten times the usual rate (1e-3), the tickets alone": full(1e-3, 0),
    "full tuning, 1e-3, 5 % general data": full(1e-3, 0.05),
    "full tuning, thirty times the usual rate (3e-3), the tickets alone": full(3e-3, 0),
    "full tuning, 3e-3, 5 % general data": full(3e-3, 0.05),
    "LoRA, the tickets alone": ["training.epochs=4", mixed(0)],
    "LoRA, 5 % general data": ["training.epochs=4", mixed(0.05)],
    "P10": [mixed(0.1)],
}


def trained(home: Path, settings: list[str], seed: int) -> Run:
    """A run of the preset with these settings."""
    every = [*settings, "looks.share=0.5", f"training.seed={seed}"]
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), "--json"]
    command += [part for setting in every for part in ("--set", setting)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Run(Path(json.loads(done.stdout)["folder"]))


def told(run: Run) -> str:
    """The curves of a run and what its needle says."""
    events = run.events()[0]
    values = [(event.step, event.values) for event in events if isinstance(event, Metrics)]
    looks = [f"{s}: {v['probe_right']:.2f} ({v['probe_loss']:.2f})" for s, v in values if "probe_right" in v]
    held_out = [found["eval_loss"] for _, found in values if "eval_loss" in found]
    needle = needle_of(events)
    assert needle is not None
    return f"  {', '.join(looks)}\n  {needle.words}\n  held-out loss {held_out[0]:.3f} -> {held_out[-1]:.3f}"


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[""])
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        for title, settings in RUNS.items():
            for seed in range(42, 42 + options.seeds):
                if title.startswith(tuple(options.only)):
                    print(f"\n{title} (seed {seed})\n{told(trained(Path(name), settings, seed))}", flush=True)


if __name__ == "__main__":
    main()
