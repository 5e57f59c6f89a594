"""The live view in a real browser: points arrive while they are written, and nothing but this machine is asked."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from studio.home import Home, open_home
from studio.run import owner
from studio.run.directory import Run
from studio.run.events import Ended, EventWriter, Metrics, Phase, Started, Warned
from studio.ui.live import live_head, live_html, live_routes

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror="window.hacked = true">'
STEPS = 200
PATIENCE = 30_000  # ms, on a machine that is busy with other things
POINTS = "document.querySelector('.live-plot')?.data?.[0].x.length ?? 0"
RANGE = "document.querySelector('.live-plot').layout.xaxis.range"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(open_home(tmp_path / "home").runs / "2026-11-20-amber-fox")
    run.path.mkdir()
    (run.path / "recipe.yaml").write_text("{}")
    return run


@pytest.fixture
def address(run: Run) -> Iterator[str]:
    """A page that shows the run, served on a free port."""
    with gr.Blocks(title="Atelier") as blocks:
        gr.HTML(live_html(run.name))
        gr.HTML(live_html(None))
    app = FastAPI()
    app.include_router(live_routes(Home(run.path.parent.parent)), prefix="/studio")
    gr.mount_gradio_app(app, blocks, path="/", head=live_head())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def train(run: Run, enough: threading.Event) -> None:
    """Write a run's events as a trainer would, a step each 0.1 s, until there are enough."""
    owner.claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        events.write(Phase(phase="training"))
        events.write(Warned(message=HOSTILE))
        events.write(Started(steps=STEPS, epochs=2, rows=40, held_out_rows=4, trainable_parameters=5, parameters=100))
        for step in range(1, STEPS):
            values = {"loss": 3 / step, "learning_rate": 1e-4, "tokens_per_second": 500.0}
            events.write(Metrics(step=step, values=values))
            if enough.wait(0.1):
                break
        events.write(Ended(kind="stopped", message="Stopped; what was learned is kept.", folder="adapter"))


def test_a_run_is_followed_to_its_end(run: Run, address: str, browser: Browser) -> None:
    page, complaints, asked = watched(browser)
    page.goto(address)
    expect(page.locator(".live-chip")).to_have_text("Waiting", timeout=PATIENCE)
    enough = threading.Event()
    trainer = threading.Thread(target=train, args=(run, enough), daemon=True)
    trainer.start()
    try:
        page.wait_for_function(f"{POINTS} > 8", timeout=PATIENCE)
        expect(page.locator(".live-chip")).to_have_text("Running")
        assert_zoom_and_legend_are_kept(page)
    finally:
        enough.set()
        trainer.join()
    expect(page.locator(".live-chip")).to_have_text("Stopped", timeout=PATIENCE)
    expect(page.locator(".live-line")).to_have_text("Stopped; what was learned is kept.")
    expect(page).to_have_title("Atelier")
    expect(page.locator(".live-warning strong")).to_have_text(f"Warning: {HOSTILE}")
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(POINTS) == page.evaluate("document.querySelector('.live-plot').data[0].x.at(-1)")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert complaints == []


def watched(browser: Browser) -> tuple[Page, list[str], list[str]]:
    """A page of a phone's width, what it complains about, and the addresses that it asks."""
    page = browser.new_page(viewport={"width": 390, "height": 900})
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return page, complaints, asked


def assert_zoom_and_legend_are_kept(page: Page) -> None:
    assert page.title().endswith("% · Atelier")
    chart = page.locator(".live-plot .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 40, top + 2, steps=4)
    time.sleep(1.5)  # news come in the middle of the drag
    page.mouse.move(left + box["width"] * 0.5, top + 2, steps=4)
    page.mouse.up()
    page.wait_for_function("document.querySelector('.live-plot').layout.xaxis.autorange === false", timeout=5000)
    page.evaluate("Plotly.restyle(document.querySelector('.live-plot'), {visible: 'legendonly'}, [1])")
    zoomed, points = page.evaluate(RANGE), page.evaluate(POINTS)
    page.wait_for_function(f"{POINTS} > {points} + 10", timeout=PATIENCE)
    assert page.evaluate(RANGE) == zoomed
    assert page.evaluate("document.querySelector('.live-plot').data[1].visible") == "legendonly"
