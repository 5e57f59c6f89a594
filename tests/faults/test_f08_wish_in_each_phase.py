"""F8: stop, pause and cancel while the run loads, prepares, steps, checks or saves: it ends in bound, as asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from safetensors.torch import load_file

from studio.home import open_home
from studio.run import checkpoints, result
from studio.run.directory import Run, Status
from studio.run.resume import may_resume, resume
from studio.run.study import tokens
from studio.run.submit import submit
from studio.run.tasks import language_modeling
from studio.run.train import train
from studio.run.wish import Wish
from tests.faults.training import OPTIONS, adapter_bytes, at, counting, measured, when_called

pytestmark = pytest.mark.usefixtures("one_thread")

Arrange = Callable[[pytest.MonkeyPatch, Callable[[], None]], None]
ENDED = {Wish.STOP: Status.STOPPED, Wish.PAUSE: Status.PAUSED, Wish.CANCEL: Status.CANCELLED}


def while_called(module: Any, name: str, time: int = 1) -> Arrange:
    """The wish comes while a function is called for the time that is given."""
    return lambda patch, ask: when_called(patch, module, name, time, ask)


def at_moment(moment: str, step: int) -> Arrange:
    return lambda patch, ask: at(patch, moment, step, ask)


LOADING = pytest.param(while_called(language_modeling, "load_model"), 0, id="loading")
PREPARING = pytest.param(while_called(tokens, "encode"), 0, id="preparing")
FIRST_CHECK = pytest.param(at_moment("on_prediction_step", 0), 0, id="scoring before the first step")
STEP = pytest.param(at_moment("on_step_begin", 4), 5, id="step")
BATCH = pytest.param(at_moment("on_substep_end", 2), 3, id="batch")
SCORING = pytest.param(at_moment("on_prediction_step", 4), 4, id="scoring")
SAVING = pytest.param(while_called(checkpoints, "save_file", 2), 5, id="saving")
PHASES = [LOADING, PREPARING, FIRST_CHECK, STEP, BATCH, SCORING, SAVING]


@pytest.fixture(scope="module")
def straight(tmp_path_factory, make_recipe, one_thread) -> Run:
    run = submit(open_home(tmp_path_factory.mktemp("straight") / "home"), make_recipe(OPTIONS))
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    return run


@pytest.fixture
def asked(make_run, monkeypatch) -> Callable[[Arrange, Wish], Run]:
    """A run that was trained, with a wish that came on its way."""

    def make(arrange: Arrange, wish: Wish) -> Run:
        run = make_run(OPTIONS)
        with monkeypatch.context() as patch:
            arrange(patch, lambda: run.ask(wish))
            train(run)
        return run

    return make


@pytest.mark.parametrize(("arrange", "step"), PHASES)
def test_stop(arrange, step, asked, straight):
    run = asked(arrange, Wish.STOP)
    assert (run.status(), run.ended().step) == (Status.STOPPED, step), run.ended()
    assert not [event for event in counting(run) if event.kind == "metrics" and event.step > step]
    if not step:
        assert run.result is None
        assert "nothing was learned yet" in run.ended().message
        return
    assert load_file(run.adapter / "adapter_model.safetensors")
    assert resume(run) == step
    train(run)
    assert measured(run) == measured(straight)
    assert adapter_bytes(run) == adapter_bytes(straight)


@pytest.mark.slow
@pytest.mark.parametrize(("arrange", "step"), [PREPARING, STEP, SCORING, SAVING])
def test_pause(arrange, step, asked, straight):
    run = asked(arrange, Wish.PAUSE)
    assert (run.status(), run.ended().step) == (Status.PAUSED, step), run.ended()
    assert "esume it to go on" in run.ended().message
    assert run.result is None
    assert resume(run) == step
    train(run)
    assert measured(run) == measured(straight)
    assert adapter_bytes(run) == adapter_bytes(straight)


@pytest.mark.parametrize(("arrange", "step"), [PREPARING, BATCH, SCORING, SAVING])
def test_cancel(arrange, step, asked):
    run = asked(arrange, Wish.CANCEL)
    last = {5: 4, 3: 2}.get(step, step)  # not even the step is done
    assert (run.status(), run.ended().step) == (Status.CANCELLED, last), run.ended()
    assert run.result is None
    assert not (run.path / "checkpoints").exists()
    assert run.recipe
    assert len(run.examples("train"))
    assert not may_resume(run, run.status())


def test_cancel_while_the_result_is_saved(asked):
    run = asked(while_called(result, "seal"), Wish.CANCEL)
    assert run.status() is Status.CANCELLED
    assert {path.name for path in run.path.iterdir()} == {
        "recipe.yaml", "data", "process.json", "events.jsonl", "row_losses-0.records", "stop",
    }  # fmt: skip


def test_a_pause_that_becomes_a_cancel_is_one(make_run):
    run = make_run(OPTIONS)
    run.ask(Wish.CANCEL)
    run.ask(Wish.PAUSE)
    train(run)
    assert run.status() is Status.CANCELLED
