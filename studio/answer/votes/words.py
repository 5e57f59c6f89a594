"""A verdict in words, for the page and the command line."""

from __future__ import annotations

from studio.answer.votes.verdict import FAR, Tally, Verdict
from studio.data.wording import counted

Titles = tuple[str, str]


def headline(verdict: Verdict, titles: Titles) -> str:
    """Who wins and by how much: "tuned wins 17 to 6, 95 % interval 54–88 %"."""
    tally, leader = verdict.tally, verdict.tally.leader
    if verdict.state == "none":
        return "No clear votes yet"
    low, high = (f"{100 * end:.0f}" for end in verdict.interval)
    between = f"95 % interval {low}–{high} %"
    if leader is None:
        return f"Level, {tally.wins[0]} to {tally.wins[1]}, {between}"
    return f"{titles[leader]} wins {tally.wins[leader]} to {tally.wins[1 - leader]}, {between}"


def how_sure(verdict: Verdict) -> str:
    """Whether to go on voting, in a sentence or two."""
    match verdict.state, verdict.more:
        case "none", _:
            return "A clear vote names one of the two. Eight of them can be enough, where all say the same."
        case "sure", _:
            return (
                "Sure enough to stop. Were neither of them better, the votes would say so much for one side in at most "
                "1 of 20 such rounds, although you look after each vote."
            )
        case "close", _:
            return (
                f"Too close to call after {counted(verdict.tally.decided, 'clear vote')}. If one of them is better, it "
                "is not by much."
            )
        case _, None:
            return "Not sure yet: the two are level."
        case _, more if more > FAR:
            return f"Not sure yet. If it goes on like this, that takes more than {FAR} further votes."
    return f"Not sure yet. If it goes on like this, about {counted(verdict.more or 0, 'more clear vote')} will do."


def apart(tally: Tally) -> str:
    """The votes that name neither: "5 ties (3 of them word for word the same), 2 both bad"; empty without any."""
    same = f" ({tally.same} of them word for word the same)" if tally.same else ""
    ties = f"{counted(tally.ties, 'tie')}{same}" if tally.ties else ""
    bad = f"{tally.bad} both bad" if tally.bad else ""
    return ", ".join(filter(None, (ties, bad)))
