"""The evaluate room as a person uses it: what an evaluation says, and (slow) one from the click to its scores."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run
from tests.ui.evaluate.finished import HOSTILE, colour_rows, finished

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOX, OWL = "2026-11-20-amber-fox", "2026-11-21-blue-owl"


def enter(watched: Watched) -> Page:
    """Reload the page and open the room. What was under way then breaks off, which gradio notes as errors."""
    assert watched.errors == []
    watched.page.reload()
    watched.page.get_by_role("tab", name="Evaluate", exact=True).click()
    expect(watched.page.locator("#evaluate .evaluate-list h3").first).to_be_visible()
    watched.errors.clear()
    return watched.page


def test_scores_rows_slices_and_rules_of_an_evaluation(studio: RunningStudio, watched: Watched) -> None:
    run = prepare_run(studio.home, FOX)
    finished(run, colour_rows())
    prepare_run(studio.home, OWL)
    page = enter(watched)
    room = page.get_by_role("region", name="Evaluations")
    runs, nothing = (
        room.get_by_label("Tuned run"),
        room.get_by_role("heading", name="This run has not been scored yet."),
    )
    for _ in range(2):
        expect(nothing).to_be_visible()
        runs.select_option(FOX)
        expect(room.get_by_role("tab", name="Scores")).to_be_visible()
        runs.select_option(OWL)
    expect(nothing).to_be_visible()
    runs.select_option(FOX)
    expect(room.get_by_role("heading", name="the tuned model is better")).to_contain_text("79 %, the base 25 %")
    main = room.get_by_role("region", name="Accuracy")
    expect(main.get_by_role("img", name="Accuracy, Tuned: 79 %, 95 % interval")).to_be_visible()
    expect(main.locator(".evaluate-verdict").last).to_contain_text("better by")

    room.get_by_role("tab", name="Scores").press("ArrowRight")
    expect(room.get_by_role("tab", name="Rows")).to_be_focused()
    numbers = room.locator(".evaluate-opener")
    expect(numbers).to_have_count(24)
    room.get_by_role("button", name="Change").press("Enter")
    expect(numbers.first).to_have_text("2")
    expect(room.get_by_role("button", name="Change")).to_be_focused()
    room.get_by_role("combobox", name="Show").select_option("broken")
    expect(numbers).to_have_text(["1"])
    numbers.press("Enter")
    expect(room.locator(".evaluate-marked ins")).to_have_text(f"{HOSTILE} green")
    expect(room.locator(".evaluate-marked del")).to_have_text("red")
    assert page.evaluate("window.hurt") is None
    room.get_by_role("combobox", name="Show").select_option("all")
    room.get_by_label("Find").fill("colour 2?")
    expect(numbers).to_have_text(["2"])

    room.get_by_role("tab", name="Slices").click()
    room.get_by_role("button", name="Rows of blue").click()
    expect(numbers).to_have_text(["3", "7", "11", "15", "19", "23"])

    room.get_by_role("tab", name="Rules").click()
    room.get_by_label("What is looked for").select_option("regex")
    pattern = room.get_by_label("Regular expression")
    pattern.fill("^(red")
    room.get_by_role("button", name="Score these rules").click()
    expect(room.get_by_role("alert")).to_contain_text("is no regular expression")
    watched.errors.clear()  # the browser notes the refusal
    pattern.fill("^(red|blue)$")
    room.get_by_role("button", name="Score these rules").click()
    expect(room.get_by_role("region", name="Matches '^(red|blue)$'")).to_be_visible()

    enter(watched)
    expect(room.get_by_role("region", name="Matches '^(red|blue)$'")).to_be_visible()
    expect(pattern).to_have_value("^(red|blue)$")


@pytest.mark.slow  # two contestants answer 48 rows
def test_from_a_click_to_scores(studio: RunningStudio, watched: Watched) -> None:
    page = enter(watched)
    room = page.get_by_role("region", name="Evaluations")
    room.get_by_role("button", name="Ask the base first").click()
    room.get_by_role("button", name="Ask the base", exact=True).dblclick()
    expect(room.get_by_role("heading", name="Base before training: under way")).to_be_visible()
    expect(room.locator("[data-evaluation]", has_text="Base before training")).to_have_count(1)
    expect(room.get_by_role("heading", name="On 48 of 120 held-out rows")).to_be_visible(timeout=120_000)
    expect(room.get_by_role("button", name="Look at its answers")).to_be_visible()
