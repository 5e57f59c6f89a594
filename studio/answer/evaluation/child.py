"""An evaluation's process as those see it who start it: the page's examiner, and the command line."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

from studio.answer.evaluation.folder import Evaluation
from studio.answer.host import ENVIRONMENT
from studio.home import CHECKOUT
from studio.run.launchers import environment
from studio.run.owner import read_owner

PATIENCE = 5.0  # seconds that it has to leave by itself


class Child:
    """One process that does an evaluation. It ends with who started it.

    `may_execute`: whether a user's own metric, a Python file, may be run. Only whoever typed its name may say so.
    """

    def __init__(self, evaluation: Evaluation, may_execute: bool = False) -> None:
        self.evaluation = evaluation
        execute = ["--execute"] if may_execute else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio.answer.evaluation", str(evaluation.path), *execute],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=CHECKOUT,
            env=environment() | ENVIRONMENT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self) -> int | None:
        """What it ended with, negative where a signal ended it; None while it is there."""
        return self._process.poll()

    def claimed(self) -> bool:
        """Whether the evaluation is, or was last, done by this very process."""
        owner = read_owner(self.evaluation.owner_path)
        return owner is not None and owner.pid == self.pid

    def wait(self) -> bool:
        """Whether it leaves by itself within some seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        return self.status() is not None

    def end(self) -> None:
        """End it now; what was answered is kept. Returns when it is gone."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if not self.wait():
            self._process.kill()
            self._process.wait()
