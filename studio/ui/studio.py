"""What the page's handlers work with: the home, its queue, its chat host, its examiner and its study of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from studio.answer.chat import ChatHost
from studio.answer.evaluation.examiner import Examiner
from studio.answer.turn import may_answer
from studio.home import Home
from studio.recipe.hardware import Hardware, detect
from studio.run.directory import Run, Status, list_runs
from studio.run.forecast.forecasts import Forecasts
from studio.run.forecast.rows import rows_of
from studio.run.launchers import Launcher
from studio.run.queue import Queue
from studio.run.search.conductor import Conductor
from studio.run.statuses import Statuses
from studio.run.study.desk import Desk

STEPPED_ASIDE = "A run has begun and took the GPU, so the chat stepped aside. Ask again when the run is over."


@dataclass(frozen=True)
class Studio:
    """The long-lived parts of the page process. Everything else is read from the home at each look."""

    home: Home
    launcher: Launcher
    chat_idle: float | None = None
    """Minutes without a question after which the chat's models are let go of; None keeps them."""

    @cached_property
    def hardware(self) -> Hardware:
        return detect()

    @cached_property
    def chat(self) -> ChatHost:
        return ChatHost(self.home.root / "chat.log", idle=None if self.chat_idle is None else 60 * self.chat_idle)

    @cached_property
    def desk(self) -> Desk:
        return Desk(self.home, self.home.root / "study.log")

    @cached_property
    def forecasts(self) -> Forecasts:
        return Forecasts(self.home, lambda recipe: rows_of(self.desk, recipe), self.home.root / "forecast.log")

    @cached_property
    def _statuses(self) -> Statuses:
        return Statuses()

    @cached_property
    def queue(self) -> Queue:
        return Queue(self.home, self.launcher, before_run=self._make_room)

    @cached_property
    def conductor(self) -> Conductor:
        return Conductor(self.home, self.queue.in_charge, self.queue.poke)

    @cached_property
    def examiner(self) -> Examiner:
        return Examiner(self.home, self.examiner_refusal, self.queue.in_charge)

    def runs(self) -> list[Run]:
        """Every run, newest first."""
        return list_runs(self.home)[::-1]

    def seen(self) -> list[tuple[Run, Status]]:
        """Every run as it stands at this moment, newest first."""
        return self._statuses.look(self.runs())

    def active_runs(self) -> list[Run]:
        """The runs that are being trained at this moment."""
        return [run for run, status in self.seen() if status.active]

    def chat_refusal(self) -> str | None:
        """Why the chat may not answer now, or None where it may."""
        if may_answer(True, self.hardware) is None:  # whatever the runs do: they need not be looked at
            return None
        return may_answer(bool(self.active_runs()), self.hardware)

    def examiner_refusal(self) -> str | None:
        """Why no evaluation may be done now, or None where one may. A run that waits comes first."""
        if may_answer(True, self.hardware) is None:
            return None
        return may_answer(any(status.active or status is Status.WAITING for _, status in self.seen()), self.hardware)

    def close(self) -> None:
        """Let the children go. A run in progress goes on and is adopted by the next start."""
        self.conductor.close()
        self.examiner.close()
        self.queue.close()
        self.chat.close()
        self.forecasts.close()
        self.desk.close()

    def _make_room(self) -> None:
        if may_answer(True, self.hardware):
            self.examiner.step_aside()
            self.chat.close(STEPPED_ASIDE)
