"""The history as a person uses it: find a run, lay curves over one another, name one, delete one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from studio.run.branch import Parent
from studio.run.directory import list_runs
from studio.run.history.notes import read_notes
from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HOSTILE = '<img src=x onerror="window.hacked = true">'
FOX, OWL, NEWT = "2026-11-20-amber-fox", "2026-11-20-grey-owl", "2026-11-20-red-newt"


def test_runs_are_found_compared_named_and_deleted(watched: Watched, studio: RunningStudio) -> None:
    prepare_run(studio.home, FOX)
    changes = {"training.learning_rate": 0.01, "method.rank": 4}
    owl = prepare_run(studio.home, OWL, changes, losses=[4.0, 3.0, 2.5, 2.2, 2.0, 1.9], began=1_763_100_000.0)
    (owl.path / "branch.json").write_text(Parent(run=FOX, step=4).model_dump_json())
    prepare_run(studio.home, NEWT, {"method.name": "full"}, kind="stopped")
    page = watched.page
    page.get_by_role("tab", name="History", exact=True).click()
    history = page.locator("#history")
    lines = history.locator("tbody tr[data-run]")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("grey-owl")
    expect(history.locator(f"tr[data-run='{FOX}']")).to_contain_text("1.100step 6")

    search = history.get_by_label("Search runs")
    search.fill("full stopped")
    expect(lines).to_have_count(0)
    search.fill("newt full")
    expect(lines).to_have_count(1)
    search.fill("")
    history.get_by_role("button", name="Best held-out").click()
    history.get_by_role("button", name="Best held-out").click()
    expect(lines.nth(2)).to_contain_text("grey-owl")

    for name in (FOX, OWL):
        history.get_by_label(f"Choose {name} for comparing").check()
    history.get_by_role("button", name="Compare curves (2)").click()
    overlay = history.locator(".history-overlay")
    expect(overlay.locator(".history-differences tbody tr")).to_have_count(2)
    expect(overlay).to_contain_text("Learning ratetraining.learning_rate")
    expect(overlay.locator(".js-plotly-plot")).to_have_count(1)
    overlay.get_by_label("Tokens seen").check()
    plot = "document.querySelector('.history-plot')"
    page.wait_for_function(f"{plot}.data[0].x.at(-1) === 600 && {plot}.data.length === 4")

    history.get_by_role("button", name=OWL, exact=True).click()
    panel = history.locator(".history-detail")
    expect(panel).to_contain_text(f"Branched from step 4 of {FOX}.")
    panel.get_by_label("Name").fill(HOSTILE)
    panel.get_by_label("Tags").fill("baseline, keep")
    panel.get_by_role("button", name="Save").click()
    expect(history.get_by_role("button", name=HOSTILE, exact=True)).to_be_visible()
    assert read_notes(owl).tags == ("baseline", "keep")
    assert page.evaluate("window.hacked") is None

    history.get_by_role("button", name=FOX, exact=True).click()
    panel.get_by_role("button", name="Delete …").click()
    ask = panel.get_by_role("alertdialog")
    expect(ask).to_contain_text("This frees 23 kB and cannot be undone.")
    expect(ask).to_contain_text(f"Branched from it, and whole without it: {HOSTILE}.")
    ask.get_by_role("button", name="Delete for good").click()
    expect(history.locator(".history-told")).to_contain_text(f"Deleted {FOX}: 23 kB freed.")
    expect(lines).to_have_count(2)
    assert {run.name for run in list_runs(studio.home)} == {OWL, NEWT}

    history.get_by_role("button", name=NEWT, exact=True).click()
    panel.get_by_role("button", name="Use its recipe").click()
    expect(page.get_by_role("tab", name="Recipe", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".cm-content").first).to_contain_text("name: full")

    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name="History", exact=True).click()
    expect(lines).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
