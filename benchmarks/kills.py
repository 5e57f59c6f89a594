"""One run under many kill -9 of its trainer and of the app that looks after it, against the same run left alone.

Each kill comes at a random moment of a kind that is drawn: while the trainer loads, within a step, while a checkpoint
or the result is written; of the app alone; of both at once. After each the app is started again and the run resumed,
until it is done. Then adapter, losses and events must be those of the straight run.

    python benchmarks/kills.py [--kills 200] [--seed 0] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.home import Home, open_home  # noqa: E402
from studio.recipe.presets import preset_named  # noqa: E402
from studio.recipe.read import changed  # noqa: E402
from studio.recipe.recipe import Recipe  # noqa: E402
from studio.run.directory import Run, Status  # noqa: E402
from studio.run.events import Metrics, Resumed, that_count  # noqa: E402
from studio.run.launchers import environment  # noqa: E402
from studio.run.owner import read_owner  # noqa: E402
from studio.run.resume import may_resume, resume  # noqa: E402
from studio.run.submit import submit  # noqa: E402

FORKED = ROOT / "benchmarks" / "forked.py"
SAVE_STEPS = 3
STEPS_PER_KILL = 3  # more than a run gets on with, on average, between two kills
KINDS = {"loading": 15, "step": 30, "checkpoint": 30, "app": 15, "both": 10}  # how often each, in percent
AT_END = 0.05  # the share of kills that is kept for the writing of the result
CLOSE_TO_END = 20  # steps
PATIENCE = 120  # seconds for anything to happen
WHOLE_RUN = 3600  # seconds
LOOK = 0.002


def recipe_of(kills: int) -> Recipe:
    """LoRA with dropout on the starter: short rows, small batches, a checkpoint every few steps, held-out checks."""
    steps = max(60, STEPS_PER_KILL * kills // SAVE_STEPS * SAVE_STEPS)  # the last step is saved too
    training = {"max_steps": steps, "save_steps": SAVE_STEPS, "saves_kept": 3, "batch_size": 2, "max_length": 96}
    training |= {"evaluations": 6, "evaluation_rows": 4, "precision": "float32"}
    changes = {f"training.{name}": value for name, value in training.items()}
    return changed(preset_named("starter").recipe, changes | {"method.rank": 4, "method.dropout": 0.1})


def until(true: Callable[[], object], of: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it never came to that: {of}")
        time.sleep(LOOK)


def kill(pid: int) -> None:
    """End a process as the system would; nothing where the number is 0."""
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGKILL)


class Warm:
    """The warm parent, and the app that it forks."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home = home
        self._address = str(folder / "warm.sock")
        self._log = (folder / "warm.log").open("ab")
        self._parent = self._spawn([str(FORKED), "serve", self._address])
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == b"ready\n", (folder / "warm.log").read_text()
        self._app: subprocess.Popen[bytes] | None = None
        self.pid = 0

    def start_app(self) -> None:
        self._app = self._spawn(["-S", str(FORKED), self._address, "app", str(self._home.root)])
        assert self._app.stdout is not None
        self.pid = int(self._app.stdout.readline())

    def kill_app(self) -> None:
        assert self._app is not None
        kill(self.pid)
        self._app.wait(PATIENCE)

    def close(self) -> None:
        if self._app is not None and self._app.poll() is None:
            self.kill_app()
        self._parent.kill()
        self._parent.wait()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env=environment(),
        )


class Hunted:
    """A run, and what is known of it at the moment: the process that does it and how far it is."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._cursor = 0
        self.step = 0
        self.news = 0
        """Steps logged since the last `forget`."""

    def trainer(self) -> int:
        """The process that does the run; 0 where there is none."""
        owner = read_owner(self.run.owner_path)
        return owner.pid if owner is not None and owner.alive() else 0

    def look(self) -> None:
        events, self._cursor = self.run.events(self._cursor)
        for event in events:
            if isinstance(event, Resumed):
                self.step = event.step
            elif isinstance(event, Metrics) and "loss" in event.values:
                self.step, self.news = event.step, self.news + 1

    def forget(self) -> None:
        self.look()
        self.news = 0

    def over(self) -> bool:
        return self.run.ended() is not None

    def got_on(self, steps: int) -> bool:
        self.look()
        return self.news >= steps or not self.trainer()

    def saves(self) -> bool:
        return (self.run.path / "checkpoints" / ".partial").is_dir() or not self.trainer()

    def writes_result(self) -> bool:
        return (self.run.path / "adapter.partial").is_dir() or not self.trainer()


class Hunter:
    """Kills, restarts and resumes."""

    def __init__(self, warm: Warm, run: Run, steps: int, seed: int) -> None:
        self._warm = warm
        self._prey = Hunted(run)
        self._steps = steps
        self._chance = random.Random(seed)
        self._loading = 1.0  # seconds from a trainer's start to its first step, as last seen
        self.done: Counter[str] = Counter()

    def hunt(self, kills: int) -> None:
        """Kill so often, then let the run come to its end."""
        run = self._prey.run
        until(lambda: run.checkpoints(), "a first checkpoint")  # without one there is nothing to go on from
        at_end = max(1, int(AT_END * kills))
        began = time.monotonic()
        for number in range(kills):
            kind = "result" if number >= kills - at_end else self._draw()
            if not self._once(kind):
                return
            if (number + 1) % 10 == 0:
                minutes = (time.monotonic() - began) / 60
                print(f"  {number + 1} kills, step {self._prey.step} of {self._steps}, {minutes:.1f} min", flush=True)
        until(self._prey.over, "the end of the run", WHOLE_RUN)

    def _draw(self) -> str:
        kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
        return "loading" if self._prey.step > self._steps - CLOSE_TO_END and kind != "checkpoint" else kind

    def _once(self, kind: str) -> bool:
        """One kill and what a person does after it. False where the run ended before."""
        prey, chance = self._prey, self._chance
        until(lambda: prey.trainer() or prey.over(), "a trainer")
        if prey.over():
            if prey.run.status() is Status.FINISHED:
                return False
            resume(prey.run)  # the kill met a trainer that had not begun
            until(prey.trainer, "a trainer")
        pid, began = prey.trainer(), time.monotonic()
        prey.forget()
        if kind == "loading":
            time.sleep(chance.uniform(0, self._loading))
        elif kind == "checkpoint":
            until(prey.saves, "a save")
            time.sleep(chance.uniform(0, 0.05))
        elif kind == "result":
            until(prey.writes_result, "the result being written", WHOLE_RUN)
            time.sleep(chance.uniform(0, 0.03))
        else:
            until(lambda: prey.got_on(1), "a step")
            self._loading = 0.7 * self._loading + 0.3 * min(10.0, time.monotonic() - began)
            steps = chance.randint(1, 5)
            until(lambda: prey.got_on(steps), "some steps")
            time.sleep(chance.uniform(0, 0.2))
        if kind != "app":
            kill(pid)
        if kind in {"app", "both"}:
            self._warm.kill_app()
            self._warm.start_app()
        self.done[kind] += 1
        if kind == "app":
            assert prey.trainer() in {pid, 0}, "the app that came back took the run from its trainer"
            return True
        until(lambda: not prey.run.status().active, "the end of the killed trainer")
        if prey.run.status() is Status.FINISHED:
            return False
        assert may_resume(prey.run, status := prey.run.status()), status
        resume(prey.run)
        return True


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in {".safetensors", ".json"}
    }


def measured(run: Run, name: str) -> list[tuple[int, float]]:
    """What the run's events say of a measure, as a reader of them takes it."""
    events = that_count(run.events()[0])
    return [(each.step, each.values[name]) for each in events if isinstance(each, Metrics) and name in each.values]


def compare(straight: Run, hunted: Run, steps: int) -> bool:
    """Print what is equal. True where all is."""
    losses, checks = measured(hunted, "loss"), measured(hunted, "eval_loss")
    numbers = [step for step, _ in losses]
    same = {
        "finished": hunted.status() is Status.FINISHED,
        "adapter, every byte": digests(hunted.adapter) == digests(straight.adapter),
        "no step lost or doubled": numbers == list(range(1, steps + 1)),
        "losses": losses == measured(straight, "loss"),
        "held-out losses, none lost or doubled": checks == measured(straight, "eval_loss"),
    }
    for what, equal in same.items():
        print(f"{what}: {'yes' if equal else 'NO'}")
    return all(same.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", help="do it in this folder and leave it there")
    asked = parser.parse_args()
    print(describe_machine())
    with contextlib.ExitStack() as stack:
        folder = Path(asked.keep or stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        home, recipe = open_home(folder / "home"), recipe_of(asked.kills)
        steps = recipe.training.max_steps
        warm = Warm(home, folder)
        stack.callback(warm.close)
        straight = submit(home, recipe)
        warm.start_app()
        began = time.monotonic()
        until(lambda: straight.ended() is not None, "the end of the straight run", WHOLE_RUN)
        print(f"straight run: {steps} steps, {straight.status()}, {time.monotonic() - began:.0f} s", flush=True)
        began = time.monotonic()
        hunted = submit(home, recipe)
        stack.callback(lambda: kill(Hunted(hunted).trainer()))  # a trainer goes on without its app
        hunter = Hunter(warm, hunted, steps, asked.seed)
        hunter.hunt(asked.kills)
        taken = f"{sum(hunter.done.values())} kills ({', '.join(f'{n} {kind}' for kind, n in hunter.done.items())})"
        print(f"killed run: {taken}, {hunted.status()}, {(time.monotonic() - began) / 60:.1f} min")
        return 0 if compare(straight, hunted, steps) else 1


if __name__ == "__main__":
    sys.exit(main())
