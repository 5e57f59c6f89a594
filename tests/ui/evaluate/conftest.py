"""The room's routes over a home of its own, with an examiner that only counts how often it is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.run.directory import Run, list_runs
from studio.ui.evaluate.routes import evaluate_routes
from tests.prepared_runs import prepare_run


@pytest.fixture
def studio(home: Any) -> SimpleNamespace:
    def seen() -> list[Any]:
        return [(run, run.status()) for run in list_runs(home)[::-1]]

    poked: list[int] = []
    examiner = SimpleNamespace(poke=lambda: poked.append(1))
    return SimpleNamespace(home=home, seen=seen, poked=poked, examiner=examiner, examiner_refusal=lambda: None)


@pytest.fixture
def client(studio: Any) -> TestClient:
    app = FastAPI()
    app.include_router(evaluate_routes(studio), prefix="/studio")
    return TestClient(app)


@pytest.fixture
def run(home: Any) -> Run:
    return prepare_run(home, "amber-fox")
