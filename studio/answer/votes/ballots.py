"""Open ballots: which of two answers is whose, held by the page process until the vote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from secrets import SystemRandom, token_urlsafe
from typing import TypeVar

from studio.answer.settings import Settings
from studio.answer.votes.vote import Choice, Pair, Vote
from studio.data.tokens.encode import Message
from studio.errors import StudioError
from studio.run.directory import Run

KEPT = 3600.0  # seconds that a ballot waits for its vote
MOST = 500  # open at once; the oldest go first
GONE = (
    "This ballot is gone: it was used, it is more than an hour old, or the studio was started anew. All votes so far "
    "are kept. Go on with the next prompt."
)

T = TypeVar("T")


class BallotGoneError(StudioError):
    """There is no such ballot (any more)."""


@dataclass(frozen=True)
class Ballot:
    """One question asked of two voices, in the order in which their answers are shown.

    `run` is where the vote is kept; `voices` are by name; `reference` is the answer of the held-out row `row`.
    """

    run: Run
    prompt: list[Message]
    voices: Pair
    answers: tuple[str, str]
    settings: Settings
    row: int | None = None
    reference: str = ""
    made: float = field(default_factory=time.monotonic)

    @property
    def same(self) -> bool:
        """Whether both said the same, so that there is nothing to choose between."""
        return self.answers[0].strip() == self.answers[1].strip()

    def vote(self, choice: Choice) -> Vote:
        """The ballot with a choice made on it."""
        return Vote(
            prompt=self.prompt,
            answers=self.answers,
            voices=self.voices,
            choice=choice,
            settings=self.settings,
            row=self.row,
        )


class Ballots:
    """The open ballots of a page process, each under an id that nobody can guess. May be used from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, Ballot] = {}
        self._guard = threading.Lock()

    def hand_out(self, ballot: Ballot) -> str:
        """Keep a ballot until it is used; its id."""
        id = token_urlsafe(24)
        with self._guard:
            self._drop_old()
            self._open[id] = ballot
            while len(self._open) > MOST:
                del self._open[next(iter(self._open))]
        return id

    def use(self, id: str, then: Callable[[Ballot], T]) -> T:
        """What `then` makes of the ballot. It can be used once; where `then` fails, it is as open as before.

        Raises BallotGoneError where there is no such ballot (any more), and what `then` raises.
        """
        with self._guard:
            self._drop_old()
            ballot = self._open.pop(id, None)
        if ballot is None:
            raise BallotGoneError(GONE)
        try:
            return then(ballot)
        except BaseException:
            with self._guard:
                self._open[id] = ballot
            raise

    def _drop_old(self) -> None:
        now = self._clock()
        for id in [id for id, ballot in self._open.items() if now - ballot.made > KEPT]:
            del self._open[id]


def shuffled(items: Sequence[T]) -> list[T]:
    """The items in an order that nobody can foresee."""
    order = list(items)
    SystemRandom().shuffle(order)
    return order
