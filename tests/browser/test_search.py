"""A search as a person does it: say what to turn, begin, watch it, take the best into the recipe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from studio.run.search.search import list_searches
from tests.browser.conftest import PATIENCE, RunningStudio, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

SHORT = "method: {name: lora, rank: 8}\ntraining: {learning_rate: 0.002, max_steps: 4, evaluations: 2}\n"


@pytest.mark.slow
def test_a_search_from_the_first_choice_to_the_recipe(watched: Watched, studio: RunningStudio, tmp_path: Path):
    page = watched.page
    _choose_short_runs(page, tmp_path)
    _ask_for_two(page)
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


def test_a_search_is_asked_for_refused_begun_and_ended(watched: Watched, studio: RunningStudio) -> None:
    page = watched.page
    page.get_by_role("tab", name="Search", exact=True).click()
    expect(page.locator("#search-overview")).to_contain_text("No search yet")
    _values(page, 1).fill("0.01..0.0001")
    page.click("#begin-search")
    expect(page.get_by_text("neither a range nor choices").first).to_be_visible()
    assert list_searches(studio.home) == []

    _ask_for_two(page)
    expect(page.locator("#search-overview")).to_contain_text("of at most 8 runs done")
    page.click("#search-stop")
    expect(page.locator("#search-overview")).to_contain_text("Over: ", timeout=120_000)
    (search,) = list_searches(studio.home)
    assert [each.choices for each in search.plan.over] == [(0.0001, 0.01), (8,)]


def _values(page: Page, number: int) -> Locator:
    return page.locator(f"#search-values-{number} input, #search-values-{number} textarea")


def _choose_short_runs(page: Page, folder: Path) -> None:
    recipe = folder / "recipe.yaml"
    recipe.write_text(SHORT)
    page.get_by_role("tab", name="Recipe", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recipe").click()
    chooser.value.set_files(recipe)
    expect(page.locator(".cm-content").first).to_contain_text("max_steps: 4", timeout=PATIENCE)
    page.get_by_role("tab", name="Search", exact=True).click()


def _ask_for_two(page: Page) -> None:
    _values(page, 1).fill("0.0001, 0.01")
    _values(page, 2).fill("8")
    page.locator("#search-how input").click()
    page.get_by_role("option", name="grid").click()
    page.click("#begin-search")
