"""The rate to begin with: the catalogue's for what it knows, that of models of its size for everything else."""

from __future__ import annotations

import pytest

from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.models import catalogue
from studio.recipe.rates import lora_rate, rate_for, usual_rate


@pytest.mark.parametrize("card", catalogue(), ids=lambda card: card.id)
def test_a_model_of_the_catalogue_has_its_own(card):
    assert usual_rate(card.id, "lora") == card.learning_rate


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_method_multiplies_it(method):
    rate = usual_rate("starter", name_of(method))
    assert rate == pytest.approx(lora_rate("starter") * method.rate, rel=0.06)


def test_a_folder_has_that_of_models_of_its_size(tiny_base):
    assert usual_rate(str(tiny_base), "lora") == usual_rate("starter", "lora")  # smaller than any of the catalogue


def test_more_weights_never_want_a_higher_rate():
    rates = [rate_for(10**power) for power in range(5, 13)]
    assert rates == sorted(rates, reverse=True)
    assert rate_for(190_000_000) not in {card.learning_rate for card in catalogue()}, "between two models of it"
    assert rate_for(0) == rate_for(1)


def test_nothing_is_known_of_a_stranger(tmp_path):
    assert usual_rate("someone/something", "lora") is None
    assert usual_rate(str(tmp_path), "lora") is None
    with pytest.raises(KeyError):
        usual_rate("starter", "magic")
