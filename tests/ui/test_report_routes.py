"""The report's address: what it may do in a browser, as a file, and what it says of runs that are not there."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from studio.ui.report_routes import report_routes
from tests.prepared_runs import prepare_run


@pytest.fixture
def client(home) -> TestClient:
    prepare_run(home, "2026-11-22-amber-fox")
    app = FastAPI()
    app.include_router(report_routes(home), prefix="/studio")
    return TestClient(app)


def test_it_is_a_page_that_can_run_nothing(client):
    answer = client.get("/studio/runs/2026-11-22-amber-fox/report")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy
    assert "script-src" not in policy
    assert "content-disposition" not in answer.headers


def test_it_can_be_taken_as_a_file(client):
    answer = client.get("/studio/runs/2026-11-22-amber-fox/report?download=1")
    assert "attachment" in answer.headers["content-disposition"]
    assert "amber-fox-report.html" in answer.headers["content-disposition"]


@pytest.mark.parametrize("name", ["2026-11-22-grey-owl", "..", "%2e%2e", ".hidden"])
def test_no_such_run(client, name):
    assert client.get(f"/studio/runs/{name}/report").status_code == 404


def test_a_damaged_recipe_is_said(client, home):
    (home.runs / "2026-11-22-amber-fox" / "recipe.yaml").write_text("- no")
    answer = client.get("/studio/runs/2026-11-22-amber-fox/report")
    assert (answer.status_code, "error" in answer.json()) == (409, True)
