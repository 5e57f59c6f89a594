"""Below the chart: a click shows the rows of a step, a row is left out of the next run, and opened in the Data room."""

from __future__ import annotations

import json

import numpy as np
import pytest
from playwright.sync_api import expect

from studio.home import ASSETS
from studio.run.row_losses.record import RECORD, append, path_of
from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # half a minute; the routes and the presses have quick tests

HOSTILE = '<img src=x onerror="window.hacked = true">'
SAMPLE = ASSETS / "samples" / "tickets" / "train.jsonl"


def test_rows_of_a_step_and_what_is_done_with_them(studio: RunningStudio, watched: Watched) -> None:
    run = prepare_run(studio.home, "2026-11-22-rows", {"data.path": str(SAMPLE)})
    rows = [json.loads(line) for line in SAMPLE.read_text("utf-8").splitlines()[:6]]
    lines = [{"row": at + 1, **row} for at, row in enumerate(rows)]
    lines[3]["completion"] += HOSTILE
    (run.path / "data" / "train.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    every = np.zeros(18, RECORD)
    every["step"], every["place"], every["tokens"] = np.arange(18) // 3 + 1, np.arange(18) % 6, 9
    every["loss"] = np.where(every["place"] == 3, 2.5, 1.0)
    append(path_of(run.path), every)

    page = watched.page
    page.reload()
    page.get_by_role("tab", name="Run", exact=True).click()
    expect(page.locator(".rows-asks")).to_be_visible()
    chart = page.locator(".live-plot .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    left = box["x"] + page.evaluate("document.querySelector('.live-plot')._fullLayout.xaxis.d2p(4)")
    page.mouse.move(left - 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(500)
    page.mouse.click(left, box["y"] + box["height"] / 2)
    expect(page.locator(".rows-found h5")).to_contain_text("3 rows of step 4")

    page.get_by_label("Rows of step").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator(".rows-found h5")).to_contain_text("3 rows of step 2")
    first = page.locator(".rows-list li").first
    expect(first).to_contain_text("Row 4")
    expect(first).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Most suspicious rows").click()
    expect(page.locator(".rows-list li").first.locator("strong")).to_have_text("Row 4")

    page.get_by_role("button", name="Leave Row 4 out of the next run").click()
    expect(page.get_by_role("button", name="Row 4 is left out of the next run. Take it back")).to_be_visible()
    page.get_by_role("button", name="Mend Row 4 in the Data room").click()
    expect(page.locator("#row-open [data-told]")).to_have_text("Row 4: dropped by a mend")

    page.set_viewport_size({"width": 390, "height": 900})
    page.get_by_role("tab", name="Run", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hacked") is None
