"""Through the held-out rows of a run in a shuffled order, none a second time before all were asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import SystemRandom

from studio.answer.votes.vote import Pair, Vote
from studio.data.example import Example
from studio.data.tokens.encode import Message
from studio.errors import StudioError
from studio.run.directory import Run


@dataclass(frozen=True)
class Asked:
    """A held-out row that is to be asked: its number, the conversation up to its answer, the reference answer.

    `left`: how many rows are still to come before the walk begins anew.
    """

    row: int
    messages: list[Message]
    reference: str
    left: int


class Walk:
    """Which held-out row comes next. The votes say which were asked; those passed over without a vote are remembered
    for as long as this lives. May be used from any thread."""

    def __init__(self) -> None:
        self._passed: dict[tuple[str, frozenset[object]], Counter[int]] = {}
        self._guard = threading.Lock()

    def next(self, run: Run, votes: Sequence[Vote], pair: Pair) -> Asked:
        """The next row for these two voices (by name).

        Raises StudioError where the run has no held-out rows, or none that asks anything.
        """
        rows = {example.row: example for example in run.examples("held_out") if can_be_asked(example)}
        if not rows:
            raise StudioError(
                f"{run.name} has no held-out rows that ask something. Type a prompt of your own, or hold out rows in "
                "the Data tab before the next run."
            )
        of_pair = frozenset(pair)
        voted = Counter(vote.row for vote in votes if vote.row in rows and frozenset(vote.voices) == of_pair)
        with self._guard:
            passed = self._passed.setdefault((str(run.path), of_pair), Counter())
            times = {row: max(voted[row], passed[row]) for row in rows}
            fewest = min(times.values())
            fresh = [row for row, count in times.items() if count == fewest]
            row = SystemRandom().choice(fresh)
            passed[row] = times[row] + 1
        return Asked(row, rows[row].asked, rows[row].completion, len(fresh) - 1)


def can_be_asked(example: Example) -> bool:
    """Whether a row is a question that needs no tools to be answered."""
    asked = example.asked
    return bool(asked) and asked[-1]["role"] == "user" and not example.tools and str(asked[-1]["content"]).strip() != ""
