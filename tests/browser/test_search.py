"""A search as a person does it: say what to turn, begin, watch it, take the best into the recipe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.run.search.search import list_searches
from tests.browser.conftest import PATIENCE, RunningStudio, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SHORT = "method: {name: lora, rank: 8}\ntraining: {learning_rate: 0.002, max_steps: 4, evaluations: 2}\n"


def test_a_search_from_the_first_choice_to_the_recipe(watched: Watched, studio: RunningStudio, tmp_path: Path):
    page = watched.page
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(SHORT)
    page.get_by_role("tab", name="Recipe", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recipe").click()
    chooser.value.set_files(recipe)
    expect(page.locator(".cm-content").first).to_contain_text("max_steps: 4", timeout=PATIENCE)

    page.get_by_role("tab", name="Search", exact=True).click()
    expect(page.locator("#search-overview")).to_contain_text("No search yet")
    values = page.locator("#search-values-1 input, #search-values-1 textarea")
    values.fill("0.01..0.0001")
    page.click("#begin-search")
    refusal = page.get_by_text("neither a range nor choices")
    expect(refusal.first).to_be_visible()
    assert list_searches(studio.home) == []

    values.fill("0.0001, 0.01")
    page.locator("#search-values-2 input, #search-values-2 textarea").fill("8")
    page.locator("#search-how input").click()
    page.get_by_role("option", name="grid").click()
    page.click("#begin-search")
    overview = page.locator("#search-overview")
    expect(overview).to_contain_text("Over: 2 of at most 8 runs done", timeout=180_000)
    expect(overview).to_contain_text("Best so far: held-out loss")
    expect(overview.locator(".js-plotly-plot")).to_have_count(2)
    best = re.search(r"Learning rate ([\d.]+)", overview.inner_text())
    assert best

    page.click("#search-use")
    page.get_by_role("tab", name="Recipe", exact=True).click()
    expect(page.locator(".cm-content").first).to_contain_text(f"learning_rate: {best[1]}")
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("tab", name="Search", exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
