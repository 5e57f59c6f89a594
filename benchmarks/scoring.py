"""Held-out rows answered in batches against one by one, by base and tuned model, and whether the texts are equal.

python benchmarks/scoring.py [--rows N] [--run FOLDER]

Trains the starter on its bundled sample unless a run is named. Both ways load nothing anew and take turns by small
parts of the rows, so that what else the machine does meets both alike.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
PARTS = 2  # of the rows, one after the other, each both ways


def trained(home: str) -> str:
    """The folder of a run of the starter preset."""
    command = [sys.executable, "-m", "studio", "train", "starter", "--home", home]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()[-1]


def one_by_one(model: Any, seat: Any, prompts: dict[int, list[int]], longest: int) -> dict[int, list[int]]:
    """The peer: transformers' own greedy generate, a row at a time."""
    import torch
    from transformers import GenerationConfig

    config = GenerationConfig(
        max_new_tokens=longest, do_sample=False, eos_token_id=sorted(seat.ends), pad_token_id=seat.pad
    )
    said = {}
    for place, ids in prompts.items():
        with torch.inference_mode():
            whole = model.generate(
                input_ids=torch.tensor([ids], device=model.device),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long, device=model.device),
                generation_config=config,
            )[0, len(ids) :].tolist()
        said[place] = whole[:-1] if whole and whole[-1] in seat.ends else whole
    return said


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=120)
    parser.add_argument("--run", help="folder of a run with held-out rows; else the starter is trained first")
    options = parser.parse_args()
    print(describe_machine())
    with tempfile.TemporaryDirectory() as home:
        measure(options.run or trained(home), options.rows)


def measure(folder: str, rows: int) -> None:
    """Both ways over so many held-out rows of the run."""
    from studio.answer.engine import Engine
    from studio.answer.evaluation.contestants import asked_of
    from studio.answer.evaluation.request import Contestant
    from studio.answer.evaluation.writing import write
    from studio.answer.voice import BASE, Voice
    from studio.data.example import Examples
    from studio.run.directory import Run

    run = Run(Path(folder))
    examples = dict(enumerate(run.examples("held_out")[:rows]))
    contestants = [
        Contestant(name="base", voice=Voice.of_run(folder, BASE)),
        Contestant(name="tuned", voice=Voice.of_run(folder)),
    ]
    seats = Engine().seats([each.voice for each in contestants])
    wall: dict[tuple[str, str], float] = defaultdict(float)
    cpu: dict[tuple[str, str], float] = defaultdict(float)
    tokens: dict[str, int] = defaultdict(int)
    unequal = 0
    for contestant, seat in zip(contestants, seats, strict=True):
        asked = asked_of(contestant, seat, examples, Examples.of([]))
        expected = {} if contestant.voice.is_base else asked.references
        one_by_one(seat.model(), seat, dict(list(asked.prompts.items())[:1]), 4)  # warms up
        for part in range(PARTS):
            prompts = {place: ids for place, ids in asked.prompts.items() if place % PARTS == part}
            said: dict[str, dict[int, list[int]]] = {}
            for way in ("one by one", "batches"):
                began, used = time.perf_counter(), time.process_time()
                if way == "batches":
                    wrote = write(seat, prompts, asked.longest, lambda: False, print, expected)
                    said[way] = {place: each.ids for batch in wrote for place, each in batch.items()}
                else:
                    said[way] = one_by_one(seat.model(), seat, prompts, asked.longest)
                wall[contestant.name, way] += time.perf_counter() - began
                cpu[contestant.name, way] += time.process_time() - used
            unequal += sum(said["batches"][place] != said["one by one"][place] for place in prompts)
            tokens[contestant.name] += sum(map(len, said["batches"].values()))
    for name in ("base", "tuned"):
        slow, quick = wall[name, "one by one"], wall[name, "batches"]
        print(
            f"{name}: {tokens[name]:,} tokens of {len(examples)} answers; one by one {slow:.1f} s "
            f"({tokens[name] / slow:,.0f} tokens/s), in batches {quick:.1f} s ({tokens[name] / quick:,.0f} tokens/s): "
            f"{slow / quick:.1f}x; of processor time {cpu[name, 'one by one'] / cpu[name, 'batches']:.1f}x"
        )
    slow, quick = (sum(wall[name, way] for name in ("base", "tuned")) for way in ("one by one", "batches"))
    print(f"both: {slow / quick:.1f}x; answers that differ: {unequal} of {2 * len(examples)}")


if __name__ == "__main__":
    main()
