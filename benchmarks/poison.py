"""Wrong answers among the training rows, and how many of them the blame finds: several sets, several seeds.

Ten rows of a bundled sample get the answer of another row. A run with the starter's default recipe learns from all
rows, and the twenty most suspicious ones are counted. Beside it stands what the last loss alone would have found.
    python benchmarks/poison.py [--sets tickets house-voice queues] [--seeds 11 12] [--home FOLDER]
With `--cost` it measures what keeping the losses takes of a step: steps with and without in turn, each row under both.
    python benchmarks/poison.py --cost [--pairs 2]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "assets" / "samples"
WRONG, TOP = 10, 20
sys.path.insert(0, str(ROOT))


def poisoned(name: str, seed: int, folder: Path) -> tuple[Path, set[str]]:
    """A sample's training rows as a file, ten with the answer of another row; and the prompts of those ten."""
    source = next((SAMPLES / name).glob("train.*"))
    if source.suffix == ".csv":
        with source.open(encoding="utf-8") as file:
            names, *rows = list(csv.reader(file))
    else:
        lines = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
        names, rows = list(lines[0]), [list(line.values()) for line in lines]
    chance = random.Random(seed)
    answers = [answer for _, answer in rows]
    unique = [at for at, (prompt, _) in enumerate(rows) if sum(prompt == other for other, _ in rows) == 1]
    wrong = chance.sample(unique, WRONG)
    for at in wrong:
        rows[at][1] = chance.choice([answer for answer in answers if answer != answers[at]])
    path = folder / f"{name}-{seed}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path, {rows[at][0] for at in wrong}


def found(name: str, seed: int, home: Path) -> tuple[int, int, int]:
    """How many wrong rows were learned from, and how many are among the most suspicious and the highest last losses."""
    from studio.run.directory import Run
    from studio.run.row_losses.blame import blame
    from studio.run.row_losses.read import read_row_losses

    path, wrong = poisoned(name, seed, home)
    held_out = next((SAMPLES / name).glob("held_out.*"))
    command = [sys.executable, "-m", "studio", "train", "starter", "--data", str(path), "--held-out", str(held_out)]
    output = subprocess.run([*command, "--home", str(home), "--json"], cwd=ROOT, check=True, capture_output=True).stdout
    run = Run(Path(json.loads(output)["folder"]))
    prompts = [example.prompt for example in run.examples("train")]
    kept = read_row_losses(run)
    assert kept is not None
    ways = kept.ways
    last = ways.places[(-ways.last).argsort(kind="stable")][:TOP]
    hits = [
        sum(prompts[place] in wrong for place in places) for places in ([each.place for each in blame(run, TOP)], last)
    ]
    return sum(prompt in wrong for prompt in prompts), hits[0], hits[1]


def cost(pairs: int) -> None:
    """Steps with and without, in turn; in the second run of a pair the other ones."""
    import torch
    from transformers import TrainerCallback

    from studio.home import open_home
    from studio.recipe.presets import preset_named
    from studio.run import train as train_module
    from studio.run.submit import submit

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    seconds: dict[bool, dict[int, list[float]]] = {True: {}, False: {}}

    class Turns(TrainerCallback):  # type: ignore[misc]
        def __init__(self, trainer: Any, first: bool) -> None:
            self.trainer, self.first, self.began = trainer, first, 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.trainer._refused = (state.global_step % 2 == 0) != self.first
            self.began = time.perf_counter()

        def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            taken = time.perf_counter() - self.began
            seconds[not self.trainer._refused].setdefault(state.global_step, []).append(taken)

    build = train_module.build_trainer
    with tempfile.TemporaryDirectory() as name:
        for number in range(2 * pairs):

            def watched(*arguments: Any, first: bool = bool(number % 2)) -> Any:
                trainer: Any = build(*arguments)
                trainer.add_callback(Turns(trainer, first))
                return trainer

            train_module.build_trainer = watched  # type: ignore[assignment]
            train_module.train(submit(open_home(name), preset_named("starter").recipe))
    steps = sorted(set(seconds[True]) & set(seconds[False]))[10:]
    ratios = [min(seconds[True][step]) / min(seconds[False][step]) for step in steps]
    middle = statistics.median(min(seconds[False][step]) for step in steps)
    low, high = (statistics.quantiles(ratios, n=20)[at] for at in (0, -1))
    print(
        f"a step that keeps the losses of its rows takes {statistics.median(ratios):.3f} of one that does not: median "
        f"of {len(ratios)} steps of {1000 * middle:.0f} ms, each the faster of {pairs}; 5 to 95 %: {low:.3f} to "
        f"{high:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["tickets", "house-voice", "queues"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[11, 12])
    parser.add_argument("--home", type=Path, help="where the runs stay, to look at them")
    parser.add_argument("--cost", action="store_true", help="what keeping the losses takes of a step")
    parser.add_argument("--pairs", type=int, default=2)
    options = parser.parse_args()
    print(describe_machine())
    if options.cost:
        cost(options.pairs)
        return
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        for name in options.sets:
            for seed in options.seeds:
                wrong, hits, last = found(name, seed, home)
                print(f"{name}, seed {seed}: {hits} of {wrong} wrong rows among the {TOP} most suspicious; by the last "
                      f"loss alone {last}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
