"""Every file in presets/ is a recipe that explains itself, and the command in its head works."""

from __future__ import annotations

import shlex

import pytest

from studio.cli.parser import parse
from studio.cli.train import asked_recipe
from studio.data.source import data_file
from studio.errors import StudioError
from studio.home import PRESETS
from studio.recipe import presets as shelf
from studio.recipe.models import CATALOGUE, locate
from studio.recipe.presets import DEFAULT, Preset, preset_named, presets

FILES = sorted(path for path in PRESETS.glob("*.yaml") if path != CATALOGUE)


def test_there_are_enough_and_the_default_comes_first():
    found = presets()
    assert len(found) >= 4
    assert found[0].name == DEFAULT
    assert [preset.name for preset in found[1:]] == sorted(path.stem for path in FILES if path.stem != DEFAULT)
    assert len({preset.recipe for preset in found}) == len(found), "two presets that are the same"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_preset_says_what_it_is_for_and_what_its_knobs_cost(path):
    about, command, *lines = path.read_text("utf-8").splitlines()
    assert about.startswith("# ")
    assert about.endswith(".")
    assert preset_named(path.stem).about == about[2:]
    assert command.startswith(f"# python -m studio train {path.stem}")
    comments = [line.partition("  # ")[2] for line in lines if "  # " in line]
    assert len(comments) >= 2, "no word on what its knobs cost"
    assert all(len(comment) > 10 for comment in comments)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_command_in_its_head_asks_for_this_preset(path):
    command = shlex.split(path.read_text("utf-8").splitlines()[1].lstrip("# "))
    assert command[:3] == ["python", "-m", "studio"]
    options = parse(command[3:])
    recipe, preset = asked_recipe(options), preset_named(path.stem).recipe
    assert (recipe.method, recipe.training) == (preset.method, preset.training)
    assert recipe.model.id == (options.model or preset.model.id)
    assert locate(recipe.model.id).card is not None, "a model that the catalogue does not know"
    assert recipe.data.path == (options.data or preset.data.path)
    if not options.data:
        assert data_file(recipe.data.path).is_file()
        assert data_file(recipe.data.held_out_path).is_file()


def test_an_unknown_name_is_answered_with_those_there_are():
    with pytest.raises(StudioError) as caught:
        preset_named("fast\n" * 100)
    for path in FILES:
        assert path.stem in str(caught.value)


def test_a_new_file_is_a_new_preset(tmp_path, monkeypatch):
    (tmp_path / "my-own.yaml").write_text("# Mine.\n# python -m studio train my-own\nmethod: {rank: 3}\n", "utf-8")
    monkeypatch.setattr(shelf, "PRESETS", tmp_path)
    (mine,) = presets()
    assert (mine.name, mine.title, mine.about, mine.recipe.method.rank) == ("my-own", "My own", "Mine.", 3)
    assert isinstance(mine, Preset)
