"""The recipe as a program with its rows, written by a child: the page never loads the training libraries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from studio.errors import StudioError
from studio.home import CHECKOUT, Home
from studio.recipe.recipe import Recipe
from studio.ui.downloads import exports

PREFIX = "script-"
KEPT = 4
PATIENCE = 600  # seconds
PROGRAM = "train.py"


def write_program(home: Home, recipe: Recipe) -> tuple[Path, str]:
    """The zip with the program, its rows and what to install, among the files for download; and the program's text.

    Raises:
        StudioError: it cannot be written, in the words of the command line.
    """
    text = recipe.to_yaml()
    folder = exports(home) / f"{PREFIX}{sha256(text.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    _make_room(home, folder)
    asked = folder / "recipe.yaml"
    asked.write_text(text, "utf-8")
    words = ["script", str(asked), "--to", str(folder), "--home", str(home.root), "--json"]
    path = os.pathsep.join([str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "studio", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=os.environ | {"PYTHONPATH": path},
        )
    except subprocess.TimeoutExpired:
        raise StudioError("Writing the script took more than ten minutes and was given up. Try it again.") from None
    if done.returncode:
        raise StudioError(done.stderr.strip()[-2000:] or "The script could not be written.")
    archive = Path(json.loads(done.stdout)["path"])
    with ZipFile(archive) as file:
        return archive, file.read(PROGRAM).decode("utf-8")


def _make_room(home: Home, wanted: Path) -> None:
    """Let go of programs that were written long ago."""
    others = [each for each in exports(home).glob(f"{PREFIX}*") if each != wanted]
    for folder in sorted(others, key=lambda each: each.stat().st_mtime)[: -(KEPT - 1)]:
        shutil.rmtree(folder, ignore_errors=True)
