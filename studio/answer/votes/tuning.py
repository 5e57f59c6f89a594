"""From votes to the recipe of a run that learns them: direct preference optimisation, on from what was voted on."""

from __future__ import annotations

from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import DirectPreference, LanguageModeling
from studio.run.begun_from import adapter_to_begin_from
from studio.run.directory import Run
from studio.run.merge import tune_base

GENTLER = 0.2  # of the learning rate of plain learning: preferences are overdone quickly
EPOCHS = 4.0  # votes are few
HELD_OUT = 0.1  # of the pairs, where the run held no share of its rows out


def preference_recipe(home: Home, run: Run, path: str) -> Recipe:
    """The recipe that learns the pairs in the file `path`, beginning with what `run` learned.

    Its adapter is trained further where that can be; else a new one goes on top of the run's whole model, which takes
    as long as loading and saving the base.

    Raises:
        StudioError: the run does not write, or what it left cannot be tuned on.
    """
    before = run.recipe
    if not isinstance(before.task, LanguageModeling):
        raise StudioError(
            f"{run.name} was trained for {before.task.title}, and preferences are learned by a model that writes. Vote "
            "on a run of language modeling."
        )
    rate = before.training.learning_rate * (1 if isinstance(before.task, DirectPreference) else GENTLER)
    data = DataPart(path=path, held_out_share=before.data.held_out_share or HELD_OUT, split_seed=before.data.split_seed)
    recipe = changed(
        before,
        {
            "data": data.model_dump(),
            "task.name": "direct-preference",
            "task.begin_from": run.name,
            "training.learning_rate": rate,
            "training.epochs": EPOCHS,
            "training.label_smoothing": 0.0,
            "training.loss_type": "nll",
            "training.packing": False,
        },
    )
    try:
        adapter_to_begin_from(home, recipe)
    except StudioError:
        return changed(recipe, {"task.begin_from": "", "model.id": str(tune_base(run))})
    return recipe
