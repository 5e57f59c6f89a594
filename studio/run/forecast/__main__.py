"""The child that forecasts: `python -m studio.run.forecast`, questions on standard input, one JSON object a line.

It builds models without weights. It ends when its standard input closes, so it never outlives the page.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.home import Home, open_home
from studio.recipe.models import fetch_tokenizer, locate
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import Cost
from studio.run.forecast.versions import versions
from studio.run.forecast.wire import REQUEST, Compare, Compared, Doing, Estimate, Estimated, Failed, Reply, Request
from studio.run.pipe import Pipe
from studio.run.study.caches import Cache
from studio.run.study.keys import key_of

if TYPE_CHECKING:
    from studio.run.forecast.machine import Machine

COST = "cost.json"
POLITE = 10  # of 19: the page and a run come first
PROBED = {"float32": "float32", "bf16": "bfloat16", "fp16": "float16"}
ENVIRONMENT = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


class Forecaster:
    """Answers one question after the other; one that fails leaves it ready for the next."""

    def __init__(self, pipe: Pipe[Request, Reply], home: Home) -> None:
        self._pipe = pipe
        self._home = home
        self._machine: Machine | None = None
        self._precisions: dict[tuple[Path, bool], str] = {}

    def work(self) -> None:
        """Answer until the page goes away."""
        while True:
            request = self._pipe.next()
            try:
                self._pipe.reply(self._answer(request))
            except BrokenPipeError:
                return
            except StudioError as error:
                self._pipe.reply(Failed(id=request.id, problems=list(error.problems)))
            except Exception as error:
                traceback.print_exc()  # the whole story for the log; words for the page
                text = f"{type(error).__name__}: {error}"[:300]
                words = f"This recipe could not be followed ({text}), so there is no forecast. It can be trained."
                self._pipe.reply(Failed(id=request.id, problems=[words]))

    def _answer(self, request: Request) -> Reply:
        from studio.run.forecast.make import forecast

        self._pipe.reply(Doing(id=request.id, what="Looking at the base model's settings"))
        folder = fetch_tokenizer(locate(request.recipe.model.id))
        machine = self._measured(request)
        self._pipe.reply(Doing(id=request.id, what="Following one step"))
        match request:
            case Estimate(recipe=recipe, rows=rows):
                return Estimated(id=request.id, forecast=forecast(self._exact(recipe, folder), folder, rows, machine))
            case Compare(recipe=recipe):
                return Compared(id=request.id, cost=self._cost(recipe, folder, machine))

    def _cost(self, recipe: Recipe, folder: Path, machine: Machine) -> Cost:
        """From the home, where it was worked out before."""
        from studio.run.forecast.make import cost

        cache, settings = Cache(self._home.cache), (folder / "config.json").read_text("utf-8")
        key = key_of("cost", settings, recipe.task.model_dump(), recipe.method.name, machine.model_dump(), *versions())
        if entry := cache.find(key):
            return Cost.model_validate_json((entry.path / COST).read_bytes())
        found = cost(recipe, folder, machine)
        cache.keep(key, lambda draft: _write(draft / COST, found))
        return found

    def _measured(self, request: Request) -> Machine:
        if self._machine is None:
            from studio.run.forecast.machine import machine
            from studio.run.forecast.start import start_bytes

            self._pipe.reply(Doing(id=request.id, what="Measuring this machine, which is done once"))
            self._machine = machine(self._home, lambda: start_bytes(self._home))
        return self._machine

    def _exact(self, recipe: Recipe, folder: Path) -> Recipe:
        """The recipe with its precision decided: the choice measures the machine, and is to be the same each time."""
        from studio.run.train import precision_of

        if recipe.training.precision != "auto":
            return recipe
        key = (folder, recipe.method.trains_base)
        if key not in self._precisions:
            self._precisions[key] = PROBED[precision_of(recipe, folder).autocast or "float32"]
        return changed(recipe, {"training.precision": self._precisions[key]})


def _write(path: Path, found: Cost) -> None:
    path.write_text(found.model_dump_json(), "utf-8")


def main() -> None:
    """Answer the page."""
    pipe: Pipe[Request, Reply] = Pipe.standard(REQUEST.validate_json)
    os.environ.update(ENVIRONMENT)
    os.nice(POLITE)
    Forecaster(pipe, open_home()).work()


if __name__ == "__main__":
    main()
