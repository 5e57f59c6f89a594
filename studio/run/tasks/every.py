"""Which runner trains which task."""

from __future__ import annotations

from studio.recipe.recipe import Recipe
from studio.run.tasks.direct_preference import DirectPreferenceRunner
from studio.run.tasks.language_modeling import LanguageModelingRunner
from studio.run.tasks.masked_language_modeling import MaskedLanguageModelingRunner
from studio.run.tasks.runner import TaskRunner
from studio.run.tasks.sequence_classification import SequenceClassificationRunner

RUNNERS: dict[str, type[TaskRunner]] = {
    "language-modeling": LanguageModelingRunner,
    "direct-preference": DirectPreferenceRunner,
    "sequence-classification": SequenceClassificationRunner,
    "masked-language-modeling": MaskedLanguageModelingRunner,
}


def runner_of(recipe: Recipe) -> TaskRunner:
    """How the recipe's task is trained."""
    return RUNNERS[recipe.task.name](recipe)
