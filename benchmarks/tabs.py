"""What five open tabs cost a run: its steps while five watchers ask for news as the page does, against without them.

One run, in blocks of steps: watched, alone, watched ... Each block is compared with the one after it, so that a machine
that slows down meanwhile changes little. The page is served by a process of its own, as in use.

    python benchmarks/tabs.py [--blocks 12] [--watchers 5]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from machine import describe_machine
from start import free_port

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.home import Home, open_home  # noqa: E402
from studio.recipe.presets import preset_named  # noqa: E402
from studio.recipe.read import changed  # noqa: E402
from studio.run.directory import Run  # noqa: E402
from studio.run.events import Metrics  # noqa: E402
from studio.run.submit import submit  # noqa: E402

BLOCK = 20  # steps
FIRST = 10  # steps before the first block
EACH = 1.0  # seconds between two looks of a tab, as in assets/live.js
BOUND = 1.05


class Tab:
    """Asks for a run as assets/live.js does: the whole figure first, then what is new, each second."""

    def __init__(self, address: str, run: str, watching: threading.Event) -> None:
        self._at = f"{address}/studio/runs/{run}"
        self._watching = watching
        self._state: dict[str, Any] = {}
        self.looks = self.bytes = 0
        threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self) -> None:
        while True:
            self._watching.wait()
            with contextlib.suppress(OSError):
                self._look()
            time.sleep(EACH)

    def _look(self) -> None:
        since = {"cursor": self._state.get("cursor"), "seen": json.dumps(self._state.get("seen"))}
        address = f"{self._at}/news?{urlencode(since)}" if self._state else f"{self._at}/figure"
        with urllib.request.urlopen(address, timeout=30) as answer:
            text = answer.read()
        self.looks, self.bytes = self.looks + 1, self.bytes + len(text)
        said = json.loads(text)
        self._state = {} if said.get("redraw") else self._state | {k: said[k] for k in ("cursor", "seen") if k in said}


@contextlib.contextmanager
def serving(home: Home) -> Iterator[str]:
    """The studio on a free port. It trains what waits in the home."""
    port = free_port()
    environment = os.environ | {"STUDIO_HOME": str(home.root), "STUDIO_PORT": str(port)}
    app = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        app.terminate()
        app.wait()


def steps_of(run: Run) -> list[Metrics]:
    return [each for each in run.events()[0] if isinstance(each, Metrics) and "loss" in each.values]


def wait_for(run: Run, step: int) -> None:
    while True:
        done = steps_of(run)
        if done and done[-1].step >= step:
            return
        assert run.ended() is None, run.ended()
        time.sleep(0.05)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=12, help="pairs of blocks: watched and alone")
    parser.add_argument("--watchers", type=int, default=5)
    asked = parser.parse_args()
    print(describe_machine())
    last = FIRST + 2 * BLOCK * asked.blocks
    changes = {"training.max_steps": last, "training.evaluations": 0, "training.save_steps": 0}
    with tempfile.TemporaryDirectory() as folder, serving(home := open_home(folder)) as address:
        run, watching = submit(home, changed(preset_named("starter").recipe, changes)), threading.Event()
        wait_for(run, 1)
        tabs = [Tab(address, run.name, watching) for _ in range(asked.watchers)]
        turned: list[tuple[int, bool]] = []
        for number in range(2 * asked.blocks):
            wait_for(run, FIRST + number * BLOCK)
            watched = number % 4 in {0, 3}  # watched, alone, alone, watched: neither is always first
            watching.set() if watched else watching.clear()
            turned.append((steps_of(run)[-1].step, watched))
        wait_for(run, last)
        times = {each.step: each.time for each in steps_of(run)}
        ratio = report(times, [*turned, (last, False)])
        looks, size = sum(tab.looks for tab in tabs), sum(tab.bytes for tab in tabs)
        print(f"{looks} looks of {asked.watchers} watchers, {size / max(1, looks):,.0f} bytes each")
    return 0 if ratio <= BOUND else 1


def report(times: dict[int, float], turned: list[tuple[int, bool]]) -> float:
    """Print and return the median ratio of a step's time watched to alone, of the pairs of neighbouring blocks."""
    blocks = []
    for (begin, watched), (end, _) in itertools.pairwise(turned):
        first = begin + 1  # the step in which the watchers came or went counts for neither
        blocks.append((watched, (times[end] - times[first]) / (end - first)))
    ratios = []
    for one, other in zip(blocks[::2], blocks[1::2], strict=True):
        (_, alone), (_, watched) = sorted((one, other))
        ratios.append(watched / alone)
        print(f"a step watched {watched:.3f} s, alone {alone:.3f} s, ratio {watched / alone:.3f}")
    median = statistics.median(ratios)
    print(f"a step with watchers ÷ without, median of {len(ratios)} pairs of blocks: {median:.3f} (bound {BOUND})")
    return median


if __name__ == "__main__":
    sys.exit(main())
