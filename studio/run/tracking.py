"""Where the trackers of a recipe write: into the run's folder, as far as they write files."""

from __future__ import annotations

import os

from studio.recipe.recipe import Recipe
from studio.run.directory import Run

FOLDER = "tracker"
PROJECT = "atelier"


def place_tracker(run: Run, recipe: Recipe) -> None:
    """Say by its own variables where the recipe's tracker writes. A server or project that the user named stays.

    Keys are not among them: each tracker finds those by itself, where its own command has put them. Trackio has one
    place for all runs, so that its page shows them side by side.
    """
    folder = run.path / FOLDER
    match recipe.training.tracker:
        case "tensorboard":
            os.environ["TENSORBOARD_LOGGING_DIR"] = str(folder)
        case "mlflow":
            os.environ.setdefault("MLFLOW_TRACKING_URI", folder.as_uri())
            os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", PROJECT)
        case "wandb":
            folder.mkdir(exist_ok=True)  # else it writes into the system's folder for temporary files
            os.environ["WANDB_DIR"] = str(folder)
            os.environ.setdefault("WANDB_PROJECT", PROJECT)
