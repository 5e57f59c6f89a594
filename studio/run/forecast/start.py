"""What a run's process takes by itself (libraries, threads), measured by a rehearsal of a tiny recipe."""

from __future__ import annotations

from studio.home import Home
from studio.recipe.models import fetch, locate
from studio.recipe.presets import preset_named
from studio.recipe.read import changed
from studio.run.forecast.machine import START_BYTES
from studio.run.forecast.trace import Size, trace
from studio.run.rehearsal.child import rehearse
from studio.run.study.lane import unheard

TINY = {"training.batch_size": 1, "training.max_length": 64, "training.evaluations": 0, "training.packing": False}


def start_bytes(home: Home) -> int:
    """The measured peak of a tiny training less what its tensors were followed to take.

    Where it cannot be measured, a usual value.
    """
    recipe = changed(preset_named("starter").recipe, TINY | {"model.id": "starter", "training.precision": "bfloat16"})
    try:
        found = rehearse(recipe, home, unheard, lambda: False)
    except Exception:  # a machine that refuses a child, or has no memory for one
        return START_BYTES
    folder = fetch(locate(recipe.model.id))
    followed = trace(recipe, folder, Size(found.batch, found.longest, False)).peak.total()
    return max(0, found.peak_bytes - followed)
