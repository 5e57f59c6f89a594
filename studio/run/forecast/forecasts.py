"""The page's end of forecasts: asks the child that makes them, the newest question first, and remembers the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.recipe import Recipe
from studio.run.forecast import wire
from studio.run.forecast.forecast import Cost, Forecast, KnownRows
from studio.run.rehearsal.child import rehearse
from studio.run.rehearsal.wire import Rehearsed
from studio.run.study.keys import key_of
from studio.run.study.lane import Lane
from studio.run.study.remembered import Remembered
from studio.run.study.wire import Doing

COMMAND = ("-m", "studio.run.forecast")
PATIENCE = 600.0  # seconds without a word: a deep model on a busy machine takes long
REMEMBERED = 256
FORSAKEN = 20.0  # seconds after which a question that nobody asks again is let go
UNTOUCHED = ("learning_rate", "weight_decay", "seed", "schedule", "warmup", "warmup_steps")  # cost nothing

RowsOf = Callable[[Recipe], KnownRows | None]


@dataclass(frozen=True)
class ForecastState:
    """How far a forecast is: there, being made (`doing` says what), or impossible (`error` says why)."""

    forecast: Forecast | None = None
    doing: str = ""
    error: str = ""


@dataclass(frozen=True)
class RehearsalState:
    """How far the rehearsal of a recipe is. All empty: none was asked for."""

    found: Rehearsed | None = None
    doing: str = ""
    error: str = ""


@dataclass(eq=False)
class _Question:
    """Something asked of the child; `asked` is when last."""

    ask: Callable[[int], wire.Request]
    urgent: bool
    asked: float = field(default_factory=time.monotonic)


Answer = Forecast | Cost | StudioError


class Forecasts:
    """Forecasts for any number of visitors. All but `close` return at once, from any thread.

    What is asked newest is answered first, and a question that nobody repeats is let go, so that a moving slider is
    followed. `rows_of` says what is known of a recipe's rows.
    """

    def __init__(self, home: Home, rows_of: RowsOf, log: Path | None = None) -> None:
        self._home = home
        self._rows_of = rows_of
        self._log = log
        self._lane = Lane(home, log, COMMAND, wire.REPLY.validate_json, "forecasts")
        self._answers: Remembered[str, Answer] = Remembered(REMEMBERED)
        self._waiting: dict[str, _Question] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._doing = "Starting the process that forecasts"
        self._rehearsals: dict[str, RehearsalState] = {}
        self._rehearsing = ""

    def at(self, recipe: Recipe) -> ForecastState:
        """How far the forecast of a recipe is, which begins where it has not."""
        try:
            rows = self._rows_of(recipe)
        except StudioError:  # what is wrong with the rows is said elsewhere
            rows = None
        key = key_of("forecast", _what_costs(recipe), rows.model_dump() if rows else None)
        answer = self._answer(key, lambda number: wire.Estimate(id=number, recipe=recipe, rows=rows), urgent=True)
        if isinstance(answer, StudioError):
            return ForecastState(error=str(answer))
        return ForecastState(forecast=answer) if isinstance(answer, Forecast) else ForecastState(doing=self._doing)

    def costs(self, recipe: Recipe) -> tuple[Cost, ...] | None:
        """What each method would cost on the recipe's base, once all are known; those that do not fit it are left
        out."""
        answers = [self._cost(recipe, name_of(kind)) for kind in METHODS if recipe.task.name in kind.tasks]
        if any(answer is None for answer in answers):
            return None
        return tuple(answer for answer in answers if isinstance(answer, Cost))

    def rehearse(self, recipe: Recipe) -> None:
        """Begin a dress rehearsal; one at a time. What becomes of it `rehearsal` says."""
        key = _rehearsal_key(recipe)
        with self._changed:
            if self._rehearsing or self._closed:
                return
            self._rehearsing = key
            self._rehearsals[key] = RehearsalState(doing="Starting a process like the run's own")
        threading.Thread(target=self._rehearse, args=(recipe, key), name="rehearsal", daemon=True).start()

    def rehearsal(self, recipe: Recipe) -> RehearsalState:
        """How far the rehearsal of a recipe is."""
        return self._rehearsals.get(_rehearsal_key(recipe), RehearsalState())

    def cancel_rehearsal(self) -> None:
        """End the rehearsal that is being done."""
        self._rehearsing = ""

    def close(self) -> None:
        """Let the children go."""
        with self._changed:
            self._closed = True
            self._rehearsing = ""
            self._changed.notify_all()
        self._lane.close()

    def _cost(self, recipe: Recipe, method: str) -> Answer | None:
        plain = Recipe.model_validate(
            {"model": recipe.model.model_dump(), "task": recipe.task.model_dump(), "method": {"name": method}}
        )
        key = key_of("cost", plain.model.id, plain.task.model_dump(), method)
        return self._answer(key, lambda number: wire.Compare(id=number, recipe=plain), urgent=False)

    def _answer(self, key: str, ask: Callable[[int], wire.Request], urgent: bool) -> Answer | None:
        with self._changed:
            answer = self._answers.get(key)
            if answer is not None:
                return answer
            question = self._waiting.setdefault(key, _Question(ask, urgent))
            question.asked = time.monotonic()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="forecasts", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return None

    def _work(self) -> None:
        while (pair := self._next()) is not None:
            key, question = pair
            answer: Answer
            try:
                reply = self._lane.ask(question.ask, PATIENCE, self._told)
                assert isinstance(reply, wire.Estimated | wire.Compared)
                answer = reply.forecast if isinstance(reply, wire.Estimated) else reply.cost
            except StudioError as error:
                answer = error
            with self._changed:
                self._answers.keep(key, answer)
                self._waiting.pop(key, None)

    def _next(self) -> tuple[str, _Question] | None:
        """The newest question, forecasts before comparisons; None when the page closes."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for key in [key for key, each in self._waiting.items() if now - each.asked > FORSAKEN]:
                    del self._waiting[key]
                if self._waiting:
                    return max(self._waiting.items(), key=lambda item: (item[1].urgent, item[1].asked))
                self._changed.wait()
        return None

    def _told(self, doing: Doing) -> None:
        self._doing = doing.what

    def _rehearse(self, recipe: Recipe, key: str) -> None:
        def told(doing: Doing) -> None:
            far = f" ({doing.done} of {doing.total})" if doing.total else ""
            self._rehearsals[key] = RehearsalState(doing=f"{doing.what}{far}")

        try:
            found = rehearse(recipe, self._home, told, lambda: self._rehearsing != key, self._log)
            self._rehearsals[key] = RehearsalState(found=found)
        except StudioError as error:
            self._rehearsals[key] = RehearsalState(error=str(error))
        finally:
            if self._rehearsing == key:
                self._rehearsing = ""


def _what_costs(recipe: Recipe) -> object:
    """The recipe without what changes neither memory nor time."""
    tree = recipe.model_dump(mode="json", include={"model", "task", "method", "training"})
    for name in UNTOUCHED:
        tree["training"].pop(name, None)
    return tree


def _rehearsal_key(recipe: Recipe) -> str:
    return key_of("rehearsal", _what_costs(recipe), recipe.data.model_dump_json())
