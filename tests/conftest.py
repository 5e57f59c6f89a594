"""What tests of several folders share: a home, a tiny base model, rows, and recipes over both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.data.part import DataPart
from studio.home import Home, open_home
from studio.recipe.read import changed
from studio.recipe.recipe import LooksPart, ModelPart, Recipe, TrainingPart

COLOURS = ("red", "green", "blue", "white")

MakeRecipe = Callable[..., Recipe]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a Llama of 100,000 random weights and a tokenizer of bytes."""
    from tests.tiny_run import make_base  # imports torch, which most tests do without

    return make_base(tmp_path_factory.mktemp("models") / "tiny-base")


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pairs that a model of this size can learn."""
    rows = [f"Colour {n}?,{COLOURS[n % len(COLOURS)]}" for n in range(24)]
    path = tmp_path_factory.mktemp("data") / "colours.csv"
    path.write_text("\n".join(["prompt,completion", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def make_recipe(tiny_base: Path, pairs_file: Path) -> MakeRecipe:
    """`make_recipe({"training.epochs": 1})`: a recipe over the tiny base with some options changed, without looks."""
    recipe = Recipe(
        model=ModelPart(id=str(tiny_base)),
        data=DataPart(path=str(pairs_file), held_out_share=0.25),
        training=TrainingPart(
            learning_rate=1e-2, epochs=2, batch_size=6, max_length=128, precision="float32", evaluations=2
        ),
        looks=LooksPart(enabled=False),  # they have tests of their own
    )

    def make(changes: dict[str, object] | None = None) -> Recipe:
        return changed(recipe, changes or {})

    return make
