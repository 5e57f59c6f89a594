"""The data room in a real page: what is wrong is shown, mended with a press, undone, and seen as the model sees it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FileChooser, Page, TimeoutError, expect

from tests.browser.conftest import PATIENCE, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

MOJIBAKE = "Le cafÃ© est fermÃ©"
SCRIPT = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
MOST_TABS = 250


def odd_csv(path: Path) -> Path:
    """60 rows: row 3 repeats row 2, row 5 is mojibake, row 7 holds markup."""
    rows = [(f"Question {n} about lamp {n * n}?", f"Answer {n}: turn switch {n + 7}.") for n in range(1, 61)]
    rows[2] = rows[1]
    rows[4] = (MOJIBAKE, "voilÃ  câ€™est Ã§a")
    rows[6] = (SCRIPT, "<div><b>Bold</b> and <a href='https://example.org'>linked</a></div>")
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("prompt", "completion"), *rows])
    return path


def upload(page: Page, path: Path) -> None:
    page.set_input_files("#upload input[type=file]", path)
    expect(page.locator("#data-report")).to_contain_text(path.name)


def view(page: Page, name: str) -> None:
    page.locator("#data-views").get_by_role("tab", name=name, exact=True).click()


def recipe(page: Page, folder: Path, text: str) -> None:
    """Upload a recipe in the Recipe tab, and come back."""
    path = folder / "recipe.yaml"
    path.write_text(text)
    page.get_by_role("tab", name="Recipe", exact=True).click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a recipe").click()
    chooser.value.set_files(path)
    page.get_by_role("tab", name="Data", exact=True).click()


@pytest.mark.slow  # the keyboard-only pass mends and undoes too
def test_a_mend_changes_the_rows_and_its_undo_gives_them_back(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    upload(page, odd_csv(tmp_path / "odd.csv"))
    report = page.locator("#data-report")
    for card in ("Duplicate", "Mojibake"):
        expect(report.get_by_role("heading", name=card)).to_be_visible()
    report.get_by_role("button", name="Show these rows: Mojibake").click()
    rows = page.locator("#rows")
    expect(rows).to_contain_text(MOJIBAKE)
    expect(rows.locator("tbody tr")).to_have_count(1)
    before = rows.locator("tbody").inner_text()

    view(page, "What is wrong")
    report.locator("button[data-press$=':mojibake'][data-press^='mend']").click()
    expect(report.get_by_role("heading", name="Mojibake")).to_have_count(0)
    expect(report).to_contain_text("1 mend done")
    view(page, "Rows")
    page.locator("#rows-number textarea, #rows-number input").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator("#row-open")).to_contain_text("changed by a mend")
    expect(page.locator("#row-open textarea").first).to_have_value("Le café est fermé")

    view(page, "What is wrong")
    report.get_by_role("button", name=re.compile("^Undo: ")).click()
    expect(report.get_by_role("heading", name="Mojibake")).to_be_visible()
    report.get_by_role("button", name="Show these rows: Mojibake").click()
    expect(rows.locator("tbody tr")).to_have_count(1)
    assert rows.locator("tbody").inner_text() == before


@pytest.mark.slow  # its handlers are tested without a browser
def test_a_row_is_edited_dropped_and_brought_back(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    upload(page, odd_csv(tmp_path / "edit.csv"))
    view(page, "Rows")
    page.get_by_role("button", name="Open row 4", exact=True).click()
    row = page.locator("#row-open")
    row.locator("textarea").nth(1).fill("Another answer")
    row.get_by_role("button", name="Save the completion").click()
    expect(page.locator("#rows")).to_contain_text("Another answer")
    expect(row).to_contain_text("changed by a mend")
    row.get_by_role("button", name="Drop this row").click()
    expect(row).to_contain_text("dropped by a mend")
    row.get_by_role("button", name="Bring this row back").click()
    expect(row).to_contain_text("Row 4: ")
    expect(row.locator("textarea").nth(1)).to_have_value("Another answer")
    page.get_by_role("button", name="Open row 6", exact=True).click()
    expect(row.locator("textarea").nth(1)).to_have_value("Answer 6: turn switch 13.")


@pytest.mark.slow  # its parts are tested without a browser
def test_the_thorough_look_comes_by_itself_with_its_plot(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    upload(page, odd_csv(tmp_path / "thorough.csv"))
    take_out = page.locator("#data-report").get_by_role("button", name="Take the markup out: Markup")
    expect(take_out).to_be_visible(timeout=2 * PATIENCE)
    expect(page.locator("#data-report .figures")).to_contain_text("Tokens")
    expect(page.locator("#data-plots .main-svg").first).to_be_visible()
    assert page.locator("#data-plots [role=img]").first.get_attribute("aria-label")


@pytest.mark.slow  # its parts are tested without a browser
def test_a_row_is_seen_in_tokens_with_the_cut_of_the_recipe(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    recipe(page, tmp_path, "training: {max_length: 32}\n")
    upload(page, odd_csv(tmp_path / "tokens.csv"))
    view(page, "As the model sees it")
    preview = page.locator("#preview")
    expect(preview.locator(".data-trained").nth(2)).to_be_visible(timeout=2 * PATIENCE)
    expect(preview.locator(".data-tokens")).to_contain_text("Question 1 about lamp")
    trained = "".join(preview.locator(".data-tokens .data-trained").all_inner_texts())
    assert "turn" in trained
    assert "lamp" not in trained
    page.locator("#preview-which").get_by_label("Longest").click()
    expect(preview.locator(".data-cut")).to_contain_text("32 tokens")
    assert preview.locator(".data-lost").count() > 0
    page.locator("#preview-search textarea, #preview-search input").fill("7")
    page.keyboard.press("Enter")
    expect(preview).to_contain_text("Row 7")
    expect(preview.locator(".data-tokens")).to_contain_text("<script>")


def test_a_script_in_a_cell_is_text_wherever_it_is_shown(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    upload(page, odd_csv(tmp_path / "script.csv"))
    view(page, "Rows")
    page.get_by_role("button", name="Open row 7", exact=True).click()
    expect(page.locator("#rows")).to_contain_text("<script>window.hacked = 1</script>")
    expect(page.locator("#row-open textarea").first).to_have_value(SCRIPT)
    page.locator("#rows-search textarea, #rows-search input").fill(SCRIPT)
    page.keyboard.press("Enter")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    assert page.locator("#rows script, #rows img, #row-open script, #row-open img").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.slow  # its handlers are tested without a browser
def test_groups_are_counted_on_demand(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    path = tmp_path / "people.csv"
    lines = [f"Who is woman {n}?,She is kind {n}" for n in range(30)] + [f"What is {n}?,A thing" for n in range(30)]
    path.write_text("\n".join(["prompt,completion", *lines]))
    upload(page, path)
    view(page, "Groups")
    page.locator("#groups-count").click()
    expect(page.locator("#groups")).to_contain_text("30 rows mention women")
    expect(page.locator("#groups .main-svg").first).to_be_visible()


def test_from_upload_to_mend_to_ready_by_keyboard_alone(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    expect(page.locator("#data-report")).to_contain_text("Ready to train")  # what comes as the page opens has come
    asked_for_file(page).set_files(odd_csv(tmp_path / "keys.csv"))
    expect(page.locator("#data-report")).to_contain_text("keys.csv")
    tab_to(page, "a => /^mend:.*:mojibake$/.test(a.dataset.press || '')")
    page.keyboard.press("Enter")
    expect(page.locator("#data-report")).to_contain_text("1 mend done")
    page.wait_for_function("document.activeElement.matches('[data-told]')")  # told of it, and Undo is next
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.press") == "undo:0"
    tab_to(page, "a => a.role === 'tab' && a.textContent.trim() === 'Recipe'")
    page.keyboard.press("Enter")
    expect(page.locator("#recipe-problems")).to_contain_text("Ready to train")


def asked_for_file(page: Page) -> FileChooser:
    """Space on the upload. A page that still settles can lose the focus between two keys: then it is sought again."""
    for _ in range(3):
        tab_to(page, "a => a.closest('#upload') && a.tagName === 'BUTTON'")
        try:
            with page.expect_file_chooser(timeout=PATIENCE / 6) as chooser:
                page.keyboard.press("Space")
            return chooser.value
        except TimeoutError:
            continue
    raise AssertionError("Space on the upload opened no file chooser")


def tab_to(page: Page, wanted: str, press: Callable[[Page], None] = lambda page: page.keyboard.press("Tab")) -> None:
    """Press Tab until the element that has the focus is the one wanted, a JavaScript function of it."""
    for _ in range(MOST_TABS):
        press(page)
        if page.evaluate(f"({wanted})(document.activeElement)"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab did not reach {wanted}")
