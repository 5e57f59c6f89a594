"""What the page says where something is missing or wrong, and that nothing is lost. All on one page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.run.directory import list_runs
from tests.browser.conftest import RunningStudio, Watched
from tests.browser.test_whole_job import put_away_toasts, tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_compare_without_a_run_says_what_to_do(kept: Watched) -> None:
    page = kept.page
    tab(page, "Compare")
    page.locator("#prompt").fill("Hello")
    page.click("#send")
    expect(page.locator("#compare-status.compare-wrong")).to_contain_text("Press Train")
    expect(page.locator("#prompt")).to_have_value("Hello")


def test_a_recipe_out_of_bounds_names_every_problem(kept: Watched, tmp_path: Path) -> None:
    page = kept.page
    path = tmp_path / "bad.yaml"
    path.write_text("method: {name: lora, rank: 9999}\ntraining: {epochs: -1, speed: 3}\n")
    tab(page, "Recipe")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recipe").click()
    chooser.value.set_files(path)
    toast = page.locator(".toast-body")
    for word in ("method.rank", "training.epochs", "training.speed"):
        expect(toast).to_contain_text(word)
    put_away_toasts(page)


def test_the_learning_rate_moves_in_equal_ratios_and_another_method_takes_over_what_both_have(kept: Watched) -> None:
    page = kept.page
    tab(page, "Recipe")
    slider = page.locator("#training-learning-rate input[type=range]")
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.type") == "range", "the keyboard stays on the slider"
    rate = float(page.locator("#training-learning-rate input[type=number]").input_value())
    assert rate == 0.00032, "ten of twenty steps a decade, down from 0.001"
    expect(page.locator(".cm-content").first).to_contain_text(f"learning_rate: {rate:g}")
    yaml = page.locator(".cm-content").first
    rank = page.locator("#lora-rank input[type=number]")
    rank.fill("24")
    rank.press("Enter")
    expect(yaml).to_contain_text("rank: 24")
    page.locator("#method input[value=qlora]").check()
    expect(yaml).to_contain_text("name: qlora")
    expect(yaml).to_contain_text("rank: 24")
    expect(page.locator("#qlora-options").first).to_be_visible()
    expect(page.locator("#lora-options").first).not_to_be_visible()


def test_a_folder_without_weights_is_refused_in_words(kept: Watched, tmp_path: Path) -> None:
    page = kept.page
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    tab(page, "Model")
    page.locator("#base-model input").fill(str(tmp_path))
    page.keyboard.press("Enter")
    expect(page.locator("#model-card .note-error")).to_contain_text("safetensors")
    page.click("#train")
    expect(page.locator(".toast-body")).to_contain_text("safetensors")
    put_away_toasts(page)


def test_train_without_data_says_what_to_do(studio: RunningStudio, kept: Watched, tmp_path: Path) -> None:
    page = kept.page
    tab(page, "Data")
    runs = len(list_runs(studio.home))
    broken = tmp_path / "broken.csv"
    broken.write_text("prompt,completion\n")
    page.set_input_files("#upload input[type=file]", broken)
    expect(page.locator("#data-report .note-error")).to_be_visible()
    page.click("#train")
    expect(page.locator(".toast-body")).to_contain_text("no row")
    assert len(list_runs(studio.home)) == runs
    put_away_toasts(page)
