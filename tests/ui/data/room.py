"""What the tests of the Data tab's sections share: a studio in a folder of its own, and files that are uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gradio.components import Component

from studio.data.part import DataPart
from studio.home import open_home
from studio.run.launchers import ThreadLauncher
from studio.ui.data.source import take_upload
from studio.ui.studio import Studio

ROWS = "prompt,completion\n" + "".join(f"question {n},answer {n}\n" for n in range(40))


def studio_in(folder: Path) -> Studio:
    """A studio whose home is in this folder."""
    return Studio(open_home(folder / "home"), ThreadLauncher())


def upload(studio: Studio, folder: Path, text: str, name: str = "rows.csv") -> DataPart:
    """The part that the page has after a file with this text was uploaded."""
    path = folder / name
    path.write_text(text, "utf-8")
    return take_upload(studio, [str(path)], DataPart())[0]


def named(outputs: list[Component], shown: list[Any]) -> dict[str, Any]:
    """What a section shows, by its components' ids."""
    assert len(outputs) == len(shown)
    return {str(component.elem_id): value for component, value in zip(outputs, shown, strict=True)}
