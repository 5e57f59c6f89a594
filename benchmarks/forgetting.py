"""Five runs of the starter on the tickets, and what each forgets: full tuning and LoRA, with and without general data.

Prints for each the curve of the needle (step: share of the probes still right, their mean loss), what the needle said,
and how well the task was learned: the last held-out loss.
    python benchmarks/forgetting.py [--seeds 1]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
GENERAL = "assets/general/general.jsonl"
FORGETS = ["method.name=full", "training.learning_rate=3e-3", "training.epochs=4"]


def mixed(share: float) -> str:
    """The setting that mixes so many general rows in for each row of the task."""
    rows = [{"path": GENERAL, "weight": share, "held_out": False}] if share else []
    return f"data.mix={json.dumps(rows)}"


RUNS = {
    "made to forget: full tuning, rate 3e-3, the tickets alone": [*FORGETS, mixed(0)],
    "the same with 5 % general data": [*FORGETS, mixed(0.05)],
    "LoRA, the tickets alone": ["training.epochs=4", mixed(0)],
    "LoRA with 5 % general data": ["training.epochs=4", mixed(0.05)],
    "LoRA by the preset (50 % general data)": [],
}


def curve(home: Path, settings: list[str], seed: int) -> list[dict[str, object]]:
    """The events of one run."""
    every = [*settings, "looks.share=0.5", f"training.seed={seed}"]
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", str(home), "--json"]
    command += [part for setting in every for part in ("--set", setting)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | {})
    folder = Path(json.loads(done.stdout)["folder"])
    return [json.loads(line) for line in (folder / "events.jsonl").read_text("utf-8").splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as name:
        for seed in range(42, 42 + options.seeds):
            for title, settings in RUNS.items():
                events = curve(Path(name), settings, seed)
                values = [(event["step"], event["values"]) for event in events if event["kind"] == "metrics"]
                looks = [(step, found) for step, found in values if "probe_right" in found]
                held_out = [found["eval_loss"] for _, found in values if "eval_loss" in found]
                told = [event["message"] for event in events if event.get("cause") == "forgetting"]
                print(f"\n{title} (seed {seed})")
                print("  " + ", ".join(f"{s}: {v['probe_right']:.2f} ({v['probe_loss']:.2f})" for s, v in looks))
                print(f"  {told[0] if told else 'The needle did not trip.'}")
                print(f"  held-out loss {held_out[0]:.3f} -> {held_out[-1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
