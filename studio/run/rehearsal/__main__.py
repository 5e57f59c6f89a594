"""The child of a rehearsal: `python -m studio.run.rehearsal`, one question on standard input, then it ends.

It starts as a run's own process does, so that it takes the same memory.
"""

from __future__ import annotations

import traceback

from studio.errors import StudioError
from studio.home import Home, open_home
from studio.recipe.models import fetch, locate
from studio.recipe.recipe import Recipe
from studio.run.pipe import Pipe
from studio.run.rehearsal.wire import REQUEST, Doing, Failed, Rehearse, Rehearsed, Reply
from studio.run.submit import prepare_part

SPARE = 0.92  # of the memory there is: what else the machine does needs some too


def _rehearse(asked: Rehearse, home: Home, pipe: Pipe[Rehearse, Reply]) -> Rehearsed:
    from studio.run.rehearsal.steps import two_steps
    from studio.run.steps import steps_of

    def tell(what: str, done: int, total: int) -> None:
        pipe.reply(Doing(id=asked.id, what=what, done=done, total=total))

    recipe = asked.recipe
    prepared = prepare_part(recipe.data, home, tell)
    took = two_steps(recipe, prepared, home, tell)
    tell("What one more row would take", 0, 0)
    steps = steps_of(recipe.training, took.rows)
    capacity = _capacity()
    return Rehearsed(
        id=asked.id,
        peak_bytes=took.peak_bytes,
        capacity_bytes=capacity,
        step_seconds=took.step_seconds,
        steps=steps,
        seconds=steps * took.step_seconds,
        batch=took.batch,
        longest=took.longest,
        largest_batch=_largest(recipe, took.batch, took.longest, took.peak_bytes, capacity),
    )


def _capacity() -> int:
    import torch

    from studio.recipe.hardware import detect

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory)
    return detect().memory_bytes


def _largest(recipe: Recipe, batch: int, longest: int, peak: int, capacity: int) -> int:
    """The batch at which the measured peak would reach the spared capacity, by what more rows were followed to take."""
    from studio.run.forecast.trace import Size, trace

    folder = fetch(locate(recipe.model.id))
    low, high = (trace(recipe, folder, Size(rows, longest, False)).peak.total() for rows in (batch, 2 * batch))
    a_row = max(1, (high - low) // batch)
    return max(0, min(128, batch + int((SPARE * capacity - peak) // a_row)))


def main() -> None:
    """Answer one question of the page."""
    pipe: Pipe[Rehearse, Reply] = Pipe.standard(REQUEST.validate_json)
    import studio.run.train  # noqa: F401 (the slow imports, as the run's process does them while it waits)
    from studio.run.ending import explain

    asked = pipe.next()
    try:
        pipe.reply(_rehearse(asked, open_home(), pipe))
    except StudioError as error:
        pipe.reply(Failed(id=asked.id, problems=list(error.problems)))
    except Exception as error:
        traceback.print_exc()
        pipe.reply(Failed(id=asked.id, problems=[explain(error)]))


if __name__ == "__main__":
    main()
