"""The film strip as the page gets it."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.run.events import EventWriter, Look
from studio.run.looks.film import Asked, write_asked
from studio.run.submit import submit
from studio.ui.film_routes import MOST_FRAMES, film_routes


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


@pytest.fixture
def page(home):
    app = FastAPI()
    app.include_router(film_routes(home), prefix="/studio")
    return TestClient(app)


def test_a_run_without_looks_has_an_empty_strip(page, run):
    assert page.get(f"/studio/runs/{run.name}/film").json() == {"prompts": [], "frames": [], "needle": None}
    assert page.get("/studio/runs/nobody/film").status_code == 404
    assert page.get("/studio/runs/..%2F/film").status_code == 404


def test_prompts_frames_and_needle(page, run):
    write_asked(
        run.path, (Asked(id="p1", prompt="<b>Who?</b>"), Asked(id="r2", prompt="Q", reference="A", kind="held-out"))
    )
    with EventWriter(run.events_path) as events:
        events.write(Look(step=0, texts={"p1": "I", "r2": "B"}, right={"sum": "1" * 20}))
        events.write(Look(step=8, texts={"p1": "You"}, right={"sum": "0" * 20}))
    found = page.get(f"/studio/runs/{run.name}/film").json()
    assert [asked["id"] for asked in found["prompts"]] == ["p1", "r2"]
    assert found["frames"] == [[0, {"p1": "I", "r2": "B"}], [8, {"p1": "You"}]]
    assert (found["needle"]["begun"], found["needle"]["still"]) == (8, True)


def test_a_long_strip_is_thinned_and_ends_with_what_came_out(page, run):
    with EventWriter(run.events_path) as events:
        for step in range(500):
            events.write(Look(step=step, texts={"p1": str(step)}))
    frames = page.get(f"/studio/runs/{run.name}/film").json()["frames"]
    assert len(frames) <= MOST_FRAMES
    assert (frames[0][0], frames[-1][0]) == (0, 499)
