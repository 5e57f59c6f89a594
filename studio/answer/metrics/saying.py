"""Figures and differences in words, with no digit that the rows cannot carry.

The rule: the last digit is that of the standard error's first (a 3.9-point error: whole points). Shares of hits of
fewer than 20 rows are said as "5 of 7"; a percentage has a decimal from 1,000 rows on, and is 0 or 100 only where all
rows are alike. What one row gives is said with two digits, and that it is one.
"""

from __future__ import annotations

from math import floor, log10

from studio.answer.evaluation.result import Difference, Figure, Verdict
from studio.answer.metrics.metric import Better, Unit
from studio.answer.metrics.resampling import FEWEST, Estimate
from studio.data.wording import counted
from studio.intervals import Z

FEW_HITS, DECIMALS_FROM = 20, 1000
MOST_DECIMALS = 3


def figure_of(found: Estimate, unit: Unit) -> Figure:
    """A figure as it may be said."""
    low, high = found.interval
    return Figure(value=found.value, low=low, high=high, text=_text(found, unit))


def difference_of(found: Estimate, unit: Unit, better: Better) -> Difference:
    """A difference as it may be said, and whether it is one for the better."""
    low, high = found.interval
    verdict = _verdict(found, better)
    return Difference(
        value=found.value,
        low=low,
        high=high,
        text=_signed(found, unit),
        verdict=verdict,
        words=_words(found, unit, better, verdict),
    )


def _verdict(found: Estimate, better: Better) -> Verdict:
    low, high = found.interval
    if better == "neither" or low <= 0 <= high:
        return "cannot tell"
    return "better" if (low > 0) == (better == "higher") else "worse"


def _text(found: Estimate, unit: Unit) -> str:
    if unit == "share":
        return _share(found)
    one = " (one row)" if found.number == 1 else ""
    return f"{_number(found.value, _step(found))}{_after(unit)}{one}"


def _share(found: Estimate) -> str:
    if found.hits is not None and found.number < FEW_HITS:
        return f"{found.hits} of {found.number}"
    step = _points_step(found)
    said = _number(100 * found.value, step)
    if float(said) >= 100 and found.value < 1:
        return f"over {_number(100 - step, step)} %"
    if float(said) == 0 and found.value > 0:
        return f"under {_number(step, step)} %"
    return f"{said} %"


def _signed(found: Estimate, unit: Unit) -> str:
    """A difference with its sign, in percentage points for a share."""
    if unit == "share" and found.hits is not None and found.number < FEW_HITS:
        return f"{found.hits:+d} of {found.number}" if found.hits else f"0 of {found.number}"
    value, step = (100 * found.value, _points_step(found)) if unit == "share" else (found.value, _step(found))
    said = _number(abs(value), step)
    sign = "" if not float(said.replace(",", "")) else "+" if value > 0 else "−"
    return f"{sign}{said}{_after(unit)}"


def _words(found: Estimate, unit: Unit, better: Better, verdict: Verdict) -> str:
    low, high = found.interval
    if better == "neither":
        return more_or_less(found, unit)
    if found.number < FEWEST:
        return f"cannot tell: {counted(found.number, 'row')} {'is' if found.number == 1 else 'are'} too few"
    if low == high == 0:
        return "cannot tell: no row differs"
    gain, loss = (high, low) if better == "higher" else (-low, -high)
    if verdict == "cannot tell":
        worse = f"{_end(-loss, found, unit)}{_after(unit)}"
        return f"cannot tell: between {worse} worse and {_end(gain, found, unit)} better"
    least, most = sorted((abs(low), abs(high)))
    return f"{verdict} by {_range(least, most, found, unit)}"


def more_or_less(found: Estimate, unit: Unit) -> str:
    """A difference as more or less, where neither is better: "3 to 5 words fewer"."""
    low, high = found.interval
    fewer = "fewer" if unit == "words" else "less"
    if low == high == 0:
        return "the same in every row"
    if low <= 0 <= high:
        return f"between {_end(-low, found, unit)}{_after(unit)} {fewer} and {_end(high, found, unit)} more"
    least, most = sorted((abs(low), abs(high)))
    return f"{_range(least, most, found, unit)} {'more' if low > 0 else fewer}"


def _range(least: float, most: float, found: Estimate, unit: Unit) -> str:
    ends = _end(least, found, unit), _end(most, found, unit)
    return f"{ends[0] if ends[0] == ends[1] else ' to '.join(ends)}{_after(unit)}"


def _end(value: float, found: Estimate, unit: Unit) -> str:
    """An end of an interval, 0 or more."""
    value, step = (100 * value, _points_step(found)) if unit == "share" else (value, _step(found))
    step = min(step, 1.0) if unit == "share" else step
    said = _number(max(value, 0.0), step)
    return f"less than {_number(step, step)}" if value > 0 and not float(said.replace(",", "")) else said


def _after(unit: Unit) -> str:
    """What stands after a number. Of a share: after a difference."""
    return {"share": " points", "nats": " nats", "words": " words", "perplexity": "", "count": ""}[unit]


def _points_step(found: Estimate) -> float:
    """The last digit of a percentage: 10, 1 or 0.1 points. Hits were counted, so they are never said in tens."""
    finest = 0.1 if found.number >= DECIMALS_FROM else 1.0
    coarsest = 1.0 if found.hits is not None else 10.0
    return min(coarsest, max(finest, 100 * _step(found)))


def _step(found: Estimate) -> float:
    """The value of the last digit that can be said: a power of ten."""
    low, high = found.interval
    error = (high - low) / (2 * Z)
    if error <= 0 and found.value == round(found.value):
        return 1.0
    if error <= 0 or found.number < 2:
        return 10.0 ** (floor(log10(abs(found.value))) - 1) if found.value else 1.0
    return 10.0 ** floor(log10(error) + 1e-9)


def _number(value: float, step: float) -> str:
    decimals = min(MOST_DECIMALS, max(0, -round(log10(step))))
    rounded = round(value / step) * step if step > 1 else value
    return f"{rounded + 0.0:,.{decimals}f}"
