"""The tree of branches: what a run went on from, other branches, and parents that are gone."""

from __future__ import annotations

import shutil

import pytest

from studio.home import Home
from studio.run.branch import Parent
from studio.run.directory import Run
from studio.run.events import Branched, EventWriter, Metrics
from studio.ui.beside import curves_of_others, forebears, other_branches


def grow(home: Home, name: str, parent: str = "", step: int = 0, last: int = 6) -> Run:
    """A run of `last` steps that went on from step `step` of `parent`."""
    run = Run(home.runs / name)
    run.path.mkdir()
    (run.path / "recipe.yaml").write_text("{}")
    with EventWriter(run.events_path) as events:
        if parent:
            (run.path / "branch.json").write_text(Parent(run=parent, step=step).model_dump_json())
            events.write(Branched(run=parent, step=step))
        for at in range(step + 1, last + 1):
            events.write(Metrics(step=at, values={"loss": 1 / at}))
    return run


@pytest.fixture
def tree(home: Home) -> dict[str, Run]:
    """root → left → leaf, root → right; and a run of another tree."""
    return {
        "root": grow(home, "root"),
        "left": grow(home, "left", "root", 2),
        "right": grow(home, "right", "root", 4),
        "leaf": grow(home, "leaf", "left", 5, last=9),
        "stranger": grow(home, "stranger"),
        "nephew": grow(home, "nephew", "stranger", 3),
    }


def test_parents_of_parents_are_drawn_up_to_their_ends(home: Home, tree: dict[str, Run]) -> None:
    found = forebears(home, tree["leaf"])
    assert [(each["run"], each["step"]) for each in found] == [("left", 5), ("root", 2)]
    assert [each["loss"]["x"] for each in found] == [[3, 4, 5, 6], [1, 2, 3, 4, 5, 6]]
    assert forebears(home, tree["root"]) == []


def test_the_other_branches_of_the_same_tree(home: Home, tree: dict[str, Run]) -> None:
    def others(name: str) -> set[str]:
        return {run.name for run, _ in other_branches(home, tree[name])}

    assert others("leaf") == {"right"}
    assert others("root") == {"left", "right", "leaf"}
    assert others("stranger") == {"nephew"}
    assert {each["run"]: each["loss"]["x"] for each in curves_of_others(home, tree["leaf"])} == {"right": [5, 6]}


def test_a_parent_that_was_deleted_is_only_named(home: Home, tree: dict[str, Run]) -> None:
    shutil.rmtree(tree["left"].path)
    assert forebears(home, tree["leaf"]) == [{"run": "left", "step": 5, "there": False}]


def test_runs_that_name_each_other_as_parents_end_somewhere(home: Home) -> None:
    one = grow(home, "one", "two", 1)
    grow(home, "two", "one", 1)
    assert [each["run"] for each in forebears(home, one)] == ["two"]
    assert other_branches(home, one) == []
