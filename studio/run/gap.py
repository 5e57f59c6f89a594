"""The gap between held-out and training loss, and since when it opens because rows are learned by heart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from studio.run.events import AnyEvent, Metrics, that_count
from studio.run.mean import KEPT, Mean

RISES = 2  # held-out checks in a row above the best, before anything is said
LEAST, LEAST_SHARE = 0.01, 0.02  # nats and share of the best by which it has to rise, and the training loss to fall
NOISE = 3.0  # standard deviations of what held-out losses scatter anyway


@dataclass(frozen=True)
class Gap:
    """Held-out loss less smoothed training loss, in nats.

    `points` are (step, gap) at each held-out check; `best` is the step with the lowest held-out loss, `best_loss` that
    loss. `since` is the step from which on the held-out loss rises while the training loss falls; None where it does
    not.
    """

    points: list[tuple[int, float]]
    best: int
    best_loss: float
    since: int | None
    words: str


def gap_of(events: Iterable[AnyEvent]) -> Gap | None:
    """The gap over the steps of a run that count; None before the first held-out check with a training loss."""
    measured = [each for each in that_count(events) if isinstance(each, Metrics)]
    trained = [(each.step, each.values["loss"]) for each in measured if "loss" in each.values]
    return gap(trained, {each.step: each.values["eval_loss"] for each in measured if "eval_loss" in each.values})


def gap(trained: Sequence[tuple[int, float]], held_out: Mapping[int, float]) -> Gap | None:
    """The same of losses: training losses as (step, nats), held-out losses by step, both rising.

    It is called overfitting where the held-out loss was above its best at the last two checks, further than it scatters
    and than a fiftieth, while the smoothed training loss fell by as much (Goodfellow et al. 2016, Deep Learning,
    section 7.8: where early stopping would have ended).
    """
    smoothed = _at(trained, sorted(step for step, loss in held_out.items() if math.isfinite(loss)))
    if not smoothed:
        return None
    points = [(step, held_out[step] - loss) for step, loss in smoothed]
    checks = [step for step, _ in points]
    best = min(checks, key=lambda step: (held_out[step], step))
    opened = _opened([held_out[step] for step in checks], [loss for _, loss in smoothed], checks.index(best))
    since = best if opened else None
    return Gap(points, best, held_out[best], since, _words(held_out, checks, best, since))


def _at(trained: Sequence[tuple[int, float]], checks: Sequence[int]) -> list[tuple[int, float]]:
    """The smoothed training loss at each check that has one."""
    found, mean, at = [], Mean(), 0
    for check in checks:
        while at < len(trained) and trained[at][0] <= check:
            if math.isfinite(trained[at][1]):
                mean = mean.plus(trained[at][1], KEPT)
            at += 1
        if mean.weight:
            found.append((check, mean.value))
    return found


def _opened(held_out: Sequence[float], trained: Sequence[float], best: int) -> bool:
    after = held_out[best + 1 :]
    if len(after) < RISES:
        return False
    least = max(LEAST, LEAST_SHARE * abs(held_out[best]), NOISE * _scatter(held_out))
    rises = all(loss > held_out[best] + least for loss in after[-RISES:])
    return rises and trained[-1] < trained[best] - max(LEAST, LEAST_SHARE * abs(trained[best]))


def _scatter(losses: Sequence[float]) -> float:
    """The standard deviation of what the losses scatter around a smooth curve: of normal errors the median of the
    second differences' sizes is 0.6745 times the root of 6 times that."""
    bends = [abs(losses[i - 1] - 2 * losses[i] + losses[i + 1]) for i in range(len(losses) // 2, len(losses) - 1)]
    return median(bends) / (0.6745 * math.sqrt(6)) if len(bends) > 2 else 0.0


def _words(held_out: Mapping[int, float], checks: Sequence[int], best: int, since: int | None) -> str:
    if since is not None:
        return (
            f"Since step {since:,} the held-out loss rises while the training loss falls: it is learning rows by "
            f"heart. Best: step {best:,} (held-out loss {held_out[best]:.3g}, now {held_out[checks[-1]]:.3g})."
        )
    if best == checks[-1]:
        return f"The held-out loss is at its best ({held_out[best]:.3g} at step {best:,}): nothing is learned by heart."
    return f"The held-out loss was at its best at step {best:,} ({held_out[best]:.3g}) and has not clearly risen since."
