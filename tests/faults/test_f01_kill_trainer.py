"""F1: kill -9 of the trainer at several points of a step; F2: in the middle of saving. The resumed run is the straight
one, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from studio.home import open_home
from studio.run import checkpoints, result
from studio.run.directory import Run, Status
from studio.run.manifest import flaw
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.train import train
from tests.faults.training import OPTIONS, adapter_bytes, at, counting, die, killed, measured, when_called

pytestmark = pytest.mark.usefixtures("one_thread")
slow = pytest.mark.slow

Prepare = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, make_recipe, one_thread) -> Run:
    run = submit(open_home(tmp_path_factory.mktemp("straight") / "home"), make_recipe(OPTIONS))
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    return run


def moment(name: str, step: int) -> Prepare:
    return partial(at, moment=name, step=step, do=die)


def instead_of(module: Any, name: str, time: int = 1) -> Prepare:
    """Dies where a function is called for the time that is given."""
    return partial(when_called, module=module, name=name, time=time, do=die)


def half_a_file(patch: pytest.MonkeyPatch) -> None:
    """Dies when half of the second checkpoint's optimizer.pt is written."""
    save, seen = checkpoints.torch.save, []

    def call(thing: Any, path: Any, *rest: Any, **options: Any) -> None:
        save(thing, path, *rest, **options)
        seen.append(str(path))
        if len([name for name in seen if name.endswith("optimizer.pt")]) == 2:
            with open(path, "r+b") as file:
                file.truncate(file.seek(0, 2) // 2)
            die()

    patch.setattr(checkpoints.torch, "save", call)


@pytest.mark.parametrize(
    ("prepare", "goes_on_from"),
    [
        pytest.param(moment("on_substep_end", 3), 2, id="between two batches of step 4", marks=slow),
        pytest.param(moment("on_pre_optimizer_step", 4), 4, id="before the update of step 5"),
        pytest.param(moment("on_optimizer_step", 6), 6, id="after the update of step 7, a new epoch", marks=slow),
        pytest.param(moment("on_prediction_step", 4), 2, id="in a held-out check"),
        pytest.param(half_a_file, 2, id="F2 half of optimizer.pt"),
        pytest.param(instead_of(checkpoints, "seal", 2), 2, id="F2 before the manifest", marks=slow),
        pytest.param(instead_of(checkpoints, "sync", 2), 4, id="F2 just renamed", marks=slow),
        pytest.param(instead_of(result, "seal"), 8, id="F2 in the result"),
    ],
)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(prepare, goes_on_from, make_run, straight):
    run = make_run(OPTIONS)
    killed(run, prepare)
    assert run.result is None
    assert all(not flaw(path, run) for path in run.checkpoints())
    assert resume(run) == goes_on_from
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    assert measured(run) == measured(straight)
    assert adapter_bytes(run) == adapter_bytes(straight)
    assert [event.step for event in counting(run) if event.kind == "saved"] == [2, 4, 6, 8]
    assert not [path for path in (run.path / "checkpoints").iterdir() if not path.name.startswith("checkpoint-")]


def test_a_run_killed_before_its_first_checkpoint_says_so(make_run):
    run = make_run(OPTIONS)
    killed(run, moment("on_step_end", 1))
    with pytest.raises(Exception, match="no checkpoint to go on from"):
        resume(run)
