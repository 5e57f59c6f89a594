"""The command line as a user meets it: a process, what it printed and how it ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from studio.home import CHECKOUT
from tests.tiny_run import one_thread

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def studio(home) -> Callable[..., Done]:
    """`studio("runs", "--json")` runs that verb in a process of its own, with the test's home."""

    def call(*arguments: object) -> Done:
        command = [sys.executable, "-m", "studio", *map(str, arguments)]
        if len(arguments) > 1 or arguments[:1] == ("runs",):
            command += ["--home", str(home.root)]
        with one_thread():
            return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=240)

    return call
