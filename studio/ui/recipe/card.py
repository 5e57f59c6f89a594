"""What the chosen method is, when to choose it, what it trains here and what it leaves behind."""

from __future__ import annotations

from html import escape

from studio.data.wording import sentence
from studio.recipe.methods.method import TuningMethod
from studio.run.forecast.forecast import Forecast
from studio.ui.recipe.amounts import bytes_in_words, share_in_words
from studio.ui.words import figures

PENDING = "being counted …"
KEEPS = {"adapter": "a small file beside the base", "model": "a whole model of its own"}


def card_html(method: type[TuningMethod], forecast: Forecast | None, pending: str = PENDING) -> str:
    """The method's card. Without a forecast the counts say `pending`."""
    trains, stores = pending, KEEPS[method.keeps]
    if forecast:
        share = share_in_words(forecast.trainable_parameters, forecast.parameters)
        trains = f"{forecast.trainable_parameters:,} weights, {share} of all"
        stores = f"{bytes_in_words(forecast.stored_bytes)}, {stores}"
    what = " ".join((method.__doc__ or "").partition("\n\n")[0].split()).removeprefix(f"{method.title}: ")
    lines = [("When", method.when), ("First try", method.first), ("From", method.source)]
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in lines)
    return (
        f'<section class="method-card"><h3>{escape(method.title)}</h3><p>{escape(sentence(what))}</p>'
        f'<dl class="method-lines">{rows}</dl>{figures([("It trains", trains), ("It leaves", stores)])}</section>'
    )
