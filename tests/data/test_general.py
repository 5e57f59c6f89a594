"""The bundled general rows: enough, each once, none of a sample's prompts, and made by their script."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

from studio.home import ASSETS

GENERAL = ASSETS / "general" / "general.jsonl"
ROWS = [json.loads(line) for line in GENERAL.read_text("utf-8").splitlines()]


def prompts_of(path: Path) -> list[str]:
    if path.suffix == ".jsonl":
        return [json.loads(line)["prompt"] for line in path.read_text("utf-8").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]  # their first column


def test_there_are_enough_and_none_is_empty_or_twice():
    assert 300 <= len(ROWS) <= 600
    assert all(row["prompt"].strip() and row["completion"].strip() for row in ROWS)
    assert len({row["prompt"] for row in ROWS}) == len(ROWS)
    assert len({row["kind"] for row in ROWS}) >= 8
    assert f"{len(ROWS)}, no prompt twice" in (ASSETS / "general" / "README.md").read_text("utf-8")


def test_no_prompt_is_one_of_the_samples():
    files = [path for path in (ASSETS / "samples").glob("*/*") if path.suffix in (".csv", ".jsonl")]
    assert len(files) == 8
    known = {prompt for path in files for prompt in prompts_of(path)}
    assert not known & {row["prompt"] for row in ROWS}


def test_the_script_makes_these_very_rows(tmp_path: Path):
    for folder in ("general", "samples", "starter"):
        shutil.copytree(ASSETS / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "general" / "general.jsonl").unlink()
    subprocess.run([sys.executable, tmp_path / "general" / "make.py"], check=True, timeout=60, capture_output=True)
    assert (tmp_path / "general" / "general.jsonl").read_bytes() == GENERAL.read_bytes()
