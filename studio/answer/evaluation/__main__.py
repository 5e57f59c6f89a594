"""One evaluation's process: `python -m studio.answer.evaluation FOLDER [--execute]`.

With `--execute` a user's own metric, a Python file that the request names, is run; without it that is refused.

It ends when its standard input closes, so it never outlives who started it; what was answered by then is kept. What it
prints goes to the folder's output.log.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path

from studio.answer.evaluation.answers import Answers
from studio.answer.evaluation.events import Began
from studio.answer.evaluation.folder import Evaluation
from studio.errors import StudioError
from studio.run import owner
from studio.run.disk import is_full
from studio.run.events import Ended, EventWriter
from studio.run.log import keep_short, print_into

EXECUTE = "--execute"
TAKEN = 3  # exit status: another process does it
UNSAID = 4  # it could not even be written down how it ended


def main() -> int:
    """Do the evaluation, and write down how it ended. Returns the exit status."""
    evaluation = Evaluation(Path(sys.argv[1]))
    threading.Thread(target=_end_with_its_parent, name="parent", daemon=True).start()
    print_into(evaluation.log_path)
    keep_short(evaluation.log_path)
    try:
        owner.claim(evaluation.owner_path)
    except StudioError:
        return TAKEN
    try:
        with EventWriter(evaluation.events_path) as events:
            ended = _ended(evaluation, events)
            events.write(ended)
    except OSError:
        traceback.print_exc()
        return UNSAID
    return 0


def _ended(evaluation: Evaluation, events: EventWriter) -> Ended:
    try:
        with Answers(evaluation.answers_path) as answers:
            events.write(Began(bytes=evaluation.answers_path.stat().st_size))
            from studio.answer.evaluation.work import Stopped, Work

            try:
                Work(evaluation, events, answers, may_execute=EXECUTE in sys.argv[2:]).done()
            except Stopped:
                return Ended(kind="cancelled", message="Cancelled; what was answered so far is kept, so it can go on.")
        return Ended(kind="finished")
    except StudioError as error:
        return Ended(kind="failed", message=str(error))
    except Exception as error:
        traceback.print_exc()
        return _failed(error)


def _failed(error: Exception) -> Ended:
    from studio.run.out_of_memory import out_of_memory

    text = f"{type(error).__name__}: {error}"[:300]
    if out_of_memory(error):
        message = (
            "The memory was not enough, even for one answer at a time. Wait until no run is training, close other "
            f"programs, or choose a smaller base, then let it go on: what was answered is kept. ({text})"
        )
        return Ended(kind="failed", message=message, cause="memory")
    if is_full(error):
        message = "The disk is full. Free some space, then let it go on: what was answered is kept."
        return Ended(kind="failed", message=message, cause="disk")
    message = (
        f"It met an error that it did not expect: {text}. Its output.log has the details; what was answered is kept."
    )
    return Ended(kind="failed", message=message)


def _end_with_its_parent() -> None:
    while os.read(0, 1):  # not by sys.stdin, whose lock a thread must not hold when the interpreter ends
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
