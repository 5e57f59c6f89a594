"""Rows divided into those trained on and those held out, with what ties them to each other and to further sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from studio.data.checks.near import near_groups
from studio.data.division.findings import kept_together, lone_classes, undivided
from studio.data.division.split import bound, is_held_out
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.part import DataPart
from studio.errors import StudioError

Tell = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and how much there is (0: not known)."""


@dataclass(frozen=True, eq=False)
class Kin:
    """For each of several sets, two ids (int64) an example, which the sets have in common.

    Examples with one id in `near` are near-duplicates; with one in `units` they share a prompt, are near-duplicates, or
    are both by way of others.
    """

    near: list[np.ndarray]
    units: list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Divided:
    """Rows to train on and rows held out, the unit of each, and what is said of the split."""

    train: Examples
    held_out: Examples
    train_units: np.ndarray
    held_units: np.ndarray
    findings: list[Finding] = field(default_factory=list)


def related(sets: Sequence[Examples], tell: Tell, needed: bool = True) -> Kin:
    """What ties the examples of these sets to each other. Where it is not `needed`, each is alone."""
    sizes = [len(each) for each in sets]
    near = units = np.arange(sum(sizes), dtype=np.int64)
    if needed and len(near):
        filled = [each for each in sets if len(each)]
        pool = filled[0].joined(filled[1:]) if len(filled) > 1 else filled[0]
        near = near_groups(pool, told=lambda done: tell("looking for near-duplicates", done, len(pool)))
        units = bound(pool, near)
    ends = np.cumsum(sizes)[:-1]
    return Kin(np.split(near, ends), np.split(units, ends))


def by_share(rows: Examples, part: DataPart, kin: Kin) -> Divided:
    """The usable rows divided as the data part asks; `kin` has them first. A request that fails is an error found."""
    units = kin.units[0]
    try:
        held = is_held_out(rows, part.held_out_share, part.split_seed, part.split_by, units)
    except StudioError as error:
        problems = [finding("split", [], problem, "error") for problem in error.problems]
        return Divided(rows, rows.take([]), units, units[:0], problems)
    found: list[Finding] = []
    if part.held_out_share:
        found = kept_together(rows, kin.near[0])
        if part.split_by == "label":
            found.extend(lone_classes(rows))
        if len(rows) > 1 and not held.any():
            found.append(undivided(len(rows), part.split_by))
    train, held_out = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
    return Divided(train, held_out, units[~held], units[held], found)


def with_file(rows: Examples, train: Examples, held_out: Examples, kin: Kin) -> Divided:
    """The rows of the main set that may be trained on, and held-out ones from a file; `kin` has both, in that order."""
    return Divided(train, held_out, kin.units[0][np.isin(rows.rows, train.rows)], kin.units[1])
