"""Further sets trained on together with the main one: read by the same code, weighed, and kept apart from its test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.data.checks.check import check, usable
from studio.data.division.divided import Divided, Tell
from studio.data.division.split import is_held_out, prompt_keys
from studio.data.example import Examples
from studio.data.files.read import read
from studio.data.part import DataPart, Mix
from studio.data.shapes.columns import examples, resolve
from studio.data.source import located
from studio.data.wording import counted, quoted
from studio.errors import StudioError

GENERAL = "assets/general/general.jsonl"
"""The bundled rows of general chat, as a recipe names them."""

MOST_GENERAL = 0.9


@dataclass(frozen=True)
class MixedSet:
    """A further set as it was read: its usable rows, each with the set's name as source."""

    mix: Mix
    name: str
    rows: Examples
    left_out: int = 0


def general_mix(share: float) -> Mix:
    """The bundled general set, weighed so that `share` of all rows trained on come from it.

    Raises StudioError for a share that is not above 0 and at most 0.9.
    """
    if not 0 < share <= MOST_GENERAL:
        raise StudioError(
            f"The share of general rows is {share:g}, and it has to be above 0 and at most {MOST_GENERAL}. Try 0.1: "
            "one general row to nine of yours."
        )
    return Mix(path=GENERAL, weight=share / (1 - share), held_out=False)


def read_sets(mixes: Sequence[Mix], main: Examples, tell: Tell) -> list[MixedSet]:
    """The sets that are mixed in.

    Raises StudioError for all sets at once that cannot be read, have no usable row or do not fit the main one.
    """
    found: list[MixedSet] = []
    problems: list[str] = []
    for place, mix in enumerate(mixes):
        tell("reading mixed sets", place, len(mixes))
        try:
            found.append(_read_set(mix, main, tell))
        except StudioError as error:
            problems.extend(error.problems)
    if problems:
        raise StudioError(*problems)
    return found


def mixed(
    divided: Divided, sets: Sequence[MixedSet], units: Sequence[np.ndarray], part: DataPart
) -> tuple[Examples, Examples, tuple[str, ...]]:
    """The rows of the main set with those of the others after them, and what was decided.

    `units` has an id for each row of each set, as in `Kin`: rows with the same one never stand on both sides. What is
    near a row that is held out already is not trained on, and what is near one in training is not held out.
    """
    if not sets:
        return divided.train, divided.held_out, ()
    sides = _Sides(divided.train_units, divided.held_units)
    train, held_out = len(divided.train), len(divided.held_out)
    share = 0.0 if part.held_out_path else part.held_out_share
    learned, scored, notes = [], [], []
    for each, ids in zip(sets, units, strict=True):
        weight, seed = each.mix.weight, part.split_seed
        free = np.flatnonzero(~np.isin(ids, sides.held))
        held = _held_places(each.rows, ids, sides, share if each.mix.held_out else 0.0, seed)
        held = _drawn(each.rows, held, min(round(weight * held_out), len(held)), seed)
        left = free[~np.isin(ids[free], ids[held])]
        taken = _drawn(each.rows, left, round(weight * train), seed)
        sides = _Sides(np.append(sides.train, ids[taken]), np.append(sides.held, ids[held]))
        learned.append(each.rows.take(taken))
        scored.append(each.rows.take(held))
        notes.append(_note(each, len(left), len(taken), len(held), len(each.rows) - len(free)))
    return divided.train.joined(learned), divided.held_out.joined(scored), tuple(notes)


@dataclass(frozen=True, eq=False)
class _Sides:
    """The units that are trained on and those that are held out."""

    train: np.ndarray
    held: np.ndarray


def _read_set(mix: Mix, main: Examples, tell: Tell) -> MixedSet:
    part = DataPart(path=mix.path)
    table = read(located(part, tell=tell))
    mapping = resolve(table, part)
    if (mapping.type == "preference") != (main.type == "preference"):
        raise StudioError(
            f"{quoted(table.name)} holds rows of type {mapping.type}, and the main set {main.type}: preferences are "
            "learned from in another way and cannot be mixed with anything else. Choose a set of the same type."
        )
    every, known = examples(table, mapping, part)
    report = check(every, [*table.findings, *known])
    rows = usable(every, report)
    if not len(rows):
        raise StudioError(f"{quoted(table.name)} has no usable row to mix in. Choose another set, or take it out.")
    return MixedSet(mix, table.name, rows.replaced(source=[table.name] * len(rows)), len(report.left_out))


def _held_places(rows: Examples, units: np.ndarray, sides: _Sides, share: float, seed: int) -> np.ndarray:
    """Which rows of a set may be held out: by its own split, out of those whose unit stands nowhere yet."""
    places = np.flatnonzero(~np.isin(units, sides.train) & ~np.isin(units, sides.held))
    return places[is_held_out(rows.take(places), share, seed, together=units[places])]


def _drawn(rows: Examples, places: np.ndarray, number: int, seed: int) -> np.ndarray:
    """`number` of these places by seed, in the set's order: none twice before all were taken once."""
    if not len(places) or not number:
        return places[:0]
    passes, rest = divmod(number, len(places))
    order = np.argsort(prompt_keys(rows.take(places), seed), kind="stable")
    return np.concatenate([*[places] * passes, places[np.sort(order[:rest])]])


def _note(each: MixedSet, usable_rows: int, taken: int, held: int, leaking: int) -> str:
    how = f"drawn by seed out of {usable_rows:,}"
    if taken >= usable_rows > 0:
        how = (
            f"all {usable_rows:,}" if taken == usable_rows else f"{usable_rows:,} rows, {taken / usable_rows:.3g} times"
        )
    text = f"Mixed in {counted(taken, 'row')} of {quoted(each.name)} ({each.mix.weight:.3g} for each row; {how})."
    if held:
        text += f" {counted(held, 'further row')} of it held out."
    if leaking:
        text += f" {counted(leaking, 'row')} of it left out, the same or nearly the same as a held-out row."
    if each.left_out:
        text += f" {counted(each.left_out, 'row')} of it left out as not usable."
    return text
