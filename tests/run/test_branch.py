"""A branch goes on from a checkpoint exactly as its parent would have, but for what was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.home import Home
from studio.run.branch import branch, extend, parent_of
from studio.run.directory import Run, Status
from studio.run.events import Branched, Metrics
from studio.run.train import train
from tests.tiny_run import one_thread

OPTIONS = {"max_steps": 6, "save_steps": 2, "saves_kept": 9, "evaluations": 2}


def losses(run: Run) -> dict[int, float]:
    events, _ = run.events()
    return {
        event.step: event.values["loss"] for event in events if isinstance(event, Metrics) and "loss" in event.values
    }


@pytest.fixture
def parent(make_run: Callable[..., Run]) -> Run:
    run = make_run({f"training.{name}": value for name, value in OPTIONS.items()})
    with one_thread():
        train(run)
    assert run.status() is Status.FINISHED
    return run


def test_a_branch_without_changes_repeats_its_parent_bit_for_bit(parent: Run, home: Home) -> None:
    child = branch(home, parent, 4, {})
    assert child.status() is Status.WAITING
    with one_thread():
        train(child)
    before, after = losses(parent), losses(child)
    assert after == {step: before[step] for step in (5, 6)}
    first = child.events()[0][0]
    assert isinstance(first, Branched)
    assert (first.run, first.step) == (parent.name, 4)
    found = parent_of(child)
    assert found is not None
    assert found.run == parent.name


def test_a_branch_with_another_rate_goes_by_it(parent: Run, home: Home) -> None:
    child = branch(home, parent, 2, {"training.learning_rate": parent.recipe.training.learning_rate / 10})
    with one_thread():
        train(child)
    rates = {
        run: {
            event.step: event.values["learning_rate"]
            for event in run.events()[0]
            if isinstance(event, Metrics) and "loss" in event.values
        }
        for run in (parent, child)
    }
    for step in (3, 4, 5, 6):
        assert rates[child][step] == pytest.approx(rates[parent][step] / 10)


def test_an_extended_run_goes_on_where_it_ended(parent: Run, home: Home) -> None:
    child = extend(home, parent, parent.recipe.training.epochs)
    with one_thread():
        train(child)
    assert child.status() is Status.FINISHED
    assert sorted(losses(child)) == [7, 8, 9, 10, 11, 12]


def test_what_a_checkpoint_is_bound_to_cannot_change(parent: Run, home: Home) -> None:
    with pytest.raises(StudioError, match=r"model\.id, training\.batch_size cannot change"):
        branch(home, parent, 2, {"training.batch_size": 3, "model.id": "other"})
    with pytest.raises(StudioError, match=r"no checkpoint of step 3\. It has: 2, 4, 6"):
        branch(home, parent, 3, {})


def test_a_damaged_checkpoint_is_not_gone_on_from(parent: Run, home: Home) -> None:
    path: Path = parent.path / "checkpoints" / "checkpoint-4" / "optimizer.pt"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StudioError, match=r"optimizer\.pt is damaged"):
        branch(home, parent, 4, {})
