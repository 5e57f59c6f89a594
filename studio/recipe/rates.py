"""The learning rate to begin with, by base model and method."""

from __future__ import annotations

from math import floor, log10

import numpy as np

from studio.errors import StudioError
from studio.recipe.methods.every import method_named
from studio.recipe.models import catalogue, facts, locate


def usual_rate(model_id: str, method_name: str) -> float | None:
    """The rate to begin with for this base and method; None where nothing is known of the base.

    What LoRA wants for the base (`lora_rate`) times `TuningMethod.rate`, to two digits.

    Raises:
        KeyError: there is no such method.
    """
    times = method_named(method_name).rate
    rate = lora_rate(model_id)
    return None if rate is None else _rounded(rate * times, 2)


def lora_rate(model_id: str) -> float | None:
    """The rate that LoRA wants: as the catalogue says, or as it says of models with about as many weights."""
    try:
        located = locate(model_id)
        if located.card:
            return located.card.learning_rate
        return rate_for(facts(located.folder).parameters) if located.folder else None
    except StudioError:
        return None


def rate_for(parameters: int) -> float:
    """The rate for LoRA on a base of so many weights, read off the catalogue: in logarithms, straight from one model
    to the next larger one, level beyond the smallest and the largest."""
    cards = sorted(catalogue(), key=lambda card: card.parameters)
    sizes = [log10(card.parameters) for card in cards]
    rates = [log10(card.learning_rate) for card in cards]
    return _rounded(10 ** float(np.interp(log10(max(1, parameters)), sizes, rates)), 1)


def _rounded(value: float, digits: int) -> float:
    """To so many significant digits, as a person would write it."""
    return round(value, digits - 1 - floor(log10(value)))
