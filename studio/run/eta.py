"""How long a run still takes, from the steps that it has done."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

STALL = 4.0  # a step of more than so many usual ones was held up by something else, and counts as so many
LEAST_DOUBT = 0.03  # share of the estimate: the machine itself is not steadier


class TimeLeft(NamedTuple):
    """Seconds to go: the estimate, and the bounds that it should stay within nineteen times out of twenty."""

    seconds: float
    low: float
    high: float


def pace_of(step_seconds: Sequence[float]) -> float:
    """Seconds of a usual step: their mean, in which a stall counts little. Raises ValueError where there are none."""
    if not step_seconds:
        raise ValueError("no step was measured")
    longest = STALL * statistics.median(step_seconds)
    return statistics.fmean(min(seconds, longest) for seconds in step_seconds)


def seconds_left(
    step_seconds: Sequence[float], step: int, steps: int, evaluations: int, check_seconds: float, save: float = 0.0
) -> TimeLeft:
    """Time to a run's end.

    Rows differ in length and so do steps: the mean of `n` steps is off by their spread over the root of `n`, and the
    steps to come spread too.

    Args:
        step_seconds: how long the last steps took, the first of the run left out: it warms up.
        step: steps done.
        steps: steps of the whole run.
        evaluations: held-out checks to come.
        check_seconds: how long one of them takes.
        save: seconds for what has to be saved at the end.

    Raises:
        ValueError: no step was measured.
    """
    pace, to_go = pace_of(step_seconds), max(0, steps - step)
    spread = min(statistics.stdev(step_seconds), STALL * pace) if len(step_seconds) > 1 else pace
    seconds = to_go * pace + evaluations * check_seconds + save
    doubt = 2 * spread * math.sqrt(to_go * to_go / len(step_seconds) + to_go) + LEAST_DOUBT * seconds
    return TimeLeft(seconds, max(0.0, seconds - doubt), seconds + doubt)
