"""Where runs are done: in this very process, or each in a child of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from studio.home import CHECKOUT, Home
from studio.run.devices import Devices, variables
from studio.run.directory import Run
from studio.run.family import new_family
from studio.run.owner import FAMILY, read_owner
from studio.run.wish import Wish
from studio.run.worker import Errand

WORKER = ("-m", "studio.run.worker")


@dataclass(frozen=True)
class Gone:
    """A process (or thread) that was to do `run` and has ended, with `status`: negative where a signal ended it."""

    run: Run
    status: int = 0
    family: str = ""

    def claimed(self) -> bool:
        """Whether it came so far as to begin; the run may have been resumed since."""
        owners = (read_owner(path) for path in self.run.path.glob("process*.json"))
        return any(owner.family == self.family for owner in owners if owner)


class Launcher(Protocol):
    """Does runs, several at a time where it is given several devices. All but `start` may be called at any time."""

    def warm(self, devices: Devices = ()) -> None:
        """Get ready, so that the next start with these devices is quick."""

    def start(self, run: Run, devices: Devices = ()) -> None:
        """Begin `run` on these devices; returns at once."""

    def stop(self, run: Run) -> None:
        """Ask `run` to end at its next step."""

    def busy(self) -> Mapping[Run, Devices]:
        """The runs that were started here and are still being done, each with its devices."""

    def end(self, run: Run) -> None:
        """End what was started for a run and never began it."""

    def ended(self) -> list[Gone]:
        """Who did runs that were started here and ended since this was last asked."""

    def close(self) -> None:
        """Let go of what was only kept ready. Runs in progress go on."""


class ThreadLauncher:
    """Trains in a thread of this process: for tests, debugging and hosts that allow no children."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._run: Run | None = None

    def warm(self, devices: Devices = ()) -> None:
        """Nothing to prepare."""

    def start(self, run: Run, devices: Devices = ()) -> None:
        from studio.run.train import train

        self._thread = threading.Thread(target=train, args=(run,), name=f"train {run.name}", daemon=True)
        self._run = run
        self._thread.start()

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> Mapping[Run, Devices]:
        alive = self._thread is not None and self._thread.is_alive()
        return {self._run: ()} if self._run and alive else {}

    def end(self, run: Run) -> None:
        """A thread cannot be ended."""

    def ended(self) -> list[Gone]:
        if self._run is None or self.busy():
            return []
        run, self._run = self._run, None
        return [Gone(run)]

    def close(self) -> None:
        """A thread ends with its process."""


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    family: str
    devices: Devices

    def alive(self) -> bool:
        return self.process.poll() is None


class ProcessLauncher:
    """Trains in children of their own: a crash leaves the page standing, and all memory comes back.

    A spare child that has done its imports waits for the next run. Children are not tied to this process: a run goes
    on when the app is closed, and the next app adopts it.
    """

    def __init__(self, home: Home, prefix: tuple[str, ...] = (sys.executable,)) -> None:
        self._log = home.root / "trainer.log"
        self._prefix = prefix
        self._spare: _Child | None = None
        self._children: dict[Run, _Child] = {}

    def warm(self, devices: Devices = ()) -> None:
        if self._spare is None or self._spare.devices != devices or not self._spare.alive():
            self.close()
            self._spare = self._spawn(devices)

    def start(self, run: Run, devices: Devices = ()) -> None:
        line = Errand(run=str(run.path), devices=devices).model_dump_json()
        self.warm(devices)
        child, self._spare = self._spare, None
        assert child is not None
        assert child.process.stdin is not None
        with suppress(BrokenPipeError), child.process.stdin as pipe:
            pipe.write(f"{line}\n".encode())  # broken: it died while waiting; the queue sees an unclaimed run
        self._children[run] = child

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> Mapping[Run, Devices]:
        return {run: child.devices for run, child in list(self._children.items()) if child.alive()}

    def end(self, run: Run) -> None:
        if child := self._children.get(run):
            child.process.terminate()  # what has not begun yet heeds it

    def ended(self) -> list[Gone]:
        over = {run: child for run, child in list(self._children.items()) if not child.alive()}
        for run in over:
            del self._children[run]
        return [Gone(run, child.process.returncode, child.family) for run, child in over.items()]

    def close(self) -> None:
        if self._spare is not None and self._spare.process.stdin is not None:
            with suppress(BrokenPipeError):
                self._spare.process.stdin.close()
            self._spare = None

    def _spawn(self, devices: Devices) -> _Child:
        family = new_family()
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*self._prefix, *WORKER],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=environment() | variables(devices) | {FAMILY: family},
                start_new_session=True,
            )
        return _Child(process, family, devices)


def environment() -> dict[str, str]:
    """The child's environment: quiet libraries that call nobody but the Hub, and that only when a model is fetched.

    Large pieces of memory go back to the system when they are freed: otherwise the C library keeps some of them, and
    the same run takes up to a fifth more memory one time than another (measured in benchmarks/forecast.py). All others
    are kept for the next step: to get them from the system anew at each takes a tenth of the time of a step of the
    starter (benchmarks/train.py).
    """
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONUNBUFFERED": "1"}
    quiet |= {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20), "MALLOC_TRIM_THRESHOLD_": str(2**30)}
    path = os.pathsep.join([str(Path(CHECKOUT)), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | quiet | {"PYTHONPATH": path}
