"""Where a run is done: in this very process, or in a child of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

from studio.home import CHECKOUT, Home
from studio.run.directory import Run
from studio.run.wish import Wish

WORKER = ("-m", "studio.run.worker")


class Launcher(Protocol):
    """Does runs one after the other. All but `start` may be called at any time."""

    def warm(self) -> None:
        """Get ready, so that the next start is quick."""

    def start(self, run: Run) -> None:
        """Begin `run`; returns at once."""

    def stop(self, run: Run) -> None:
        """Ask `run` to end at its next step."""

    def busy(self) -> bool:
        """Whether the run started last is still being done."""

    def close(self) -> None:
        """Let go of what was only kept ready. A run in progress goes on."""


class ThreadLauncher:
    """Trains in a thread of this process: for tests, debugging and hosts that allow no children."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def warm(self) -> None:
        """Nothing to prepare."""

    def start(self, run: Run) -> None:
        from studio.run.train import train

        self._thread = threading.Thread(target=train, args=(run,), name=f"train {run.name}", daemon=True)
        self._thread.start()

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """A thread ends with its process."""


class ProcessLauncher:
    """Trains in a child of its own: a crash leaves the page standing, and all memory comes back.

    A spare child that has done its imports waits for the next run. Children are not tied to this process: a run goes
    on when the app is closed, and the next app adopts it.
    """

    def __init__(self, home: Home, prefix: tuple[str, ...] = (sys.executable,)) -> None:
        self._log = home.root / "trainer.log"
        self._prefix = prefix
        self._spare: subprocess.Popen[bytes] | None = None
        self._current: subprocess.Popen[bytes] | None = None

    def warm(self) -> None:
        if self._spare is None or self._spare.poll() is not None:
            self._spare = self._spawn()

    def start(self, run: Run) -> None:
        self.warm()
        child, self._spare = self._spare, None
        assert child is not None
        assert child.stdin is not None
        try:
            with child.stdin as pipe:
                pipe.write(f"{run.path}\n".encode())
        except BrokenPipeError:
            pass  # it died while waiting; the queue sees an unclaimed run and says so
        self._current = child

    def stop(self, run: Run) -> None:
        run.ask(Wish.STOP)

    def busy(self) -> bool:
        return self._current is not None and self._current.poll() is None

    def close(self) -> None:
        if self._spare is not None and self._spare.stdin is not None:
            self._spare.stdin.close()
            self._spare = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*self._prefix, *WORKER],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=CHECKOUT,
                env=environment(),
                start_new_session=True,
            )


def environment() -> dict[str, str]:
    """The child's environment: quiet libraries that call nobody but the Hub, and that only when a model is fetched.

    Large pieces of memory go back to the system when they are freed: otherwise the C library keeps some of them, and
    the same run takes up to a fifth more memory one time than another (measured in benchmarks/forecast.py).
    """
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "true", "PYTHONUNBUFFERED": "1"}
    quiet["MALLOC_MMAP_THRESHOLD_"] = str(4 * 2**20)
    path = os.pathsep.join([str(Path(CHECKOUT)), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | quiet | {"PYTHONPATH": path}
