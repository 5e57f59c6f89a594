"""What can be done with the selected run as it stands, as HTML: its buttons, what helps after a failure, the queue."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from typing import get_args

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.problem import Move
from studio.recipe.recipe import Recipe
from studio.recipe.training import ScheduleName
from studio.recipe.ways_out import LOWER, ways_out
from studio.run.directory import Run, Status, step_of
from studio.run.events import Ended, Resumed, Warned
from studio.run.gap import gap_of
from studio.run.looks.needle import forgetting
from studio.run.order import in_order
from studio.run.resume import may_resume
from studio.run.stalled import last_events, stalled
from studio.run.wish import Wish
from studio.ui.data.press import button
from studio.ui.words import note

LATE = 30.0  # seconds from a wish on, after which ending the run at once is offered
EXTENDABLE = {Status.FINISHED, Status.STOPPED, Status.PAUSED}
Seen = Sequence[tuple[Run, Status]]


def acts_html(home: Home, runs: Seen, selected: str | None) -> str:
    """Everything that is offered while run `selected` is looked at. Nothing where no run is chosen and none waits."""
    found = next(((run, status) for run, status in runs if run.name == selected), None)
    parts = [_queue(home, runs)]
    if found:
        row = _buttons(*found) + _more(*found) + _pin()
        parts = [f'<div class="run-row">{row}</div>' if row else "", _help(*found), *parts]
    return f'<div class="run-acts" data-of="{escape(selected or "")}">{"".join(parts)}</div>' if any(parts) else ""


def fingerprint(home: Home, runs: Seen) -> str:
    """One text that changes whenever something else is to be offered."""
    waiting = in_order(home, [run for run, status in runs if status is Status.WAITING])
    active = [_moving(run, status) for run, status in runs if status.active]
    return ",".join([*(f"{run.name}:{status}" for run, status in runs), *active, *(run.name for run in waiting)])


def _moving(run: Run, status: Status) -> str:
    """What may change of a run in progress while its status stays."""
    lately = _lately(run)
    return f"{_stuck(run, status)}:{lately.cause if lately else ''}:{len(run.checkpoints())}:{run.wish() or ''}"


def _buttons(run: Run, status: Status) -> str:
    name = run.name
    found = []
    if status is Status.WAITING:
        found = [button(f"cancel:{name}", "Take off the queue"), button(f"pause:{name}", "Pause")]
    elif status is Status.RUNNING:
        found = [
            button(f"stop:{name}", "Stop and keep the result", look="main"),
            button(f"pause:{name}", "Pause"),
            _sure(name),
        ]
    elif status is Status.STOPPING:
        wish = run.wish()
        says = {Wish.PAUSE: "Pausing …", Wish.CANCEL: "Cancelling …"}.get(wish or Wish.STOP, "Stopping …")
        found = [button(f"stop:{name}", says, off=True), _sure(name) if wish is not Wish.CANCEL else ""]
    elif may_resume(run, status):
        found = [button(f"resume:{name}", "Resume", look="main")]
    if _stuck(run, status):
        found.append(button(f"end:{name}", "End it now"))
    return "".join(found)


def _sure(name: str) -> str:
    """Cancelling throws away what was learned, so it is asked once more."""
    sure = button(f"cancel:{name}", "Throw away what was learned")
    return (
        f'<details class="run-sure" id="run-sure"><summary>Cancel …</summary>'
        f"<p>The checkpoints are deleted and there is no result. Recipe, rows and log are kept.</p>{sure}</details>"
    )


def _stuck(run: Run, status: Status) -> bool:
    """Whether ending it at once should be offered: nothing was heard of it for long, or it does not end as asked."""
    if not status.active:
        return False
    return stalled(run) > 0 or (status is Status.STOPPING and _asked_since(run) > LATE)


def _asked_since(run: Run) -> float:
    try:
        return time.time() - run.stop_path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _help(run: Run, status: Status) -> str:
    """What went wrong, and buttons for what helps."""
    trouble = _trouble(run)
    moves = _moves(run, trouble)
    if trouble is None or not moves:
        return ""
    failed = status is Status.FAILED  # then the live view says what happened
    again = "Try again" if failed else "Train anew"
    rows = "".join(f"<li>{_offer(run.name, place, move, again)}</li>" for place, move in enumerate(moves))
    if trouble.cause == "forgetting":
        rows += _earlier(run, trouble.step)
    elif trouble.cause == "overfitting":
        rows += _best(run)
    told = "<h4>What helps</h4>" if failed else note("warning", trouble.message)
    return f'{told}<ul class="run-ways" aria-label="What helps">{rows}</ul>'


def _earlier(run: Run, began: int) -> str:
    """A button that goes on from the last checkpoint before the run began to forget, at a third of its rate."""
    before = [step for step in map(step_of, run.checkpoints()) if 0 < step < began]
    if not before:
        return ""
    return _lower(run, before[-1], f"step {before[-1]:,}, before it forgot")


def _best(run: Run) -> str:
    """Buttons that take the model of the checkpoint with the lowest held-out loss, or go on from it; none where no
    checkpoint is nearer to it than half of the way to the last check."""
    found = gap_of(run.events()[0])
    if found is None or found.since is None:
        return ""
    step = min(map(step_of, run.checkpoints()), key=lambda step: abs(step - found.best), default=0)
    if not step or abs(step - found.best) > (found.points[-1][0] - found.best) / 2:
        return ""
    near = f"step {step:,}, the best" if step == found.best else f"step {step:,}, near the best (step {found.best:,})"
    take = _branching(run, "run-best", step, f"Take the model of {near}", max_steps=f"{step}")
    return take + _lower(run, step, near)


def _lower(run: Run, step: int, where: str) -> str:
    rate = f"{run.recipe.training.learning_rate / LOWER:.2g}"
    return _branching(run, "run-earlier", step, f"Go on from {where}, at a rate of {rate}", learning_rate=rate)


def _branching(run: Run, id: str, step: int, words: str, **fields: str) -> str:
    """A button that branches from a checkpoint, with these settings otherwise."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in {"step": f"{step}", **fields}.items())
    hidden = f'<fieldset id="{id}-fields" hidden>{inputs}</fieldset>'
    return f"<li>{hidden}{button(f'branch:{run.name}', words, field=f'{id}-fields')}</li>"


def _offer(name: str, place: int, move: Move, again: str) -> str:
    now = button(f"try:{name}:{place}", f"{again}: {move.label}", look="" if place else "main")
    says = f"Put it into the Recipe tab: {move.label}"
    return now + button(f"take:{name}:{place}", "Put it into the Recipe tab", says=says, look="quiet")


def moves_for(run: Run) -> tuple[Move, ...]:
    """What would help a run that failed or does badly. Nothing where its recipe cannot be read."""
    return _moves(run, _trouble(run))


def _moves(run: Run, trouble: Ended | Warned | None) -> tuple[Move, ...]:
    try:
        return ways_out(trouble.cause, run.recipe) if trouble else ()
    except StudioError:
        return ()


def _trouble(run: Run) -> Ended | Warned | None:
    """Its failure, or its last warning, that has a cause."""
    lately = _lately(run)
    return lately if lately and lately.cause != "forgetting" else forgetting(run)


def _lately(run: Run) -> Ended | Warned | None:
    """The same, of the last some hundred steps."""
    for event in reversed(last_events(run)):
        if isinstance(event, Ended | Warned) and event.cause:
            return event
        if isinstance(event, Resumed) or (isinstance(event, Ended) and event.kind == "failed"):
            break
    return None


def _more(run: Run, status: Status) -> str:
    steps = [step_of(path) for path in run.checkpoints()]
    try:
        recipe = run.recipe if steps else None
    except StudioError:
        recipe = None
    if recipe is None:
        return ""
    extend = _extend(run.name) if status in EXTENDABLE else ""
    return extend + _branch(run.name, steps[::-1], recipe)


def _pin() -> str:
    """A prompt to be answered on the way by the next run."""
    return (
        '<details class="run-more" id="run-pin"><summary>Pin a prompt …</summary>'
        "<p>The next run answers it while it learns, as a row of its film strip. It is added to the Recipe tab.</p>"
        '<fieldset id="run-pin-fields"><label class="run-wide">Prompt <input name="prompt" maxlength="2000" '
        f'autocomplete="off"></label></fieldset>{button("pin:", "Pin it", field="run-pin-fields")}</details>'
    )


def _extend(name: str) -> str:
    return (
        '<details class="run-more" id="run-extend"><summary>Extend …</summary>'
        "<p>A new run goes on from the newest checkpoint; this one stays as it is.</p>"
        '<fieldset id="run-extend-fields"><label>More epochs <input name="epochs" type="number" min="0.1" step="any" '
        f'value="1"></label></fieldset>{button(f"extend:{name}", "Extend", field="run-extend-fields")}</details>'
    )


def _branch(name: str, steps: list[int], recipe: Recipe) -> str:
    training = recipe.training
    options = "".join(f'<option value="{step}">step {step:,}</option>' for step in steps)
    schedules = "".join(
        f"<option{' selected' if each == training.schedule else ''}>{each}</option>" for each in get_args(ScheduleName)
    )
    length = ("max_steps", "Steps in all", training.max_steps) if training.max_steps else None
    key, label, value = length or ("epochs", "Epochs in all", training.epochs)
    return (
        '<details class="run-more" id="run-branch"><summary>Branch from a checkpoint …</summary>'
        "<p>A new run goes on from there with other settings; this one stays as it is. Rows, model, method and batch "
        "are those of this run.</p>"
        '<fieldset id="run-branch-fields">'
        f'<label>Checkpoint <select name="step">{options}</select></label>'
        f'<label>Learning rate <input name="learning_rate" inputmode="decimal" value="{training.learning_rate:g}">'
        f'</label><label>{label} <input name="{key}" inputmode="decimal" value="{value:g}"></label>'
        f'<label>Schedule <select name="schedule">{schedules}</select></label>'
        '<label class="run-wide">Anything else of the training '
        '<input name="more" placeholder="weight_decay=0.1, early_stopping=3" autocomplete="off"></label>'
        f"</fieldset>{button(f'branch:{name}', 'Branch', field='run-branch-fields')}</details>"
    )


def _queue(home: Home, runs: Seen) -> str:
    """The runs that wait, in the order of their turns."""
    waiting = in_order(home, [run for run, status in runs if status is Status.WAITING][::-1])
    if not waiting:
        return ""
    rows = "".join(_waiting(run, place, len(waiting)) for place, run in enumerate(waiting))
    return f'<section class="run-queue" aria-label="The queue"><h4>Waiting</h4><ol>{rows}</ol></section>'


def _waiting(run: Run, place: int, count: int) -> str:
    name = run.name
    sooner = button(f"sooner:{name}", "↑", says=f"{name} sooner", look="quiet", off=place == 0)
    later = button(f"later:{name}", "↓", says=f"{name} later", look="quiet", off=place == count - 1)
    off = button(f"cancel:{name}", "Remove", says=f"Remove {name} from the queue", look="quiet")
    moving = sooner + later if count > 1 else ""
    return f"<li><span>{escape(name)}</span>{moving}{off}</li>"
