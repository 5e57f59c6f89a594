"""After a wish: what gets on is let be, what hangs is ended with all its processes, and spoken for once."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM

import psutil
import pytest

from studio.errors import StudioError
from studio.run import escalation
from studio.run.directory import Status
from studio.run.escalation import CANCELLED, TERM, UNLEARNED, Grace, Patience, end_now, grace_of
from studio.run.events import Ended, EventWriter, Metrics, Phase, Resumed
from studio.run.family import families, members
from studio.run.launchers import ProcessLauncher
from studio.run.owner import claim, read_owner
from studio.run.stalled import LEAST
from studio.run.wish import Wish
from tests.fake_trainer import trainer, until

GRACE = Grace(silent=10, whole=100)
STUBBORN = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
helper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
for own in (True, False):  # one in a session of its own, as torch's launcher starts them
    subprocess.Popen([sys.executable, "-c", helper], start_new_session=own)
step(1)
time.sleep(600)
"""


def test_what_gets_on_is_let_be_up_to_a_bound():
    patience = Patience(0, 0)
    assert [patience.due(now, now, GRACE) for now in (0, 9, 18, 27, 99)] == [None] * 5
    assert patience.due(100, 100, GRACE) == SIGTERM


def test_what_is_silent_is_asked_once_and_then_killed():
    patience = Patience(0, "a")
    assert patience.due(9.9, "a", GRACE) is None
    assert patience.due(10, "a", GRACE) == SIGTERM
    assert patience.due(10 + TERM / 2, "more", GRACE) is None, "it was asked; what it says now changes nothing"
    assert patience.due(10 + TERM, "more", GRACE) == SIGKILL
    assert patience.due(11 + TERM, "more", GRACE) == SIGKILL, "what was begun meanwhile"


def test_a_sign_of_life_begins_the_silence_anew():
    patience = Patience(0, 0)
    assert patience.due(9, 1, GRACE) is None
    assert patience.due(18, 1, GRACE) is None
    assert patience.due(19, 1, GRACE) == SIGTERM


def test_the_grace_goes_by_the_wish_and_the_runs_own_pace(make_run):
    run = make_run()
    claim(run.owner_path)
    run.ask(Wish.PAUSE)
    with EventWriter(run.events_path) as events:
        events.write(Phase(phase="loading"))
        assert grace_of(run).silent == UNLEARNED, "nothing is lost yet"
        events.write(Phase(phase="training"))
        for step in range(1, 9):
            events.write(Metrics(step=step, time=step * 1.0, values={"loss": 1.0}))
        assert grace_of(run).silent == LEAST
        for step in range(9, 24):
            events.write(Metrics(step=step, time=8 + (step - 8) * 40.0, values={"loss": 1.0}))
        assert grace_of(run).silent == pytest.approx(400), "ten of its steps"
        events.write(Phase(phase="saving"))
        assert grace_of(run).silent > 400
        events.write(Resumed(step=8))
        events.write(Phase(phase="loading"))
        assert grace_of(run).silent == UNLEARNED, "what was learned before is in a checkpoint"
    run.ask(Wish.CANCEL)
    assert grace_of(run) == CANCELLED


@pytest.fixture
def stubborn(home, make_run):
    """A run whose trainer and its two helpers ignore SIGTERM."""
    run, launcher = make_run(), ProcessLauncher(home, trainer(STUBBORN))
    launcher.start(run, ("cpu",))
    until(lambda: run.status() is Status.RUNNING and len(members(read_owner(run.owner_path))) == 3)
    yield run
    for process in members(read_owner(run.owner_path)):
        process.kill()
    until(lambda: not launcher.busy())
    launcher.close()


@pytest.mark.parametrize(
    ("wish", "ends"), [(None, "stopped"), (Wish.STOP, "stopped"), (Wish.PAUSE, "paused"), (Wish.CANCEL, "cancelled")]
)
def test_ending_a_run_now_leaves_no_process_and_one_last_word(stubborn, wish, ends, monkeypatch):
    monkeypatch.setattr(escalation, "AT_HAND", 0.3)
    (stubborn.path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
    owner = read_owner(stubborn.owner_path)
    everyone = members(owner)
    if wish:
        stubborn.ask(wish)
    assert end_now(stubborn) == Status(ends)
    assert members(owner) == []
    assert owner.family not in families()
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in everyone)
    ended = [event for event in stubborn.events()[0] if isinstance(event, Ended)]
    assert [event.kind for event in ended] == [ends]
    assert ended[0].step == 1
    assert ("Resume goes on from the checkpoint of step 1" in ended[0].message) is (wish is not Wish.CANCEL)
    assert bool(stubborn.checkpoints()) is (wish is not Wish.CANCEL)
    assert end_now(stubborn) == Status(ends)
    assert stubborn.ended() == ended[0]


def test_ending_what_waits_takes_it_off_the_queue(make_run):
    run = make_run()
    assert end_now(run) is Status.STOPPED


def test_a_run_in_a_process_that_does_more_is_not_ended_by_its_end(make_run):
    run = make_run()
    claim(run.owner_path)
    with pytest.raises(StudioError, match="trained inside the process"):
        end_now(run)
    assert run.status() is Status.STOPPING


def test_what_a_dead_run_was_asked_is_done_at_the_next_look(make_run, monkeypatch):
    """Also where another app, or none, was there when it died."""
    runs = [make_run({"training.seed": seed}) for seed in range(4)]
    for run, wish in zip(runs, (Wish.CANCEL, Wish.STOP, None, Wish.CANCEL), strict=True):
        (run.path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
        (run.path / "adapter").mkdir()
        if run is not runs[3]:  # which waits, to be gone on with
            owner = claim(run.owner_path)
            run.owner_path.write_text(owner.model_copy(update={"ticks": 5}).model_dump_json(), "utf-8")
        if wish:
            run.ask(wish)
    look = escalation.Escalation().look
    assert look([(run, run.status()) for run in runs]) == set()
    assert [run.status() for run in runs] == ["cancelled", "stopped", "lost", "cancelled"]
    assert [bool(run.checkpoints()) for run in runs] == [False, True, True, False]
    assert [bool(run.result) for run in runs] == [False, True, True, False]


def test_what_a_run_leaves_behind_is_ended_too(home, make_run, monkeypatch):
    """A helper that holds the GPU's memory when the trainer is gone."""
    monkeypatch.setattr(escalation, "OVER", Grace(0.2, 0.2))
    monkeypatch.setattr(escalation, "TERM", 0.2)
    run, launcher = make_run(), ProcessLauncher(home, trainer(STUBBORN.replace("time.sleep(600)\n", "end()\n")))
    launcher.start(run, ("cpu",))
    until(lambda: run.status() is Status.FINISHED and not launcher.busy())
    owner = read_owner(run.owner_path)
    assert len(members(owner)) == 2
    watch = escalation.Escalation()  # as of an app that was started just now
    until(lambda: not watch.look([(run, run.status())]))
    assert members(owner) == []
    assert run.status() is Status.FINISHED
    launcher.close()
