"""Looks at the model in training: before the first step, at chosen steps and at the end, within a share of its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from transformers import PreTrainedTokenizerBase, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.data.wording import counted
from studio.recipe.models import STARTER_ID
from studio.run.accelerated.ranks import is_sharded, this_rank
from studio.run.directory import Run
from studio.run.events import AnyEvent, Decision, EventWriter, Look, Metrics, Warned, that_count
from studio.run.looks.budget import Budget
from studio.run.looks.exam import Marks, marks, sheets
from studio.run.looks.film import ASKED, write_asked
from studio.run.looks.needle import needle_of
from studio.run.looks.probes import WRITERS, bundled_set, probes_in
from studio.run.looks.reel import frame, scenes
from studio.run.looks.undisturbed import undisturbed
from studio.run.wish import read_wish

T = TypeVar("T")


class _BrokenOffError(Exception):
    """Somebody wants the run to end, so the look does."""


def looker_of(run: Run, tokenizer: PreTrainedTokenizerBase, events: EventWriter, every: int) -> list[TrainerCallback]:
    """The callback that looks every so many steps, where the run is to be looked at and can be.

    Only the first process looks, at weights that it holds wholly, so that no other has to come to it.
    """
    recipe = run.recipe
    if not recipe.looks.enabled or recipe.task.name not in WRITERS or not this_rank().first:
        return []
    if is_sharded():
        reason = "each process holds a piece of the weights, and answering would hold all of them up"
        events.write(Decision(choice="no film strip and no forgetting needle", reason=reason))
        return []
    return [Looker(run, tokenizer, events, recipe.looks.every or every)]


class Looker(TrainerCallback):  # type: ignore[misc]
    """Writes a `Look` and its `Metrics` at each look. Nothing of the training is changed by it, and no error of a look
    leaves it."""

    def __init__(self, run: Run, tokenizer: PreTrainedTokenizerBase, events: EventWriter, every: int) -> None:
        self._run = run
        self._looks = run.recipe.looks
        self._tokenizer = tokenizer
        self._events = events
        self._every = every
        self._failed: set[str] = set()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._budget = Budget(self._looks.share, time.monotonic())
        before = that_count(self._run.events()[0])
        self._seen: list[AnyEvent] = [event for event in before if isinstance(event, Look)]
        self._warned = any(isinstance(event, Warned) and event.cause == "forgetting" for event in before)
        probes = probes_in(self._run.path)
        longest = self._run.recipe.training.max_length
        self._sheets = self._try("needle", lambda: sheets(probes, self._tokenizer, longest)) or []
        self._scenes = self._try("film", self._script) or []
        if self._sheets and not self._seen:
            left = f", {len(probes) - len(self._sheets)} too long" if len(self._sheets) < len(probes) else ""
            names = ", ".join(dict.fromkeys(sheet.family for sheet in self._sheets))
            reason = f"what the base has right of them must not be forgotten ({names}{left})"
            self._events.write(Decision(choice=f"{counted(len(self._sheets), 'probe')} watched", reason=reason))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        step = state.global_step
        if step == 0 or (self._every and step % self._every == 0):
            self._look(model, args, step, always=step == 0)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        best_put_back = args.load_best_model_at_end and state.best_global_step not in {None, state.global_step}
        if state.global_step and not best_put_back:  # those weights were looked at when they were
            self._look(model, args, state.global_step, always=True)

    def _look(self, model: Any, args: TrainingArguments, step: int, always: bool) -> None:
        if any(look.step == step for look in self._seen) or not (self._sheets or self._scenes):
            return
        part = 1.0 if always else self._budget.film_affordable(time.monotonic())
        if part is None or (not part and not self._sheets):
            self._say_fewer(step, "looked at less often while it learns", "one more look")
            return
        if part < 1 and self._scenes:
            self._say_fewer(step, "shorter frames in the film strip", "all answers at their full length")
        began = time.monotonic()
        try:
            with undisturbed(model, args):
                found = self._try("needle", lambda: self._read(model)) if self._sheets else None
                read = time.monotonic()
                texts = self._try("film", lambda: self._film(model, part)) if self._scenes and part else None
        except _BrokenOffError:
            return
        ended = time.monotonic()
        self._budget.looked(read - began, ended - read, part if texts else 0.0)
        self._write(step, found, texts or {}, ended - began)

    def _write(self, step: int, found: Marks | None, texts: dict[str, str], seconds: float) -> None:
        sure = found.sure if found and not self._seen else {}  # what was known is told by the first look
        look = Look(step=step, texts=texts, right=found.right if found else {}, sure=sure)
        self._seen.append(look)
        self._events.write(look)
        self._events.write(Metrics(step=step, values={"look_seconds": seconds, **(found.values() if found else {})}))
        needle = None if self._warned else needle_of(self._seen)
        if needle is not None and needle.begun is not None:
            self._warned = True
            self._events.write(Warned(step=step, cause="forgetting", message=f"{needle.words}{self._what_helps()}"))

    def _what_helps(self) -> str:
        """What no button can choose."""
        if bundled_set(self._run.recipe.model.id) == STARTER_ID or self._run.recipe.data.mix:
            return ""
        return (
            " General data mixed in on the Data tab reminds it: take rows like those the base was trained on, such as "
            "a general instruction set of the Hub, with a weight of 0.1."
        )

    def _script(self) -> list[Any]:
        found = scenes(self._run.recipe, self._run.examples("held_out"), self._tokenizer)
        if not (self._run.path / ASKED).exists():
            write_asked(self._run.path, tuple(scene.asked for scene in found))
        return found

    def _read(self, model: Any) -> Marks:
        pad = self._tokenizer.pad_token_id
        return marks(model, self._sheets, pad if pad is not None else 0, self._heed)

    def _film(self, model: Any, part: float) -> dict[str, str]:
        rows = self._scenes if part == 1 else self._scenes[: max(1, round(len(self._scenes) * part))]
        return frame(model, rows, self._tokenizer, round(self._looks.answer_tokens * part), self._heed)

    def _heed(self) -> None:
        if read_wish(self._run.stop_path) is not None:  # the first process alone: nobody waits for it to agree
            raise _BrokenOffError

    def _try(self, what: str, make: Callable[[], T]) -> T | None:
        """What `make` gives. Where it fails that is said once, and this sort of look is not tried again."""
        if what in self._failed:
            return None
        try:
            return make()
        except _BrokenOffError:
            raise
        except Exception as error:
            self._failed.add(what)
            name = {"needle": "The forgetting needle", "film": "The film strip"}[what]
            why = (str(error).strip().splitlines() or [""])[0]
            message = f"{name} is left out from here on ({type(error).__name__}: {why:.200}). The training goes on."
            self._events.write(Warned(message=message))
            return None

    def _say_fewer(self, step: int, choice: str, what: str) -> None:
        reason = f"looking may take {self._looks.share:.0%} of the training's time, and {what} would have taken more"
        self._events.write(Decision(step=step, choice=choice, reason=reason))
