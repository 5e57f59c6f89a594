"""The recipe as texts: they follow it, and the program is written by a child and goes stale with the recipe."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.recipe.presets import DEFAULT, preset_named
from studio.recipe.read import read_recipe
from studio.recipe.recipe import Recipe
from studio.ui.recipe import texts
from studio.ui.recipe.program import KEPT, PREFIX, write_program
from tests.ui.recipe.fields import drawn, studio_in


def test_yaml_and_command_are_those_of_the_recipe(tmp_path: Path) -> None:
    tab = drawn(studio_in(tmp_path))
    recipe = preset_named("careful").recipe
    yaml, command, machines, slurm = tab.texts.show(recipe)
    assert read_recipe(yaml) == recipe
    assert command == "python -m studio train careful"
    for text in (machines, slurm):
        assert f"{command} --set launch.processes" in text
        assert "accelerate launch" in text


def test_a_program_of_another_recipe_is_taken_away(tmp_path: Path) -> None:
    tab = drawn(studio_in(tmp_path))
    assert tab.texts.told not in texts.grow_stale(tab.texts, "")
    updates = texts.grow_stale(tab.texts, "print(1)")
    assert "has changed" in updates[tab.texts.told]
    assert updates[tab.texts.program]["value"] == ""
    assert not updates[tab.texts.program]["visible"]


@pytest.mark.slow  # the command line writes the same zip
def test_the_program_lies_among_the_downloads_with_its_rows(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    for number in range(KEPT + 2):
        (studio.home.root / "exports" / f"{PREFIX}old{number}").mkdir(parents=True)
    archive, text = write_program(studio.home, preset_named(DEFAULT).recipe)
    assert archive.parent.parent == studio.home.root / "exports"
    assert archive.suffix == ".zip"
    assert len(list(archive.parent.parent.glob(f"{PREFIX}*"))) == KEPT
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(text))
        for alias in (node.names if isinstance(node, ast.Import) else [])
    }
    assert "studio" not in names
    assert "studio" not in {
        (node.module or "").partition(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    }


def test_a_recipe_without_rows_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(StudioError, match="names no data"):
        write_program(studio_in(tmp_path).home, Recipe())
