"""A run of eight hours and 100,000 events, watched all the while: a look costs the same at its end as at its begin."""

from __future__ import annotations

import json
import time

import psutil
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.charts import MOST_POINTS
from studio.home import Home
from studio.run import owner
from studio.run.directory import Run
from studio.run.events import Event, EventWriter, Metrics, Started
from studio.ui.live import live_routes

EVENTS, EACH = 100_000, 1_000  # in all, and from one look to the next
PACE = 8 * 3600 / EVENTS  # seconds a step


def step(number: int) -> Metrics:
    values = {"loss": 1 + 1 / number, "grad_norm": 0.9, "learning_rate": 1e-4, "tokens_per_second": 500.0}
    return Metrics(step=number, time=1_000_000 + number * PACE, values=values)


class Watcher:
    """A page that follows a run: it keeps what the studio said last, as a browser does."""

    def __init__(self, client: TestClient, run: Run) -> None:
        self._client = client
        self._at = f"/studio/runs/{run.name}"
        self.known = dict(client.get(f"{self._at}/figure").json())

    def look(self) -> dict[str, object]:
        since = {"cursor": self.known["cursor"], "seen": json.dumps(self.known["seen"])}
        answer = dict(self._client.get(f"{self._at}/news", params=since).json())
        assert "redraw" not in answer
        self.known |= answer
        return answer

    def cost(self, write: EventWriter, last: int) -> tuple[float, int]:
        """Seconds and bytes of a look at one new step. The least of many: the machine is busy with other things."""
        costs = []
        for at in range(last + 1, last + 41):
            write.write(step(at))
            began = time.process_time()
            size = len(json.dumps(self.look()))
            costs.append((time.process_time() - began, size))
        return min(costs)[0], max(size for _, size in costs)


def lines(first: int, last: int) -> bytes:
    """Steps as their writer puts them, made quickly."""
    pattern = step(1).model_dump(mode="json")
    return b"".join(
        json.dumps(pattern | {"step": at, "time": 1_000_000 + at * PACE}, separators=(",", ":")).encode() + b"\n"
        for at in range(first, last + 1)
    )


@pytest.fixture
def run(home: Home) -> Run:
    run = Run(home.runs / "2026-11-20-amber-fox")
    run.path.mkdir()
    (run.path / "recipe.yaml").write_text("{}")
    owner.claim(run.owner_path)
    return run


def test_a_look_costs_no_more_and_the_studio_does_not_grow(home: Home, run: Run) -> None:
    app = FastAPI()
    app.include_router(live_routes(home), prefix="/studio")
    started: Event = Started(
        steps=EVENTS, epochs=3, rows=9, held_out_rows=9, trainable_parameters=1, parameters=2, time=1_000_000
    )
    memory = psutil.Process().memory_info
    with EventWriter(run.events_path) as write, run.events_path.open("ab") as in_bulk, TestClient(app) as client:
        write.write(started)
        in_bulk.write(lines(1, 100))
        in_bulk.flush()
        watcher = Watcher(client, run)
        first, bytes_first = watcher.cost(write, 100)
        settled = 0
        for last in range(EACH, EVENTS + 1, EACH):
            in_bulk.write(lines(last - EACH + 1, last))
            in_bulk.flush()
            watcher.look()
            settled = memory().rss if last == EVENTS // 10 else settled
        grown = memory().rss / settled
        late, bytes_late = watcher.cost(write, EVENTS)
    assert run.events_path.stat().st_size > 10_000_000
    assert late < 1.5 * first, "a tick costs the same"
    assert bytes_late < bytes_first + 100 < 25_000
    assert grown < 1.05, "memory does not grow with the run"
    assert all(len(trace["x"]) <= MOST_POINTS for trace in watcher.known["figure"]["data"])
