"""A home with a run, and evaluations of it done in this process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from studio.answer.engine import Engine
from studio.answer.evaluation.answers import Answers
from studio.answer.evaluation.events import Began
from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.result import Result
from studio.answer.evaluation.work import Work
from studio.home import Home
from studio.run.directory import Run
from studio.run.events import Ended, EventWriter


def do(evaluation: Evaluation, may_execute: bool = False) -> Result:
    """As its process does it."""
    with EventWriter(evaluation.events_path) as events, Answers(evaluation.answers_path) as answers:
        events.write(Began())
        result = Work(evaluation, events, answers, may_execute).done()
        events.write(Ended(kind="finished"))
    return result


@pytest.fixture
def bring(home: Home) -> Callable[..., Run]:
    """`bring(run, "name")`: a copy of a run in the home."""

    def one(run: Run, name: str = "2026-01-01-amber-fox") -> Run:
        shutil.copytree(run.path, home.runs / name)
        return Run(home.runs / name)

    return one


@pytest.fixture
def own_run(run: Run, bring: Callable[..., Run], engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with 20 short held-out rows. The base is loaded once for all tests."""
    monkeypatch.setattr("studio.answer.engine.Engine", lambda: engine)
    own = bring(run)
    rows = [{"row": n, "prompt": f"Say {n}.", "completion": "ok" * (n % 7 + 1)} for n in range(4, 24)]
    (own.path / "data" / "held_out.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return own
