"""The recipe room in a real browser: pick, ask what it is, take advice, see the schedule, on a desk and on a phone.

The quick tests share one page, and each leaves it in a state that the next one can begin from.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from studio.knob import knobs
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.presets import preset_named
from tests.browser.conftest import Watched
from tests.browser.test_whole_job import pick, tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIRST, *OTHERS = {method.family: method for method in METHODS}.values()  # one of each family
FOCUSED = "id => document.getElementById(id).contains(document.activeElement)"
WIDTH = "document.documentElement.scrollWidth <= innerWidth"


def open_recipe(watched: Watched) -> Page:
    """The Recipe tab with LoRA chosen."""
    tab(watched.page, "Recipe")
    watched.page.locator("#method input[value=lora]").check()
    expect(watched.page.locator("#lora-options").first).to_be_visible()
    return watched.page


def yaml(page: Page) -> str:
    return page.locator("#recipe-yaml .cm-content").inner_text()


def expect_yaml(page: Page, *lines: str) -> None:
    """The YAML's lines from the task on are seen after a scroll; the editor draws only what is in view."""
    for line in lines:
        page.wait_for_function(
            """line => {
              const area = document.querySelector('#recipe-yaml .cm-scroller');
              area.scrollTop = area.scrollTop + 80 > area.scrollHeight - area.clientHeight ? 0 : area.scrollTop + 80;
              return document.querySelector('#recipe-yaml .cm-content').innerText.includes(line);
            }""",
            arg=line,
            polling=100,
        )


@pytest.mark.slow  # half a minute of forms
def test_each_family_has_methods_that_show_their_form_and_their_card(watched: Watched) -> None:
    page = open_recipe(watched)
    before = "lora"
    for method in OTHERS:
        name = name_of(method)
        page.locator(f"#method input[value={name}]").check()
        first = next(knob for knob in knobs(method) if not knob.group)
        expect(page.locator(f"#{name}-{first.name.replace('_', '-')}")).to_be_visible()
        expect(page.locator("#method-card h3")).to_have_text(method.title)
        if name != before:
            expect(page.locator(f"#{before}-options")).to_be_hidden()
        expect(page.locator("#summary")).to_contain_text(method.title)
        before = name
    expect_yaml(page, f"name: {before}")


@pytest.mark.slow  # its handlers are tested without a browser
def test_a_preset_sets_task_and_method(watched: Watched) -> None:
    page = open_recipe(watched)
    preset = preset_named("classifier").recipe
    pick(page, "#preset", "Classifier")
    expect(page.locator("#task input:checked")).to_have_value(preset.task.name)
    expect(page.locator("#method input:checked")).to_have_value(preset.method.name)
    expect(page.locator(f"#{preset.method.name}-options")).to_be_visible()
    expect_yaml(page, f"name: {preset.task.name}", f"name: {preset.method.name}")
    page.get_by_role("tab", name="Command", exact=True).click()
    expect(page.locator("#recipe-command .cm-content")).to_contain_text("python -m studio train classifier")


def test_what_is_this_opens_by_keyboard(kept: Watched) -> None:
    page = open_recipe(kept)
    question = page.locator("#lora-options .what summary").first
    assert question.inner_text().startswith("What is this?")
    answer = page.locator("#lora-options .what-answer").first
    expect(answer).to_be_hidden()
    page.locator("#lora-rank input[type=range]").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    expect(answer).to_be_visible()
    expect(answer.locator("svg")).to_be_visible()
    page.keyboard.press("Enter")
    expect(answer).to_be_hidden()


def test_the_schedule_is_redrawn_when_the_warm_up_moves(kept: Watched) -> None:
    page = open_recipe(kept)
    plot = page.locator("#schedule")
    expect(plot).to_contain_text("45 of warm-up")
    expect(plot.locator("svg").first).to_be_visible()
    warmup = page.locator("#training-warmup input[type=number]")
    warmup.fill("0.2")
    warmup.press("Enter")
    expect(plot).to_contain_text("90 of warm-up")
    expect_yaml(page, "warmup: 0.2")


def test_a_button_moves_the_control_that_it_names(kept: Watched) -> None:
    page = open_recipe(kept)
    rate = page.locator("#training-learning-rate input[type=number]")
    rate.fill("0.9")
    rate.press("Enter")
    warning = page.locator("#recipe-problems li", has_text="learning rate").first
    warning.get_by_role("button").first.click()
    expect(rate).not_to_have_value("0.9")
    page.wait_for_function(FOCUSED, arg="training-learning-rate")
    expect(page.locator("#recipe-problems li", has_text="learning rate to 0.9")).to_have_count(0)
    expect_yaml(page, f"learning_rate: {rate.input_value()}")


def test_the_arrow_keys_walk_through_the_methods(kept: Watched) -> None:
    page = open_recipe(kept)
    page.locator("#method input[value=lora]").focus()
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.value")
    assert second != "lora"
    assert second in {name_of(method) for method in METHODS if method.family == FIRST.family}
    expect(page.locator(f"#{second}-options")).to_be_visible()
    assert page.evaluate("document.activeElement.value") == second, "the keyboard stays on the card"


def test_a_folded_control_is_unfolded_when_it_is_shown(kept: Watched) -> None:
    page = open_recipe(kept)
    pick(page, "#preset", "Small gpu")
    expect(page.locator("#training-optimizer")).to_be_hidden()
    problem = page.locator("#recipe-problems li", has_text="Paged AdamW")
    expect(page.locator("#schedule")).to_contain_text("2 passes")  # all of the preset has come
    problem.get_by_role("button", name=re.compile("^Show me")).click()
    expect(page.locator("#training-optimizer")).to_be_visible()
    page.wait_for_function(FOCUSED, arg="training-optimizer")


def test_a_phone_shows_one_column(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 900})
    open_recipe(watched)
    assert page.evaluate(WIDTH)
    whole = page.locator("#method details", has_text="Whole weights")
    expect(whole.locator("label").first).to_be_hidden()
    whole.locator("summary").click()
    whole.locator("input[value=freeze]").check()
    expect(page.locator("#freeze-options")).to_be_visible()
    page.evaluate("document.querySelectorAll('#recipe-room .label-wrap:not(.open)').forEach(fold => fold.click())")
    expect(page.locator("#training-optimizer")).to_be_visible()
    page.locator(".what summary:visible").first.click()
    page.wait_for_timeout(300)
    assert page.evaluate(WIDTH)
