"""The conductor: a thread that gives each open search its next run, and ends runs that are hopeless."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Callable

from studio.errors import StudioError
from studio.home import Home
from studio.recipe.read import changed
from studio.run.search.propose import hopeless, next_changes
from studio.run.search.search import Search, SearchStatus, Trial, list_searches
from studio.run.submit import submit
from studio.run.wish import Wish

TICK = 1.0  # seconds between looks
FAILURES = 3  # runs in a row that fail before a search is ended: something is wrong with all of them


class Conductor:
    """Looks after the home's searches. All it knows is read from their folders and runs at each look.

    One run of a search is under way at a time, so that each can learn from those before. `in_charge` says whether
    this process starts runs (see `Queue.in_charge`), `begun` hears of a new one.
    """

    def __init__(self, home: Home, in_charge: Callable[[], bool], begun: Callable[[], None] = lambda: None) -> None:
        self._home = home
        self._in_charge = in_charge
        self._begun = begun
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="conductor", daemon=True)

    def start(self) -> None:
        """Begin to look after the home's searches."""
        self._thread.start()

    def close(self) -> None:
        """Begin no more runs."""
        self._closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def look(self) -> None:
        """Give each open search what it needs now."""
        for search in list_searches(self._home):
            trials = search.trials(self._home) if not (search.path / "over").exists() else []
            if search.status(trials) is not SearchStatus.OVER:
                self._conduct(search, trials)

    def _loop(self) -> None:
        while not self._closed.wait(TICK):
            try:
                if self._in_charge():
                    self.look()
            except Exception:  # a folder removed between two looks, say: the next look starts afresh
                traceback.print_exc()

    def _conduct(self, search: Search, trials: list[Trial]) -> None:
        under_way = [trial for trial in trials if not trial.status.over]
        if search.asked_to_stop():
            for trial in under_way:
                trial.run.ask(Wish.STOP)
            return
        if under_way:
            for trial in hopeless(search.plan, trials):
                (trial.run.path / "given-up").touch()
                trial.run.ask(Wish.STOP)
            return
        last = trials[-FAILURES:]
        if len(last) == FAILURES and all(trial.status == "failed" for trial in last):
            search.end()
            return
        self._next(search, trials)

    def _next(self, search: Search, trials: list[Trial]) -> None:
        changes = next_changes(search.plan, trials)
        if changes is None:
            search.end()
            return
        note = {"search": search.name, "trial": len(trials), "changes": changes}
        try:
            submit(self._home, changed(search.recipe, changes), {"search.json": json.dumps(note)})
        except StudioError as error:
            (search.path / "error").write_text(str(error), "utf-8")
            search.end()
            return
        self._begun()
