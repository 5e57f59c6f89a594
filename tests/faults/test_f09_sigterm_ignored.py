"""F9: a trainer that ignores Stop and SIGTERM, and so do its helpers. It is killed, and nothing of it is left."""

from __future__ import annotations

import psutil
import pytest

from studio.run import escalation
from studio.run.directory import Status
from studio.run.events import Ended
from studio.run.family import families, members
from studio.run.owner import read_owner
from studio.run.wish import Wish
from tests.fake_trainer import trainer, until, working

STUBBORN = trainer("""
signal.signal(signal.SIGTERM, signal.SIG_IGN)
helper = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
for own in (True, False):  # a loader's worker, and one in a session of its own, as torch's launcher starts them
    subprocess.Popen([sys.executable, "-c", helper], start_new_session=own)
step(1)
time.sleep(600)
""")


@pytest.mark.parametrize(("wish", "ends"), [(Wish.STOP, "stopped"), (Wish.CANCEL, "cancelled")])
def test_it_is_killed_with_all_its_helpers(home, make_run, monkeypatch, wish, ends):
    monkeypatch.setattr(escalation, "patience", lambda *_: 0.3)
    monkeypatch.setattr(escalation, "CANCELLED", escalation.Grace(0.3, 1.0))
    monkeypatch.setattr(escalation, "TERM", 0.3)
    run = make_run()
    with working(home, STUBBORN):
        until(lambda: run.status() is Status.RUNNING and len(members(read_owner(run.owner_path))) == 3)
        owner = read_owner(run.owner_path)
        everyone = [process.pid for process in members(owner)]
        (run.path / "checkpoints" / "checkpoint-1").mkdir(parents=True)
        run.ask(wish)
        until(run.ended)
        until(lambda: not members(owner))
    assert run.status() == Status(ends)
    assert [event.kind for event in run.events()[0] if isinstance(event, Ended)] == [ends]
    assert bool(run.checkpoints()) is (wish is Wish.STOP)
    assert owner.family not in families()
    assert [pid for pid in everyone if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"] == []
