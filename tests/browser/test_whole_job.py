"""The whole job as a person does it: upload, map, train, watch, reload, stop, compare, take away."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studio.home import ASSETS, Home, open_home
from studio.recipe.presets import preset_named
from studio.recipe.read import changed
from studio.run.directory import Run, Status, list_runs
from studio.run.events import Ended, EventWriter
from studio.run.owner import claim
from studio.run.submit import submit
from tests.browser.conftest import PATIENCE, RunningStudio, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

SAMPLE = ASSETS / "samples" / "tickets" / "train.jsonl"
POINTS = "document.querySelector('.live-plot')?.data?.[0].x.length ?? 0"
SHORT = "method: {name: lora, rank: 8}\ntraining: {learning_rate: 0.002, max_steps: %d, evaluations: 2}\n"


def put_away_toasts(page: Page) -> None:
    """All at once: a toast may go by itself between being counted and being pressed."""
    page.evaluate("document.querySelectorAll('.toast-close').forEach((close) => close.click())")
    expect(page.locator(".toast-body")).to_have_count(0)


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def odd_csv(path: Path) -> Path:
    """The sample under column names that nobody would recognise."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(["nr", "from the shop", "for the desk"])
        for number, line in enumerate(SAMPLE.read_text("utf-8").splitlines()[:60], 1):
            pair = json.loads(line)
            rows.writerow([number, pair["prompt"], pair["completion"]])
    return path


def pick(page: Page, box: str, choice: str) -> None:
    page.locator(f"{box} input").click()
    page.locator("[role=option]:visible", has_text=choice).last.click()


def upload_recipe(page: Page, folder: Path, steps: int) -> None:
    path = folder / "recipe.yaml"
    path.write_text(SHORT % steps)
    tab(page, "Recipe")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recipe").click()
    chooser.value.set_files(path)
    expect(page.locator(".cm-content").first).to_contain_text(f"max_steps: {steps}", timeout=PATIENCE)


def ask_both(page: Page) -> tuple[str, str]:
    """Send the prompt that lies ready, and wait until both have said all."""
    page.click("#send")
    for pane in ("#pane-base", "#pane-tuned"):
        expect(page.locator(f"{pane} .compare-answer[aria-busy=false] .compare-said")).to_have_count(1, timeout=120_000)
    expect(page.locator("#compare-fair")).to_contain_text("same template")
    return page.locator("#pane-base .compare-said").inner_text(), page.locator("#pane-tuned .compare-said").inner_text()


def newest(studio: RunningStudio) -> Run:
    return list_runs(studio.home)[-1]


def wait_until(run: Run, *wanted: Status, seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while run.status() not in wanted:
        assert time.monotonic() < deadline, f"{run.status()}: {run.log_path.read_text()[-2000:]}"
        time.sleep(0.3)


def test_upload_map_train_watch_reload_compare_and_download(
    studio: RunningStudio, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    page.set_input_files("#upload input[type=file]", odd_csv(tmp_path / "desk.csv"))
    expect(page.locator("#data-report")).to_contain_text("has a usual name")
    pick(page, "#prompt-column", "from the shop")
    pick(page, "#completion-column", "for the desk")
    expect(page.locator("#data-report")).to_contain_text("chosen by hand")
    expect(page.locator("#data-report")).to_contain_text("54")  # 60 rows, a tenth held out
    tab(page, "Rows")
    expect(page.locator("#rows")).to_contain_text("Dear repair desk")

    upload_recipe(page, tmp_path, 40)
    page.click("#train")
    expect(page.locator(".live[data-run]")).to_be_visible()
    page.wait_for_function(f"{POINTS} >= 3", timeout=120_000)
    run = newest(studio)
    assert run.status() is Status.RUNNING, "points arrive while it trains, not afterwards"
    before = page.evaluate(POINTS)
    page.wait_for_function(f"{POINTS} >= {before + 2}", timeout=120_000)

    assert watched.errors == []
    page.reload()
    tab(page, "Run")
    expect(page.locator(".live-name")).to_have_text(run.name)
    page.wait_for_function(f"{POINTS} >= {before}", timeout=PATIENCE)
    watched.errors.clear()  # what was under way at the reload broke off, which gradio notes on a busy machine
    other = page.context.new_page()
    other.goto(studio.address)
    tab(other, "Run")
    expect(other.locator(".live-name")).to_have_text(run.name)
    other.close()

    wait_until(run, Status.FINISHED)
    expect(page.locator(".live-chip")).to_have_text("Finished", timeout=PATIENCE)
    assert page.evaluate(POINTS) == 40
    assert run.recipe.training.max_steps == 40
    assert run.recipe.data.prompt_column == "from the shop"

    tab(page, "Compare")
    expect(page.locator("#prompt")).not_to_have_value("")
    base, tuned = ask_both(page)
    assert base.strip()
    assert tuned.strip()
    assert base != tuned, "40 steps are enough to answer in another way"

    tab(page, "Take away")
    with page.expect_download() as download:
        page.click("a.download")
    names = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())).namelist()
    assert {"adapter_config.json", "adapter_model.safetensors", "recipe.yaml", "README.md"} <= set(names)


@pytest.mark.slow  # F5 kills the app and test_live.py stops a run
def test_stop_keeps_the_result_and_a_restarted_app_shows_the_same_run(
    studio: RunningStudio, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    upload_recipe(page, tmp_path, 5000)
    page.click("#train")
    page.wait_for_function(f"{POINTS} >= 3", timeout=120_000)
    run = newest(studio)

    page.click("#train")  # a second click on the same recipe makes no second run, and says so
    expect(page.locator(".toast-body")).to_contain_text("already in progress")
    assert newest(studio) == run
    put_away_toasts(page)

    studio.end(signal.SIGKILL)
    assert run.status() is Status.RUNNING, "the run is not tied to the app"
    seen = len(run.events()[0])
    watched.errors.clear()
    studio.start()
    watched.errors.clear()
    page.goto(studio.address)
    tab(page, "Run")
    expect(page.locator(".live-name")).to_have_text(run.name)
    page.wait_for_function(f"{POINTS} >= {min(seen, 3)}", timeout=PATIENCE)

    page.click("#acts [data-press^='stop:']")
    wait_until(run, Status.STOPPED, seconds=90)
    expect(page.locator(".live-chip")).to_have_text("Stopped", timeout=PATIENCE)
    assert (run.adapter / "adapter_model.safetensors").is_file()
    steps = [event.step for event in run.events()[0] if event.kind == "metrics" and "loss" in event.values]
    assert steps == list(range(1, len(steps) + 1)), "no gap and no repeat"
    page.wait_for_function(f"{POINTS} >= {len(steps)}", timeout=PATIENCE)
    drawn = page.evaluate("(({ x, y }) => [x, y])(document.querySelector('.live-plot').data[0])")
    losses = [event.values["loss"] for event in run.events()[0] if event.kind == "metrics" and "loss" in event.values]
    assert drawn == [steps, [float(f"{loss:.5g}") for loss in losses]], "the chart is what the run's file says"
    tab(page, "Compare")
    expect(page.locator("#compare-run")).to_have_value(run.name)
    watched.errors.clear()  # the browser notes the seconds without a server


def failed_run(home: Home, elsewhere: Home) -> Run:
    """One that took too much memory, as if it had been trained here."""
    recipe = changed(preset_named("starter").recipe, {"training.batch_size": 16, "training.max_steps": 500})
    run = submit(elsewhere, recipe)
    claim(run.owner_path)
    with EventWriter(run.events_path) as events:
        events.write(Ended(kind="failed", cause="memory", message="The memory was not enough."))
    return Run(Path(shutil.move(run.path, home.runs / run.name)))


@pytest.mark.slow  # F11 has the rest without a browser
def test_after_too_little_memory_a_button_moves_the_sliders_and_another_starts_anew(
    studio: RunningStudio, watched: Watched, tmp_path: Path
) -> None:
    page = watched.page
    failed = failed_run(studio.home, open_home(tmp_path / "elsewhere"))
    tab(page, "Run")
    pick(page, "#run", failed.name)
    page.locator(f"[data-press='take:{failed.name}:0']").click()
    yaml = page.locator(".cm-content").first
    expect(yaml).to_contain_text("batch_size: 8", timeout=PATIENCE)
    expect(yaml).to_contain_text("gradient_accumulation: 2")

    tab(page, "Run")
    page.locator(f"[data-press='try:{failed.name}:0']").click()
    expect(page.locator(".live-name")).not_to_have_text(failed.name, timeout=PATIENCE)
    again = newest(studio)
    assert (again.recipe.training.batch_size, again.recipe.training.gradient_accumulation) == (8, 2)
    page.locator("#run-sure summary").click()
    page.locator(f"[data-press='cancel:{again.name}']").click()
    wait_until(again, Status.CANCELLED)
    expect(page.locator(".live-chip")).to_have_text("Cancelled", timeout=PATIENCE)
