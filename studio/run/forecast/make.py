"""A forecast from what was followed of a recipe's step, and from what is known of the machine and of the rows."""

from __future__ import annotations

from pathlib import Path

from studio.recipe.methods.every import method_named
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import DirectPreference
from studio.recipe.training import TrainingPart
from studio.run.forecast.forecast import PARTS, Cost, Forecast, KnownRows
from studio.run.forecast.machine import Machine
from studio.run.forecast.pace import Pace, pace
from studio.run.forecast.trace import Parts, Size, Traced, trace
from studio.run.steps import check_steps, steps_of

ERROR = 0.05  # the worst of benchmarks/forecast.py
COMPARED = Size(batch=1, length=128, held_out=False)
MOMENTS = {
    "forward": "at the end of a forward pass",
    "backward": "as the backward pass begins",
    "backward's end": "at the end of a backward pass",
    "clipping": "when the gradients are clipped",
    "update": "when the weights are updated",
    "evaluation": "when the held-out rows are looked at",
}


def forecast(recipe: Recipe, folder: Path, rows: KnownRows | None, machine: Machine) -> Forecast:
    """Memory, time, counts and bytes of a recipe over the base in `folder`. No weights are read.

    Raises:
        StudioError: the base cannot be used.
    """
    size = _size(recipe, rows)
    traced = trace(recipe, folder, size)
    parts, moment = highest(traced, machine)
    total = rows.rows if rows else 0
    steps = _steps(recipe.training, rows)
    took = pace(traced, recipe, size, rows, machine)
    looks = _checks(recipe.training, rows, steps) + _reference_batches(recipe, rows)
    seconds = machine.start_seconds + steps * took.step + looks * took.check
    return Forecast(
        memory_bytes=parts.total(),
        parts={part: parts[part] for part in PARTS if parts[part]},
        error=ERROR,
        capacity_bytes=machine.capacity_bytes,
        device=machine.device,
        seconds=seconds,
        seconds_low=seconds / Pace.spread,
        seconds_high=seconds * Pace.spread,
        step_seconds=took.step,
        steps=steps,
        trainable_parameters=traced.trainable,
        parameters=traced.parameters,
        stored_bytes=traced.stored,
        moment=MOMENTS[moment],
        assumed=_assumed(recipe, rows, total),
    )


def cost(recipe: Recipe, folder: Path, machine: Machine) -> Cost:
    """What the recipe's method costs on its base with all options as they begin.

    Raises:
        StudioError: the base cannot be used.
    """
    method = method_named(recipe.method.name).model_validate({})
    plain = Recipe(model=recipe.model, task=recipe.task, method=method, training=TrainingPart(precision="float32"))
    traced = trace(plain, folder, COMPARED)
    return Cost(
        method=recipe.method.name,
        trainable_parameters=traced.trainable,
        parameters=traced.parameters,
        memory_bytes=highest(traced, machine)[0].total(),
        stored_bytes=traced.stored,
    )


def highest(traced: Traced, machine: Machine) -> tuple[Parts, str]:
    """The parts at the highest moment with the machine's overhead, and which moment it is."""
    name = max(traced.moments, key=lambda each: traced.moments[each].total())
    parts = traced.moments[name].copy()
    parts["overhead"] += machine.overhead(traced)
    return parts, name


def _size(recipe: Recipe, rows: KnownRows | None) -> Size:
    training = recipe.training
    longest = rows.longest if rows and rows.longest else training.max_length
    if training.packing and recipe.task.name == "language-modeling":
        longest = training.max_length
    batch = min(training.batch_size, (rows.packed or rows.rows) if rows else training.batch_size)
    return Size(max(1, batch), max(2, min(longest, training.max_length)), bool(_held_out(training, rows)))


def _held_out(training: TrainingPart, rows: KnownRows | None) -> int:
    """How many held-out rows are looked at on the way."""
    return min(rows.held_out, training.evaluation_rows) if rows and training.evaluations else 0


def _steps(training: TrainingPart, rows: KnownRows | None) -> int:
    return steps_of(training, (rows.packed or rows.rows) if rows else training.batch_size)


def _checks(training: TrainingPart, rows: KnownRows | None, steps: int) -> float:
    """How many batches of held-out rows are looked at in the whole run."""
    held_out = _held_out(training, rows)
    return len(check_steps(training, steps)) * -(-held_out // training.batch_size) if held_out else 0


def _reference_batches(recipe: Recipe, rows: KnownRows | None) -> int:
    """How many batches the reference of a preference run looks at before the first step."""
    if rows is None or not isinstance(recipe.task, DirectPreference):
        return 0
    batch = recipe.training.batch_size
    return -(-rows.rows // batch) + -(-_held_out(recipe.training, rows) // batch)


def _assumed(recipe: Recipe, rows: KnownRows | None, total: int) -> tuple[str, ...]:
    if not rows or not total:
        return ("No rows are chosen yet: one pass is taken as one step, and every row as long as the longest allowed.",)
    if not rows.longest:
        return (
            f"The rows are not counted in tokens yet: each is taken as {recipe.training.max_length:,} tokens long, the "
            "longest allowed.",
        )
    if isinstance(recipe.task, DirectPreference):
        return ("Each worse answer is taken to be as long as the better one.",)
    return ()
