"""Bad files on the page: each gets a clear message, and the page lives on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LONG = "x" * 100_000


def csv_of(*lines: str) -> bytes:
    return "\n".join(lines).encode()


FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("empty.csv", b"", "empty"),
    "header only": ("header.csv", b"prompt,completion\n", "no row"),
    "missing columns": ("one.csv", csv_of("question", "a", "b", "c"), "one column only"),
    "one row": ("row.csv", csv_of("prompt,completion", "a,b"), "Only 1 usable row"),
    "binary": ("image.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "a picture by its first bytes"),
    "duplicate columns": ("twice.csv", csv_of("prompt,prompt", "a,b", "c,d"), "prompt"),
    "wrong shape": ("wrong.json", b'{"a": 1, "b": {"c": 2}}', "list"),
    "broken json": ("broken.jsonl", b'{"prompt": "a", "completion": "b"}\n{"prompt": \n', "2"),
}
READ: dict[str, tuple[str, bytes, str]] = {
    "latin-1": ("latin.csv", "prompt,completion\ncafé,thé\nnaïve,garçon\nélan,où\n".encode("latin-1"), "windows-1252"),
    "huge cell": ("huge.csv", csv_of("prompt,completion", f"{LONG},b", "c,d", "e,f"), "over 20,000 characters"),
    "markup": ("markup.csv", csv_of("prompt,completion", "<img src=x onerror=alert(1)>,b", "c,d", "e,f"), "3"),
}


def write(folder: Path) -> Callable[[str, bytes], Path]:
    def write_file(name: str, content: bytes) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(("empty", "binary", "broken json"), id="some"),
        pytest.param(tuple(FILES), id="all", marks=pytest.mark.slow),  # half a minute; each is read without a browser
    ],
)
def test_bad_files_are_explained_one_after_the_other(kept: Watched, tmp_path: Path, cases: tuple[str, ...]) -> None:
    report = kept.page.locator("#data-report")
    for case in cases:
        name, content, fragment = FILES[case]
        kept.page.set_input_files("#upload input[type=file]", write(tmp_path)(name, content))
        expect(report, case).to_contain_text(name)
        expect(report, case).to_contain_text(fragment, ignore_case=True)
        expect(report.locator(".note-error").first, case).to_be_visible()


def test_odd_files_are_read_and_shown_as_text(kept: Watched, tmp_path: Path) -> None:
    dialogs: list[str] = []
    kept.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    for case, (name, content, fragment) in READ.items():
        kept.page.set_input_files("#upload input[type=file]", write(tmp_path)(name, content))
        expect(kept.page.locator("#data-report"), case).to_contain_text(name)
        expect(kept.page.locator("#data-report"), case).to_contain_text(fragment)
        assert kept.page.locator("#rows img").count() == 0
    assert dialogs == []
