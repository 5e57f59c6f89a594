"""From Stop to the end of a run, in steps and in seconds: at most two steps and what saving takes.

Runs of the bundled starter are stopped at random moments. What saving took is read in their events: the checkpoint's
seconds, and the time from the phase "saving" to the last event.

    python benchmarks/stop.py [--runs 5] [--seed 0]
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.home import Home, open_home  # noqa: E402
from studio.recipe.presets import preset_named  # noqa: E402
from studio.recipe.read import changed  # noqa: E402
from studio.run.directory import Run, find_run  # noqa: E402
from studio.run.events import Ended, Metrics, Phase, Saved  # noqa: E402
from studio.run.wish import Wish  # noqa: E402

ALLOWED = 2  # steps beyond the save


@dataclass(frozen=True)
class Stopped:
    """One stopped run. `beyond` is the seconds from the wish to the end that were not spent on saving."""

    kind: str
    steps: int
    beyond: float
    saving: float
    step_seconds: float

    @property
    def in_steps(self) -> float:
        return self.beyond / self.step_seconds


def losses(run: Run) -> list[Metrics]:
    return [each for each in run.events()[0] if isinstance(each, Metrics) and "loss" in each.values]


def stop_once(home: Home, number: int, chance: random.Random) -> Stopped:
    """Start a run, stop it a random moment after some steps, and wait for its end."""
    recipe = changed(preset_named("starter").recipe, {"training.seed": number, "training.evaluations": 2})
    path = home.root / f"{number}.yaml"
    path.write_text(recipe.to_yaml(), "utf-8")
    before = {each.name for each in home.runs.iterdir()}
    command = [sys.executable, "-m", "studio", "train", str(path), "--home", str(home.root)]
    training = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (new := {each.name for each in home.runs.iterdir() if not each.name.startswith(".")} - before):
        time.sleep(0.01)
    run = find_run(home, new.pop())
    steps = chance.randint(3, 12)
    while len(losses(run)) < steps:
        assert run.ended() is None, run.ended()
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.5))
    done, asked = losses(run)[-1].step, time.time()
    run.ask(Wish.STOP)
    training.wait(300)
    return read(run, done, asked)


def read(run: Run, done: int, asked: float) -> Stopped:
    """What the events say of a run that was asked to stop at the time `asked`, with `done` steps logged."""
    events = run.events()[0]
    ended = run.ended()
    assert isinstance(ended, Ended), "it did not end"
    began_saving = max(each.time for each in events if isinstance(each, Phase) and each.phase == "saving")
    checkpoints = sum(each.seconds for each in events if isinstance(each, Saved) and each.time >= asked)
    saving = min(checkpoints, began_saving - asked) + ended.time - began_saving
    return Stopped(
        kind=ended.kind,
        steps=ended.step - done,
        beyond=ended.time - asked - saving,
        saving=saving,
        step_seconds=statistics.median(each.values["step_seconds"] for each in losses(run)),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(describe_machine())
    chance, every = random.Random(asked.seed), []
    with tempfile.TemporaryDirectory() as folder:
        home = open_home(folder)
        for number in range(1, asked.runs + 1):
            one = stop_once(home, number, chance)
            every.append(one)
            print(
                f"{number}: {one.kind} {one.steps} steps later, {one.beyond:.2f} s beyond the {one.saving:.2f} s of "
                f"saving: {one.in_steps:.2f} of its steps ({one.step_seconds:.2f} s)",
                flush=True,
            )
    worst, steps = max(one.in_steps for one in every), max(one.steps for one in every)
    median = statistics.median(one.in_steps for one in every)
    print(f"Stop to end beyond the save, in steps: median {median:.2f}, most {worst:.2f} (bound {ALLOWED})")
    print(f"steps done after Stop: most {steps} (bound {ALLOWED})")
    return 0 if all(one.kind == "stopped" for one in every) and max(worst, steps) <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
