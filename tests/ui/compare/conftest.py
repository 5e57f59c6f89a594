"""The room's routes over a chat host that echoes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.run.directory import list_runs
from studio.ui.compare.routes import compare_routes
from tests.ui.compare.echo import EchoHost


@pytest.fixture
def studio(home: Any) -> SimpleNamespace:
    def seen() -> list[Any]:
        return [(run, run.status()) for run in list_runs(home)[::-1]]

    return SimpleNamespace(home=home, chat=EchoHost(), seen=seen, chat_refusal=lambda: None)


@pytest.fixture
def client(studio: Any) -> TestClient:
    app = FastAPI()
    app.include_router(compare_routes(studio), prefix="/studio")
    return TestClient(app)
