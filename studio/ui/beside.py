"""The curves beside a run's own: of the runs that it branched from, and of other branches of the same tree."""

from __future__ import annotations

from typing import Any

from studio.charts import curve
from studio.home import Home
from studio.run.branch import Parent, parent_of
from studio.run.directory import Run

MOST = 8  # curves of either kind
Json = dict[str, Any]


def forebears(home: Home, run: Run) -> list[Json]:
    """What the run went on from, the nearest first, each with the step of branching. One that was deleted is named."""
    found: list[Json] = []
    seen, parent = {run.name}, parent_of(run)
    while parent and parent.run not in seen and len(found) < MOST:
        seen.add(parent.run)
        other = Run(home.runs / parent.run)
        found.append(_beside(other, parent))
        parent = parent_of(other)
    return found


def other_branches(home: Home, run: Run) -> list[tuple[Run, Parent]]:
    """The runs of the same tree that are neither this one nor what it went on from."""
    parents = {path.parent.name: parent_of(Run(path.parent)) for path in home.runs.glob("[!.]*/branch.json")}
    line = _line(parents, run.name)
    found = [(Run(home.runs / name), parent) for name, parent in parents.items() if parent and name not in line]
    return [(other, parent) for other, parent in found if _line(parents, other.name)[-1] == line[-1]]


def curves_of_others(home: Home, run: Run) -> list[Json]:
    """The curves of other branches of the same tree."""
    return [_beside(other, parent) for other, parent in other_branches(home, run)[:MOST]]


def _line(parents: dict[str, Parent | None], name: str) -> list[str]:
    """A run and what it went on from, up to where the tree began."""
    line = [name]
    while (parent := parents.get(line[-1])) and parent.run not in line:
        line.append(parent.run)
    return line


def _beside(run: Run, branching: Parent) -> Json:
    there = (run.path / "recipe.yaml").is_file()
    return {"run": run.name, "step": branching.step, "there": there} | (curve(run.events()[0]) if there else {})
