"""A real studio in a process of its own and a real Chromium, shared by the tests of this folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from studio.home import CHECKOUT, Home, open_home

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # ms, on a machine that is busy with other things


@dataclass
class RunningStudio:
    """The studio as a user starts it: `python app.py`."""

    home: Home
    port: int
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = os.environ | {"STUDIO_HOME": str(self.home.root), "STUDIO_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"],
                cwd=CHECKOUT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.address, timeout=5):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.2)
        raise AssertionError(f"The studio did not answer: {self.log.read_text()}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE / 2)
    with sync_playwright() as playwright:
        options = {"executable_path": shutil.which("chromium") or shutil.which("google-chrome")}
        browser = playwright.chromium.launch(args=FLAGS, **{k: v for k, v in options.items() if v})
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    folder = tmp_path_factory.mktemp("studio")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    studio = RunningStudio(open_home(folder / "home"), port, folder / "app.log")
    share_cache(studio.home, tmp_path_factory.getbasetemp() / "forecasts")
    studio.start()
    yield studio
    studio.end()


def share_cache(home: Home, shared: Path) -> None:
    """What a method costs on the starter is worked out once for all tests: half a minute of one core."""
    shared.mkdir(exist_ok=True)
    home.cache.rmdir()
    home.cache.symlink_to(shared)


@pytest.fixture
def watched(studio: RunningStudio, browser: Browser) -> Iterator[Watched]:
    """A fresh page of the studio; any error in its console or request to another host fails the test."""
    with open_watched(studio, browser) as watched:
        yield watched


@pytest.fixture(scope="module")
def kept(studio: RunningStudio, browser: Browser) -> Iterator[Watched]:
    """One page for several tests of a file, one after the other: to open one takes as long as most of them."""
    with open_watched(studio, browser) as watched:
        yield watched


@contextmanager
def open_watched(studio: RunningStudio, browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    watched = Watched(context.new_page())

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.errors.append(message.text)

    watched.page.on("console", heard)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on(
        "request",
        lambda request: (
            None if request.url.startswith((studio.address, "data:", "blob:")) else watched.outside.append(request.url)
        ),
    )
    watched.page.goto(studio.address)
    watched.page.wait_for_selector("#train")
    expect(watched.page.locator("#data-report")).to_contain_text("To train on")  # what comes with opening has come
    try:
        yield watched
    finally:
        context.close()
    assert watched.outside == []
    assert watched.errors == []
    assert "Traceback" not in studio.log.read_text()
