"""F3: a file of the newest checkpoint is truncated or has a bit flipped; F4: it is deleted; F21: the recipe or the rows
are otherwise than when it was saved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.errors import StudioError
from studio.home import Home, open_home
from studio.run.branch import branch
from studio.run.directory import Run, Status
from studio.run.events import EventWriter, Resumed
from studio.run.resume import may_resume, resume
from studio.run.submit import submit
from studio.run.train import train
from studio.run.wish import Wish
from tests.faults.training import OPTIONS, adapter_bytes, at, counting, measured, warnings

FILES = ("trained.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json", "recipe.yaml")


@pytest.fixture(scope="module")
def done(tmp_path_factory, make_recipe, one_thread) -> dict[str, Run]:
    """The straight run, and the same one paused at step 4 with checkpoints of steps 2 and 4."""
    home, patch = open_home(tmp_path_factory.mktemp("done") / "home"), pytest.MonkeyPatch()
    straight = submit(home, make_recipe(OPTIONS))
    train(straight)
    paused = submit(home, make_recipe(OPTIONS))
    at(patch, "on_step_begin", 3, lambda: paused.ask(Wish.PAUSE))
    train(paused)
    patch.undo()
    assert paused.status() is Status.PAUSED, paused.ended()
    return {"straight": straight, "paused": paused}


@pytest.fixture
def paused(done, home: Home) -> Run:
    """A copy of it, to be damaged."""
    return Run(shutil.copytree(done["paused"].path, home.runs / done["paused"].name))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def deleted(path: Path) -> None:
    path.unlink()


def newest(run: Run) -> Path:
    return run.checkpoints()[-1]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [truncated, flipped, deleted], ids=lambda damage: damage.__name__)
def test_the_damaged_one_is_named_and_put_aside_and_the_older_one_used(damage, name, paused):
    damage(newest(paused) / name)
    assert resume(paused) == 2
    (said,) = warnings(paused, "checkpoint")
    assert "checkpoint of step 4 is damaged" in said
    assert name in said
    assert "goes on from step 2" in said
    assert [path.name for path in paused.checkpoints()] == ["checkpoint-2"]
    assert (paused.path / "checkpoints" / "damaged-4").is_dir()


@pytest.mark.parametrize("damage", [truncated, deleted], ids=lambda damage: damage.__name__)
def test_the_run_ends_as_the_straight_one(damage, paused, done):
    damage(newest(paused) / "optimizer.pt")
    resume(paused)
    train(paused)
    assert paused.status() is Status.FINISHED, paused.ended()
    assert measured(paused) == measured(done["straight"])
    assert adapter_bytes(paused) == adapter_bytes(done["straight"])


def test_a_manifest_that_is_damaged_or_gone_says_nothing_for_the_rest(paused):
    (newest(paused) / "manifest.json").write_text("{")
    assert resume(paused) == 2


def test_without_a_whole_one_it_is_refused_each_time_and_nothing_is_moved(paused):
    for checkpoint in paused.checkpoints():
        deleted(checkpoint / "optimizer.pt")
    for _ in range(2):
        assert may_resume(paused, paused.status())
        with pytest.raises(StudioError, match=r"step 4: optimizer\.pt is missing; step 2: optimizer\.pt is missing"):
            resume(paused)
    assert paused.status() is Status.PAUSED
    assert len(paused.checkpoints()) == 2


def test_a_file_that_is_put_back_makes_it_whole_again(paused):
    """The refusal says so."""
    for checkpoint in paused.checkpoints():
        (checkpoint / "optimizer.pt").rename(checkpoint / "elsewhere.pt")
    with pytest.raises(StudioError, match="Put the file back"):
        resume(paused)
    (newest(paused) / "elsewhere.pt").rename(newest(paused) / "optimizer.pt")
    assert resume(paused) == 4


@pytest.mark.parametrize("whole", [False, True], ids=["damaged", "gone"])
def test_a_trainer_that_meets_none_never_begins_anew(whole, paused):
    """They were damaged, or removed, between the resuming and the trainer's look."""
    with EventWriter(paused.events_path) as events:
        events.write(Resumed(step=4))
    paused.owner_path.unlink()
    paused.stop_path.unlink()
    for checkpoint in paused.checkpoints():
        shutil.rmtree(checkpoint) if whole else flipped(checkpoint / "trained.safetensors")
    before = measured(paused)
    train(paused)
    ended = paused.ended()
    assert ended is not None
    assert (ended.kind, ended.cause, ended.step) == ("failed", "checkpoint", 4)
    assert "Start a new run" in ended.message or "start a new run" in ended.message
    assert measured(paused) == before
    assert paused.result is None


def test_a_trainer_that_meets_a_damaged_one_says_from_which_step_it_really_goes_on(paused, done):
    assert resume(paused) == 4
    truncated(newest(paused) / "rng_state.pth")
    train(paused)
    assert [event.step for event in paused.events()[0] if event.kind == "resumed"] == [4, 2]
    assert measured(paused) == measured(done["straight"])


CHANGES: dict[str, Callable[[Run], object]] = {
    "recipe.yaml (training.learning_rate: 0.01 → 0.02)": lambda run: edit(
        run.path / "recipe.yaml", "learning_rate: 0.01", "learning_rate: 0.02"
    ),
    "data/train.jsonl": lambda run: edit(run.path / "data" / "train.jsonl", "red", "pink"),
    "data/held_out.jsonl": lambda run: deleted(run.path / "data" / "held_out.jsonl"),
}


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize("what", CHANGES)
def test_f21_a_changed_recipe_or_changed_rows_are_no_resuming(what, paused, home):
    kept = {path: path.read_bytes() for path in paused.path.rglob("*.*l") if path.is_file()}
    CHANGES[what](paused)
    with pytest.raises(StudioError) as refused:
        resume(paused)
    assert f"{what} changed since the checkpoint of step 4 was saved" in str(refused.value)
    assert "branch" in str(refused.value)
    assert "new run" in str(refused.value)
    assert len(paused.checkpoints()) == 2, "nothing is damaged"
    assert paused.status() is Status.PAUSED
    for path, content in kept.items():
        path.write_bytes(content)
    assert resume(paused) == 4
    child = branch(home, paused, 4, {"training.learning_rate": 0.02})
    assert child.recipe.training.learning_rate == 0.02


def test_f21_a_trainer_that_meets_changed_rows_fails_with_the_same_words(paused):
    resume(paused)
    edit(paused.path / "data" / "train.jsonl", "red", "pink")
    train(paused)
    ended = paused.ended()
    assert ended is not None
    assert (ended.kind, ended.cause) == ("failed", "checkpoint")
    assert "data/train.jsonl changed" in ended.message
    assert not [event for event in counting(paused) if event.kind == "metrics" and event.step > 4]
