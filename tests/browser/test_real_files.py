"""Real files and real weights that nobody here wrote, through the page to a finished run and an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from studio.home import CHECKOUT
from studio.run.directory import Status
from tests.browser.conftest import RunningStudio, Watched
from tests.browser.test_whole_job import ask_both, newest, tab, upload_recipe, wait_until

SHARED = CHECKOUT.parent / "shared"
STORIES = str(SHARED / "models" / "stories260k")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared files are not beside this checkout"),
]

FILES = {
    "gsm8k with the starter": ("gsm8k/test.jsonl", "starter", "question"),
    "gsm8k with stories260k": ("gsm8k/test.jsonl", STORIES, "question"),
    "alpaca with stories260k": ("llama-factory-demos/identity.json", STORIES, "instruction"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_real_file_becomes_a_finished_run(studio: RunningStudio, watched: Watched, tmp_path: Path, case: str) -> None:
    page = watched.page
    file, model, prompt = FILES[case]
    page.set_input_files("#upload input[type=file]", SHARED / "data" / file)
    expect(page.locator("#prompt-column input")).to_have_value(prompt)
    tab(page, "Model")
    if model != "starter":
        page.locator("#base-model input").fill(model)
        page.keyboard.press("Enter")
        expect(page.locator("#model-card")).to_contain_text("LlamaForCausalLM")
    upload_recipe(page, tmp_path, 20)
    page.click("#train")
    expect(page.locator(".live[data-run]")).to_be_visible()
    run = newest(studio)
    wait_until(run, Status.FINISHED, Status.FAILED, seconds=300)
    assert run.status() is Status.FINISHED, run.ended()
    losses = [event.values["loss"] for event in run.events()[0] if event.kind == "metrics" and "loss" in event.values]
    assert sum(losses[-5:]) < sum(losses[:5])
    tab(page, "Compare")
    expect(page.locator("#compare-run")).to_have_value(run.name)
    assert all(ask_both(page))
