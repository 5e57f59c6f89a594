"""The data room in a real browser: by keyboard alone from rows to "ready to train", kept over a reload, on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROWS = "question;context;answer\n" + "".join(f"what is {n}?;number {n};it is {n}\n" for n in range(30))
MOST_STEPS = 60
KEPT = "localStorage.getItem('atelier-data')"
FOCUSED = "document.activeElement.closest('[id]:not([id^=html-])')?.id"


def walk_to(page: Page, place: str, words: str = "") -> None:
    """Press Tab until the focus is in an element with this id, on something that says these words."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        said = page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''")
        if page.evaluate(FOCUSED) == place and words in said:
            return
    raise AssertionError(f"Tab never came to {place}")


@pytest.mark.slow  # the quick one goes by keyboard over a mend
def test_from_upload_to_ready_by_keyboard_alone(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    path = tmp_path / "desk.csv"
    path.write_text(ROWS)
    walk_to(page, "upload")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(path)
    expect(page.locator("#data-chosen")).to_contain_text("desk.csv: 30 rows, CSV, utf-8, cells parted by a semicolon.")
    walk_to(page, "data-mapping")
    page.keyboard.press("Enter")
    walk_to(page, "data-prompt-template")
    page.keyboard.type("About {context}: {question}")
    expect(page.locator("#data-example")).to_contain_text("About number 0: what is 0?")
    page.keyboard.press("Tab")
    expect(page.locator("#shape-reason")).to_contain_text("made from the template")
    walk_to(page, "data-views", "Split and mix")
    page.keyboard.press("Enter")
    expect(page.locator("#split-bar")).to_contain_text("27 to train on")
    walk_to(page, "data-views", "What is wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#data-report")).to_contain_text("Ready to train")


def test_a_reload_keeps_what_was_chosen(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    kept = page.evaluate(KEPT)
    page.get_by_role("button", name="Or paste text or a table").click()
    page.locator("#pasted textarea").fill("question\tanswer\n" + "".join(f"q {n}\ta {n}\n" for n in range(9)))
    page.click("#use-pasted")
    expect(page.locator("#data-chosen")).to_contain_text("9 rows")
    page.wait_for_function(f"before => {KEPT} !== before", arg=kept)
    page.reload()
    expect(page.locator("#data-chosen")).to_contain_text("9 rows")
    expect(page.locator("#summary")).to_contain_text("pasted.tsv")
    watched.errors.clear()  # the browser notes what the reload broke off


@pytest.mark.slow  # the recipe room has the same in a quick one
def test_a_phone_shows_one_column(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 900})
    for view in ("What is wrong", "As the model sees it", "Rows", "Split and mix", "New rows", "Groups"):
        page.get_by_role("tab", name=view, exact=True).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_the_cleaned_rows_are_downloaded(watched: Watched) -> None:
    page = watched.page
    page.get_by_role("tab", name="Rows", exact=True).click()
    page.get_by_role("button", name="Take the cleaned rows away").click()
    page.click("#export-jsonl")
    with page.expect_download() as download:
        page.locator("#export-links a").first.click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 400
