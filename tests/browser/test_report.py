"""A whole report of a real run in a real browser: at both widths and themes, printed, and with nothing asked for."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from studio.home import CHECKOUT, Home
from studio.run.directory import Run
from studio.run.submit import submit
from studio.ui.report_routes import report_routes
from tests.tiny_run import one_thread

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,  # trains, scores and reads new data in processes of their own: over half a minute
    pytest.mark.timeout(400),
]


def studio(home: Home, *words: str) -> str:
    command = [sys.executable, "-m", "studio", *words, "--home", str(home.root)]
    with one_thread():
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def run(home: Home, make_recipe, pairs_file: Path, tmp_path: Path) -> Run:
    from studio.run.train import train

    run = submit(home, make_recipe())
    with one_thread():
        train(run)
    studio(home, "score", run.name, "--few-shot", "2")
    other = tmp_path / "<b>new data.csv"
    other.write_text(pairs_file.read_text("utf-8").replace("Colour", "Which <i>hue</i> has number"), "utf-8")
    said = json.loads(studio(home, "drift", run.name, str(other), "--json"))
    assert {"again", "advice", "comparisons"} <= said.keys()
    return run


@pytest.fixture
def address(home: Home) -> Iterator[str]:
    app = FastAPI()
    app.include_router(report_routes(home), prefix="/studio")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_a_report_is_read_at_any_width_printed_and_asks_for_nothing(
    run: Run, home: Home, address: str, browser: Browser, tmp_path: Path
) -> None:
    at = f"{address}/studio/runs/{run.name}/report"
    for width in (1440, 390):
        for theme in ("light", "dark"):
            context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme)
            page, asked, errors = context.new_page(), list[str](), list[str]()
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, errors=errors: errors.append(message.text))
            page.goto(at)
            expect(page.locator("#scores .headline")).to_contain_text("held-out rows")
            expect(page.locator("#drift article")).to_have_count(4)
            expect(page.locator("#drift")).to_contain_text("<b>new data.csv")
            assert page.locator("figure svg").count() >= 2
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
            assert dark is (theme == "dark")
            page.screenshot(path=tmp_path / f"{width}-{theme}.png", full_page=True)
            assert [url for url in asked if not url.endswith("/favicon.ico")] == [at]
            assert [each for each in errors if "favicon" not in each] == []
            context.close()
    file = Path(studio(home, "report", run.name, "--to", str(tmp_path / "report.html")).strip())
    page = browser.new_page(color_scheme="dark")
    page.goto(file.as_uri())
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") > 2
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("nav")).to_be_hidden()
    page.screenshot(path=tmp_path / "print.png", full_page=True)
    page.close()
