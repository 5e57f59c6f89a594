"""F11: the system kills a trainer for lack of memory, or it crashes. It is said why, and the next run begins."""

from __future__ import annotations

import pytest

from studio.run.directory import Status
from studio.run.events import Ended
from tests.fake_trainer import trainer, until, working

DIES = """
if run.recipe.training.seed == 1:
    end()
else:
    print("about to allocate", flush=True)
    step(3)
    HOW
"""


@pytest.mark.parametrize(
    ("how", "cause", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "memory", "lower the batch size"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "process", "SIGSEGV without a word. It printed last: about to"),
        ("os._exit(3)", "process", "ended with status 3 without a word. It printed last: about to allocate"),
    ],
    ids=["memory", "crash", "exit"],
)
def test_it_is_said_why_and_the_next_run_begins(home, make_run, how, cause, words):
    killed, after = make_run({"training.seed": 0}), make_run({"training.seed": 1})
    with working(home, trainer(DIES.replace("HOW", how))):
        until(lambda: after.status().over)
    assert after.status() is Status.FINISHED
    assert killed.status() is Status.FAILED
    (ended,) = [event for event in killed.events()[0] if isinstance(event, Ended)]
    assert (ended.cause, ended.step) == (cause, 3)
    assert words in ended.message


def test_a_trainer_killed_while_it_still_loads_is_said_too(home, make_run):
    first, second = make_run({"training.seed": 0}), make_run({"training.seed": 1})
    with working(home, trainer("end()", first="os.kill(os.getpid(), signal.SIGKILL)")):
        until(lambda: second.status().over)
    assert (first.ended().cause, second.ended().cause) == ("memory", "memory")
