"""The bundled samples of pairs with the untouched default recipe: held-out exact match of base and tuned model.

python benchmarks/samples.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "assets" / "samples"
PAIRS = ("tickets", "house-voice", "queues")


def verb(*words: str) -> dict[str, object]:
    """The JSON that a verb of the command line prints."""
    command = [sys.executable, "-m", "studio", *words, "--json"]
    return dict(json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout))


def main() -> None:
    print(describe_machine())
    with tempfile.TemporaryDirectory() as home:
        for folder in (SAMPLES / name for name in PAIRS):
            train, held_out = (str(next(folder.glob(f"{stem}.*"))) for stem in ("train", "held_out"))
            began = time.perf_counter()
            run = verb("train", "starter", "--data", train, "--held-out", held_out, "--home", home)
            seconds = time.perf_counter() - began
            score = verb("score", str(run["run"]), "--home", home)
            base, tuned = (score["scores"][who]["exact_match"] for who in ("base", "tuned"))
            reached = f"base {base:.1%}, tuned {tuned:.1%}"
            print(f"{folder.name}: exact match of {score['n']} held-out rows: {reached}; trained in {seconds:.0f} s")


if __name__ == "__main__":
    main()
