"""What a voice asks for: which model has to be in memory, which adapter on it, how much of it is heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from studio.answer.mix import why_not_mixed
from studio.answer.voice import RESULT, Merge, Source, Voice
from studio.errors import StudioError
from studio.recipe.recipe import ModelPart, Recipe
from studio.recipe.tasks import LanguageModeling, SequenceClassification
from studio.run.directory import Run


class Whole(NamedTuple):
    """A whole model that came out of a run, or out of it at a checkpoint; told apart from a later one in its folder."""

    folder: Path
    written: int
    is_checkpoint: bool


class ModelKey(NamedTuple):
    """Which model is in memory, and how. Voices with equal keys share it.

    `head` is what it has on top of its body, empty where it writes. `whole` is set where it is no base.
    """

    model_id: str
    weights: str
    quantization: str
    head: str
    whole: Whole | None = None


@dataclass(frozen=True)
class Learned:
    """An adapter that a run left, in a folder or in a checkpoint, told apart from a later one there."""

    run: Run
    folder: Path
    written: int
    is_checkpoint: bool

    @property
    def name(self) -> str:
        """For notes and errors."""
        return f"{self.run.name} at {self.folder.name}" if self.is_checkpoint else self.run.name


@dataclass(frozen=True)
class Mix:
    """Several adapters, each with its weight, to be made into one."""

    parts: tuple[tuple[Learned, float], ...]
    how: Merge
    density: float

    @property
    def name(self) -> str:
        """For notes and errors."""
        return f"the mix of {', '.join(part.name for part, _ in self.parts)}"


@dataclass(frozen=True)
class Wanted:
    """A voice in terms of what is loaded. `run` is None for a base model by itself."""

    voice: Voice
    recipe: Recipe
    run: Run | None
    whole: Whole | None = None
    adapter: Learned | Mix | None = None

    @property
    def name(self) -> str:
        """For notes and errors."""
        if self.adapter is not None:
            return self.adapter.name
        if self.run is None:
            return self.recipe.model.id
        at = f" at {self.whole.folder.name}" if self.whole is not None and self.whole.is_checkpoint else ""
        return f"{self.run.name}{at}"

    @property
    def head(self) -> str:
        """What bases must have in common above their bodies. A head for classes is made for one run."""
        task = self.recipe.task
        if self.run is None or isinstance(task, LanguageModeling):
            return ""
        return f"{task.name} of {self.run.path}" if isinstance(task, SequenceClassification) else task.name

    @property
    def writes(self) -> bool:
        """Whether it answers in words of its own."""
        return not self.head


def wanted_by(voice: Voice) -> Wanted:
    """What a voice asks for. Looks at the folders of runs and loads nothing.

    Raises:
        StudioError: a run has no such result or checkpoint, or the voices of a mix cannot be mixed.
    """
    if voice.mixed:
        return _mix(voice)
    if voice.source is None:
        return Wanted(voice, Recipe(model=ModelPart(id=voice.model_id)), None)
    run = Run(Path(voice.source.run))
    if voice.is_base:
        return Wanted(voice, run.recipe, run)
    folder, is_checkpoint = _folder(run, voice.source)
    recipe, written = run.recipe, folder.stat().st_mtime_ns
    if recipe.method.keeps == "model":
        return Wanted(voice, recipe, run, whole=Whole(folder, written, is_checkpoint))
    return Wanted(voice, recipe, run, adapter=Learned(run, folder, written, is_checkpoint))


def _folder(run: Run, source: Source) -> tuple[Path, bool]:
    if source.part == RESULT:
        if run.result is None:
            raise StudioError(
                f"The run {run.name} has no result (yet), so there is no tuned model to ask. "
                "Wait until it has finished, or choose another run."
            )
        return run.result, False
    for checkpoint in run.checkpoints():
        if checkpoint.name == source.part:
            return checkpoint, True
    raise StudioError(f"The run {run.name} has no checkpoint {source.part:.60} (any more). Choose another one.")


def _mix(voice: Voice) -> Wanted:
    parts: list[tuple[Learned, float]] = []
    found: list[Wanted] = []
    for ingredient in voice.mixed:
        each = wanted_by(Voice(source=Source(run=ingredient.run, part=ingredient.part)))
        if reason := why_not_mixed(each.recipe):
            raise StudioError(f"{each.name} cannot be part of a mix: {reason}.")
        assert isinstance(each.adapter, Learned)
        parts.append((each.adapter, ingredient.weight))
        found.append(each)
    first = found[0]
    return Wanted(voice, first.recipe, first.run, adapter=Mix(tuple(parts), voice.how, voice.density))
