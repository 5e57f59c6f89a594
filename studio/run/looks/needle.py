"""The forgetting needle: whether the model in training has lost what the base knew, what of it, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import comb
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from studio.data.wording import listed
from studio.run.directory import Run
from studio.run.events import AnyEvent, Look, Resumed, Warned, parsed_lines, that_count

TOLERATED = 0.1  # share of what was right that any training may lose
LEVEL = 0.01  # how likely a needle may be to trip at a look where no more than that is lost
_WARNING = b'"cause":"forgetting"'
_MARKS = (b'"kind":"look"', b'"kind":"resumed"', _WARNING)
_EVENTS: TypeAdapter[Any] = TypeAdapter(Annotated[Look | Resumed | Warned, Field(discriminator="kind")])
NAMES = {"fact": "facts", "sum": "sums", "format": "formats", "text": "plain text", "own": "your own probes"}


class Family(BaseModel):
    """Probes of one kind: how many the base was sure of, and how many of these are right no longer."""

    model_config = ConfigDict(frozen=True)
    name: str
    known: int
    lost: int


class Needle(BaseModel):
    """Where the needle stands at the last look. `begun` is the step of the first look at which it had tripped, None
    where it never did; `families` are then those of that look, most lost first. `still`: whether it trips at the last
    look, too. `words` say it."""

    model_config = ConfigDict(frozen=True)
    begun: int | None
    still: bool
    known: int
    lost: int
    families: tuple[Family, ...]
    words: str


def needle_of(events: Iterable[AnyEvent]) -> Needle | None:
    """The needle of a run; None where nothing was known at the first look, or there was no other.

    The rule: only probes that the model was sure of at the first look count, each paired with itself: what was right by
    a hair, any training may turn. It trips at a look where more of them are wrong than chance explains if a tenth of
    them were lost: P(X >= lost), X binomial(known, 0.1), is below 0.01; or where that holds of one family, at 0.01
    divided by the number of families (Bonferroni).
    """
    looks = [event for event in that_count(events) if isinstance(event, Look) and event.right]
    known_of = looks[0].right | looks[0].sure if looks else {}  # runs of earlier versions tell no sure ones
    if len(looks) < 2 or not any("1" in known for known in known_of.values()):
        return None
    each = [(look.step, list(_lost(known_of, look))) for look in looks[1:]]
    tripped = next(((step, found) for step, found in each if _trips(found)), None)
    now = each[-1][1]
    known, lost = sum(family.known for family in now), sum(family.lost for family in now)
    if tripped is None:
        words = f"{known - lost} of {known} probes that the base was sure of are still right."
        return Needle(begun=None, still=False, known=known, lost=lost, families=tuple(now), words=words)
    (step, found), still = tripped, _trips(now)
    worst = tuple(sorted(found, key=lambda family: -family.lost / max(1, family.known)))
    words = _words(step, worst, f"{known - lost} of {known}", still, step == each[-1][0])
    return Needle(begun=step, still=still, known=known, lost=lost, families=worst, words=words)


def forgetting(run: Run) -> Warned | None:
    """The warning that a run began to forget, wherever it stands in its events. None where there was none, and where
    what was lost has come back."""
    try:
        with run.events_path.open("rb") as lines:
            some = [line for line in lines if any(mark in line for mark in _MARKS)]
    except FileNotFoundError:
        return None
    if not any(_WARNING in line for line in some):  # of most runs: their looks need not be parsed
        return None
    found = list(parsed_lines(b"".join(some), _EVENTS))
    told = next((event for event in found if isinstance(event, Warned) and event.cause == "forgetting"), None)
    needle = needle_of(found) if told else None
    return told if needle is None or needle.still else None


def _lost(known_of: Mapping[str, str], look: Look) -> Iterator[Family]:
    for name, known in known_of.items():
        pairs = [after for before, after in zip(known, look.right.get(name, ""), strict=False) if before == "1"]
        yield Family(name=name, known=len(pairs), lost=pairs.count("0"))


def _trips(families: list[Family]) -> bool:
    known, lost = sum(family.known for family in families), sum(family.lost for family in families)
    each = LEVEL / max(1, len(families))
    return _more_than_chance(known, lost, LEVEL) or any(_more_than_chance(f.known, f.lost, each) for f in families)


def _more_than_chance(known: int, lost: int, level: float) -> bool:
    """Whether P(X >= lost), X binomial(known, TOLERATED), is below `level`."""
    tail = (comb(known, k) * TOLERATED**k * (1 - TOLERATED) ** (known - k) for k in range(lost, known + 1))
    return lost > 0 and sum(tail) < level


def _words(step: int, families: tuple[Family, ...], right: str, still: bool, latest: bool) -> str:
    level = LEVEL / max(1, len(families))
    named = [family for family in families if _more_than_chance(family.known, family.lost, level)]
    told = [f"{NAMES.get(f.name, f.name)} ({f.lost} of {f.known})" for f in named or families if f.lost]
    had = f"at step {step:,} it had lost {listed(told, len(told))} of what the base was sure of"
    if not still:
        return f"Your model forgot on the way and came back: {had}. By now {right} are right again."
    then = f"{right} were right then" if latest else f"By now {right} are right"  # the first stands in the events
    return f"Your model has begun to forget: {had}. {then}."
