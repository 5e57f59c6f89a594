"""What the votes between two voices say so far, and whether that is sure enough although one looks after each vote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Literal

from studio.answer.votes.vote import Pair, Vote
from studio.intervals import Interval

SURE = 20.0  # the evidence that is enough: at most one false alarm in 20, however often one looks
MANY = 50  # decided votes from which on it can be too close to call
FAR = 200  # further votes that are too many to go on for
TAILS = (0.025, 0.975)

State = Literal["none", "open", "sure", "close"]


@dataclass(frozen=True)
class Tally:
    """The votes between two voices: how often each won, and those that decide nothing."""

    wins: tuple[int, int] = (0, 0)
    ties: int = 0
    """`same` of them without being asked: both had said the same."""
    same: int = 0
    bad: int = 0

    @property
    def decided(self) -> int:
        return sum(self.wins)

    @property
    def leader(self) -> int | None:
        """Which of the two has won more often, 0 or 1; None where they are level."""
        one, other = self.wins
        return None if one == other else int(other > one)


@dataclass(frozen=True)
class Verdict:
    """What a tally says.

    share: how often the leader won, of the decided votes; of the first voice where they are level.
    interval: the 95 % interval of that share, for the votes cast.
    evidence: see `evidence`; `SURE` and more is enough.
    more: about how many further decided votes it takes if it goes on like this; None where they never would be enough.
    """

    tally: Tally
    state: State
    share: float
    interval: Interval
    evidence: float
    more: int | None


def tally_of(votes: Iterable[Vote], pair: Pair) -> Tally:
    """The votes between these two (by name), whichever of them was shown first."""
    between = [vote for vote in votes if set(vote.voices) == set(pair)]
    wins = [sum(vote.winner == voice for vote in between) for voice in pair]
    count = {choice: sum(vote.choice == choice for vote in between) for choice in ("tie", "same", "bad")}
    return Tally((wins[0], wins[1]), count["tie"] + count["same"], count["same"], count["bad"])


def verdict_of(tally: Tally) -> Verdict:
    """What a tally says."""
    number = tally.decided
    if not number:
        return Verdict(tally, "none", 0.5, (0.0, 1.0), 1.0, None)
    wins = tally.wins[tally.leader or 0]
    found, more = evidence(wins, number), votes_to_go(wins, number)
    state: State = "open"
    if found >= SURE:
        state = "sure"
    elif number >= MANY and (more is None or more > FAR):
        state = "close"
    return Verdict(tally, state, wins / number, win_interval(wins, number), found, more)


def win_interval(wins: int, number: int) -> Interval:
    """The 95 % interval of a share of wins, number at least 1: Jeffreys', of equal tails.

    Quantiles of Beta(wins + 1/2, losses + 1/2), down to 0 without a win and up to 1 without a loss. Brown, Cai and
    DasGupta 2001, "Interval estimation for a binomial proportion", Stat. Sci. 16(2), section 3.1.3. It holds for a
    number of votes that was fixed before; whether to stop now is for `evidence` to say.
    """
    from scipy.special import betaincinv

    low, high = (float(betaincinv(wins + 0.5, number - wins + 0.5, tail)) for tail in TAILS)
    return (low if wins else 0.0), (high if wins < number else 1.0)


def evidence(wins: float, number: float) -> float:
    """How much likelier the votes are if one of the two is better than if neither is: a ratio of likelihoods.

    The share of wins p is unknown, so its likelihood is averaged over all p from 0 to 1, each as likely as any other:

        M = integral of p^wins (1 - p)^losses dp / (1/2)^number = 2^number * B(wins + 1, losses + 1)

    the beta mixture of Robbins 1970, "Statistical methods related to the law of the iterated logarithm", Ann. Math.
    Stat. 41(5). While neither is better, M is a martingale that begins at 1, so by Ville's inequality (Ville 1939,
    "Étude critique de la notion de collectif") it ever reaches 20 with a probability of at most 1/20: one may look
    after each vote and stop when it does.
    """
    return exp(min(_log_evidence(wins, number), 700.0))


def votes_to_go(wins: int, number: int) -> int | None:
    """About how many further votes make it sure if the share of wins stays what it is: 0 where it is sure already.

    None where that would take more than a hundred thousand.
    """
    share = wins / number if number else 0.5

    def enough(more: int) -> bool:
        return _log_evidence(wins + share * more, number + more) >= log(SURE)

    high = 1
    if enough(0):
        return 0
    while not enough(high):
        high *= 2
        if high > 100_000:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _log_evidence(wins: float, number: float) -> float:
    losses = number - wins
    return number * log(2) + lgamma(wins + 1) + lgamma(losses + 1) - lgamma(number + 2)
