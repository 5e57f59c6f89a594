"""The live view in a real browser: points arrive while they are written, and nothing but this machine is asked."""

from __future__ import annotations

import math
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from studio.home import Home, open_home
from studio.run import owner
from studio.run.branch import Parent
from studio.run.directory import Run
from studio.run.events import Branched, Ended, Event, EventWriter, Metrics, Phase, Started, Warned
from studio.run.mean import Mean
from studio.ui.film_routes import film_routes
from studio.ui.live import live_head, live_html, live_routes
from studio.ui.row_losses import row_routes

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
    home = Home(run.path.parent.parent)
    for routes in (live_routes(home), film_routes(home), row_routes(home)):
        app.include_router(routes, prefix="/studio")
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


NOTICES = """window.told = [];
window.Notification = class {
    static permission = 'default';
    static async requestPermission() { return (this.permission = 'granted'); }
    constructor(title, { body }) { window.told.push([title, body]); }
};"""


def test_a_run_is_followed_to_its_end(run: Run, address: str, browser: Browser) -> None:
    page, complaints, asked = watched(browser)
    page.add_init_script(NOTICES)
    page.goto(address)
    expect(page.locator(".live-chip")).to_have_text("Waiting", timeout=PATIENCE)
    page.locator(".live-notify").click()
    expect(page.locator(".live-notify")).to_have_attribute("aria-pressed", "true")
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
    assert page.evaluate("window.told") == [[f"{run.name} · Atelier", "Stopped; what was learned is kept."]]
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
    assert page.title().endswith(" · Atelier")
    assert " % · " in page.title()
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


LINES = """() => Object.fromEntries(document.querySelector('.live-plot').data.map(
    ({ name, x, y, visible, line }) => [name, { x, y, visible, dash: line && line.dash }]))"""


def measured(run: Run, key: str) -> tuple[list[int], list[float | None]]:
    """Steps and values of a number as the run's file has them, as the chart rounds them."""
    found = [each for each in run.events()[0] if isinstance(each, Metrics) and key in each.values]
    values = [each.values[key] for each in found]
    return [each.step for each in found], [float(f"{v:.5g}") if math.isfinite(v) else None for v in values]


def assert_whole(page: Page, run: Run) -> None:
    line = page.evaluate(LINES)["Training loss"]
    assert (line["x"], line["y"]) == measured(run, "loss")


def opened(browser: Browser, address: str) -> Page:
    """A page in a browser of its own, that shows the curve."""
    page = browser.new_context().new_page()
    page.goto(address)
    page.wait_for_function(f"{POINTS} > 0", timeout=PATIENCE)
    return page


def test_reload_second_tab_other_browser_and_closed_tab_show_the_whole_chart_of_a_run_at_the_same_pace(
    run: Run, address: str, browser: Browser
) -> None:
    enough = threading.Event()
    trainer = threading.Thread(target=train, args=(run, enough), daemon=True)
    trainer.start()
    time.sleep(1.5)  # nobody looks
    unwatched = len(run.events()[0])
    try:
        closed = opened(browser, address)
        other = opened(browser, address)
        asked: list[str] = []
        other.on("request", lambda request: asked.append(request.url) if "/news" in request.url else None)
        other.reload()
        began = time.monotonic()
        later = closed.context.new_page()
        closed.close()
        time.sleep(1.5)
        assert len(asked) <= 2 * (time.monotonic() - began) + 2, "a page that came back asks no more often"
        later.goto(address)
    finally:
        enough.set()
        trainer.join()
    for each in (other, later):
        expect(each.locator(".live-chip")).to_have_text("Stopped", timeout=PATIENCE)
        assert_whole(each, run)
        each.context.close()
    times = [event.time for event in run.events()[0] if isinstance(event, Metrics)]
    pace = [after - before for before, after in pairwise(times)]
    alone, watched_by_many = statistics.median(pace[: unwatched - 4]), statistics.median(pace[unwatched:])
    assert watched_by_many < 1.25 * alone


def write(run: Run, *events: Event) -> None:
    with EventWriter(run.events_path) as writer:
        for event in events:
            writer.write(event)


def steps(first: int, last: int, lost: int = 0) -> list[Event]:
    def values(step: int) -> dict[str, float]:
        loss = math.nan if step == lost else 2 + math.sin(step)
        return {"loss": loss, "learning_rate": 1e-4, "grad_norm": 1.0 + step % 3, "memory": 2.0**30}

    return [Metrics(step=step, values=values(step)) for step in range(first, last + 1)]


def branched(run: Run) -> None:
    """An ended run with a loss that was no number, and the one that it branched from."""
    parent = Run(run.path.parent / "2026-11-19-old-oak")
    parent.path.mkdir()
    (parent.path / "recipe.yaml").write_text("{}")
    write(parent, *steps(1, 40), Metrics(step=40, values={"eval_loss": 1.0}))
    (run.path / "branch.json").write_text(Parent(run=parent.name, step=20).model_dump_json())
    total = Started(steps=60, epochs=2, rows=40, held_out_rows=4, trainable_parameters=5, parameters=100)
    write(run, Branched(run=parent.name, step=20), total, *steps(21, 60, lost=50))
    write(run, Metrics(step=60, values={"eval_loss": 1.5}), Ended(kind="finished", step=60))


def smoothed(points: tuple[list[int], list[float | None]], keep: float) -> list[float | None]:
    """The moving mean in which each step has its weight, also where a step between two has no number."""
    mean, last, found = Mean(), points[0][0] - 1, list[float | None]()
    for step, value in zip(*points, strict=True):
        if value is not None:
            mean, last = mean.plus(value, keep ** (step - last)), step
        found.append(None if value is None else mean.value)
    return found


def choose(page: Page) -> None:
    """Another smoothing, the log axis, one more panel, one line less, and a zoom."""
    slider = page.locator(".live-smoothing input")
    slider.evaluate("(slider) => { slider.value = 0.5; slider.dispatchEvent(new Event('input')); }")
    page.locator(".live-log").check()
    page.locator("[data-panel=grad_norm]").click()
    page.wait_for_function("document.querySelector('.live-plot').data.some(({ name }) => name === 'Gradient norm')")
    page.evaluate(
        """() => {
            const plot = document.querySelector('.live-plot');
            const held = plot.data.findIndex(({ name }) => name === 'Held-out loss');
            return Plotly.restyle(plot, { visible: 'legendonly' }, [held])
                .then(() => Plotly.relayout(plot, { 'xaxis.range': [30, 55] }));
        }"""
    )


def assert_chosen(page: Page, run: Run) -> None:
    lines: dict[str, Any] = page.evaluate(LINES)
    assert page.locator(".live-smoothing input").input_value() == "0.5"
    assert lines["Smoothed"]["y"] == pytest.approx(smoothed(measured(run, "loss"), 0.5))
    assert page.evaluate("document.querySelector('.live-plot').layout.yaxis.type") == "log"
    assert "Gradient norm" in lines
    assert lines["Held-out loss"]["visible"] == "legendonly"
    assert page.evaluate(RANGE) == [30, 55]


def test_what_a_person_chose_is_there_after_a_reload_and_a_branch_has_its_parent_beside(
    run: Run, address: str, browser: Browser
) -> None:
    branched(run)
    page = opened(browser, address)
    lines: dict[str, Any] = page.evaluate(LINES)
    assert "Gradient norm" not in lines
    assert page.locator("[data-panel=entropy]").count() == 0, "only what has data is offered"
    assert lines["Training loss"]["y"][29] is None, "what is no number is a gap"
    parent = lines["2026-11-19-old-oak"]
    assert (parent["x"], parent["dash"]) == (list(range(1, 41)), "dash")
    marks = "document.querySelector('.live-plot').layout.shapes.map(({ name, x0 }) => `${name} ${x0}`)"
    assert page.evaluate(marks) == ["not a number 50", "branch 20"]
    choose(page)
    assert_chosen(page, run)
    page.reload()
    page.wait_for_function(f"{POINTS} > 0", timeout=PATIENCE)
    assert_chosen(page, run)
    assert_long_lines_are_thinned(page, run)
    page.context.close()


LONG = """async (name) => {
    const figure = (await (await fetch(`studio/runs/${name}/figure`)).json()).figure;
    const chart = new window.atelier.Chart(document.querySelector('.live').cloneNode(true));
    await chart.show(figure, []);
    let longest = 0;
    for (let from = 61; from < 20061; from += 100) {
        const x = Array.from({ length: 100 }, (_, i) => from + i);
        const y = x.map((step) => (step === 9000 ? null : step === 12000 ? 99 : 1 + (step % 2)));
        await chart.extend({ 0: { x, y } });
        longest = Math.max(longest, ...chart.figure.data.map((trace) => trace.x.length));
    }
    const [line, smooth] = chart.figure.data;
    const late = smooth.y.filter((value, i) => value !== null && smooth.x[i] > 13000);
    chart.close();
    return { longest, x: line.x, y: line.y, mean: late.reduce((sum, value) => sum + value, 0) / late.length };
}"""


def assert_long_lines_are_thinned(page: Page, run: Run) -> None:
    """20,000 steps later a page holds no more, and what stands out is still there."""
    drawn = page.evaluate(LONG, run.name)
    assert drawn["longest"] <= 1600
    assert drawn["x"] == sorted(set(drawn["x"]))
    assert (drawn["x"][0], drawn["x"][-1]) == (21, 20060)
    assert max(value for value in drawn["y"] if value is not None) == 99
    assert None in drawn["y"]
    assert drawn["mean"] == pytest.approx(1.5, rel=0.05), "what is smoothed keeps its mean"
