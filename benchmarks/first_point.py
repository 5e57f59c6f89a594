"""From the click on Train to the first point on the page, against a bare TRL script from its start to its first step.

The studio's page has been open for a while, as it has when someone presses Train: its spare trainer is warm.
    python benchmarks/first_point.py [--pairs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine
from playwright.sync_api import Page, sync_playwright
from start import free_port

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
POINT = "(document.querySelector('.live-plot')?.data?.[0].x.length ?? 0) >= 1"
OPEN = 30  # seconds between opening the page and pressing Train


def click_to_first_point(page: Page) -> float:
    """Seconds from the click to a training loss on the chart; the run is then stopped."""
    page.wait_for_selector("#train")
    time.sleep(OPEN)
    began = time.perf_counter()
    page.click("#train")
    page.wait_for_function(POINT, polling=50, timeout=120_000)
    return time.perf_counter() - began


def studio(home: Path) -> float:
    port = free_port()
    environment = os.environ | {"STUDIO_HOME": str(home), "STUDIO_PORT": str(port)}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page()
            for _ in range(100):
                try:
                    page.goto(f"http://127.0.0.1:{port}")
                    break
                except Exception:
                    time.sleep(0.2)
            seconds = click_to_first_point(page)
            page.click("#acts [data-press^='stop:']")
            page.wait_for_selector('.live-chip[data-status="stopped"]', timeout=120_000)
            browser.close()
            return seconds
    finally:
        app.terminate()
        app.wait()


def bare(folder: Path) -> float:
    """Seconds from the start of the plain script to its first logged step; it is then killed."""
    began = time.perf_counter()
    script = subprocess.Popen(
        [sys.executable, str(ROOT / "benchmarks" / "bare_trl.py"), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert script.stdout is not None
    try:
        for line in script.stdout:
            if line.startswith('{"step"') and "loss" in json.loads(line):
                return time.perf_counter() - began
        raise AssertionError("the script ended before its first step")
    finally:
        script.kill()
        script.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    print(describe_machine())
    ratios = []
    with tempfile.TemporaryDirectory() as home:
        for number in range(pairs):
            mine = studio(Path(home))
            newest = max(Path(home, "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
            theirs = bare(newest)
            ratios.append(mine / theirs)
            print(
                f"{number + 1}: click to point {mine:.2f} s, script to step {theirs:.2f} s, ratio {mine / theirs:.2f}"
            )
    print(f"click to first point, ratio, median of {pairs}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
