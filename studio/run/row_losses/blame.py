"""Which rows of a run look wrong, which it never learned, and which it knows by heart: by their losses on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from studio.run.directory import Run
from studio.run.events import AnyEvent, Metrics, that_count
from studio.run.row_losses.read import RowLosses, kin_of, read_row_losses

SHARED = 8  # rows with one answer, from which on they are compared with each other
MOST_VISITS = 50  # that are told apart, of rows that were cut into many pieces
NEARBY = 64  # records whose median says what a loss was usual at that time
NORMAL = 1.4826  # median distance from the median, as a standard deviation where errors are normal
FAR = 3.0  # standard deviations above the usual loss
FELL = 0.5  # of the usual fall, below which a row counts as never learned
BY_HEART = 0.5  # of the held-out loss, below which a row counts as known by heart
WIDTH = 10  # steps to either side that a step is compared with
LEAST_SPREAD = 0.02  # nats
LEAST_APART = 0.05  # nats: losses that are nearer to each other than this are alike
MOST_APART = 10.0  # spreads at one visit, so that no single one decides


class Suspect(NamedTuple):
    """One row, by its place in data/train.jsonl. `score` is how far it is from what is usual: in spreads (see `blame`)
    where rows look wrong, else in nats."""

    place: int
    score: float


class Spike(NamedTuple):
    """A step whose loss stands out, the usual one around it, and the row that adds most to it."""

    step: int
    loss: float
    usual: float
    place: int


@dataclass(frozen=True)
class Heart:
    """Rows known by heart, and of how many. `held_out` is the loss that they are measured by, in nats."""

    rows: list[Suspect]
    count: int
    of: int
    held_out: float


def blame(run: Run, top: int) -> list[Suspect]:
    """The rows that look wrong, the most suspicious one first; none where the run kept no losses.

    A row whose answer is wrong goes against what the others teach, so it is learned late and by heart: its loss stays
    high over the passes, and only at the end it may be as low as any. So the loss is averaged over the training and
    not read at its end, as in Swayamdipta et al. 2020 (Dataset Cartography, arXiv 2009.10795, section 3: rows that are
    hard to learn are often labelled wrongly) and Pleiss et al. 2020 (area under the margin, arXiv 2001.10528, section
    3). The first visit is left out where there are more, because nothing was learned by then. Counted is by how many
    spreads (median distances from the median) a loss is above the median of those at the same visit, of rows with the
    same answer where there are several, as a rare class is no error, else of the same set.
    """
    kept = read_row_losses(run)
    return suspicious(kept, *kin_of(run))[:top] if kept else []


def suspicious(kept: RowLosses, answers: Sequence[str] = (), sources: Sequence[str] = ()) -> list[Suspect]:
    """All rows of the main set, the most suspicious one first. `answers` and `sources` are those of all training rows,
    by place. Rows of sets that are mixed in are as various as they are meant to be, and would fill the list."""
    ways, apart = kept.ways, np.zeros(len(kept))
    beyond, visit = _beyond(kept), np.minimum(kept.visit, MOST_VISITS)
    kin = _kin(ways.places, answers, sources)[np.searchsorted(ways.places, kept.every["place"])]
    together = kin * (MOST_VISITS + 1) + visit
    order = np.argsort(together, kind="stable")
    for some in np.split(order, np.flatnonzero(np.diff(together[order])) + 1):
        apart[some] = _apart(beyond[some])
    whole = kept.mean_of_rows(apart, np.ones(len(kept), bool))
    found = kept.mean_of_rows(apart, kept.visit > 0)
    scores = np.where(np.isnan(found), whole, found)
    order = np.argsort(-scores, kind="stable")
    own = {place for place, source in enumerate(sources) if not source}
    found_rows = [Suspect(int(ways.places[at]), float(scores[at])) for at in order]
    return [each for each in found_rows if each.place in own] if own else found_rows


def never_learned(kept: RowLosses) -> list[Suspect]:
    """Rows whose loss at their last visit is still far above that of the others, and has fallen by less than half as
    much. A run of one pass says nothing of it."""
    ways = kept.ways
    if not (ways.visits > 1).any():
        return []
    usual, fall = float(np.median(ways.last)), ways.first - ways.last
    still = ways.last > usual + FAR * _spread(ways.last)
    chosen = np.flatnonzero(still & (ways.visits > 1) & (fall < FELL * max(float(np.median(fall)), 0.0)))
    order = chosen[np.argsort(-ways.last[chosen], kind="stable")]
    return [Suspect(int(ways.places[at]), float(ways.last[at] - usual)) for at in order]


def by_heart(kept: RowLosses, held_out: float) -> Heart:
    """Rows whose loss at their last visit is below half the `held_out` rows' loss, furthest first. What the model
    knows of them beyond the task it can know from the rows alone."""
    ways = kept.ways
    chosen = np.flatnonzero((ways.visits > 1) & (ways.last < BY_HEART * held_out))
    order = chosen[np.argsort(ways.last[chosen], kind="stable")]
    rows = [Suspect(int(ways.places[at]), float(held_out - ways.last[at])) for at in order]
    return Heart(rows, len(rows), len(ways.places), held_out)


def held_out_loss(events: Sequence[AnyEvent]) -> float | None:
    """The last held-out loss of a run; None where nothing was held out."""
    found = [each.values["eval_loss"] for each in that_count(events) if isinstance(each, Metrics) and _checked(each)]
    return found[-1] if found else None


def spikes(kept: RowLosses, top: int) -> list[Spike]:
    """The steps whose loss is far above that of the steps around them, the furthest first."""
    steps, losses = kept.losses
    if len(steps) < WIDTH:
        return []
    padded = np.pad(losses, WIDTH, mode="reflect", reflect_type="odd")  # a curve that falls goes on falling
    usual = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * WIDTH + 1), axis=1)
    above = losses - usual
    found = np.flatnonzero(above > FAR * _spread(above))
    order = found[np.argsort(-above[found], kind="stable")][:top]
    return [_spike(kept, int(steps[at]), float(losses[at]), float(usual[at])) for at in order]


def _spike(kept: RowLosses, step: int, loss: float, usual: float) -> Spike:
    rows = kept.of_step(step)
    at = int(np.argmax((rows["loss"] - usual) * rows["tokens"]))
    return Spike(step, loss, usual, int(rows["place"][at]))


def _checked(event: Metrics) -> bool:
    return "eval_loss" in event.values


def _beyond(kept: RowLosses) -> np.ndarray:
    """The losses; at first visits, in whose course most is learned, what is above the median around the same time."""
    losses = kept.every["loss"].astype(float)
    losses[~np.isfinite(losses)] = np.max(losses, initial=0.0, where=np.isfinite(losses))
    first = np.flatnonzero(kept.visit == 0)
    losses[first] -= _usual_along(losses[first])
    return losses


def _usual_along(losses: np.ndarray) -> np.ndarray:
    """The median of the losses around each of these, which are in the order of time."""
    blocks = len(losses) // NEARBY
    if blocks < 2:
        return np.full(len(losses), np.median(losses))
    usual = np.median(losses[: blocks * NEARBY].reshape(blocks, NEARBY), axis=1)
    return np.interp(np.arange(len(losses)), (np.arange(blocks) + 0.5) * NEARBY, usual)


def _apart(beyond: np.ndarray) -> np.ndarray:
    """How many spreads each is above the median of them all, bounded."""
    if not len(beyond):
        return beyond
    middle = np.median(beyond)
    spread = max(LEAST_APART, NORMAL * float(np.median(np.abs(beyond - middle))))
    return np.asarray(np.minimum((beyond - middle) / spread, MOST_APART))


def _kin(places: np.ndarray, answers: Sequence[str], sources: Sequence[str]) -> np.ndarray:
    """A number for each row, the same for rows that are compared with each other: those with one answer where there
    are enough of them, else those of one set, else all."""
    kin = np.zeros(len(places), np.int64)
    for names in (sources, answers):
        if not names:
            continue
        known = pa.array([names[at] if at < len(names) else "" for at in places.tolist()], pa.large_string())
        numbers = known.dictionary_encode().indices.to_numpy().astype(np.int64)
        shared = np.bincount(numbers)[numbers] >= SHARED
        kin[shared] = kin.max(initial=0) + 1 + numbers[shared]
    return kin


def _spread(values: np.ndarray) -> float:
    return max(LEAST_SPREAD, NORMAL * float(np.median(np.abs(values - np.median(values)))))
