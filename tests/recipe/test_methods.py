"""Each method says what it is, and each is in the registry."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest

from studio.knob import knobs
from studio.recipe import methods
from studio.recipe.methods.every import METHODS, method_named
from studio.recipe.methods.method import TuningMethod


@pytest.mark.parametrize("method", METHODS)
def test_a_method_introduces_itself(method):
    assert method_named(method().name) is method
    assert method.__doc__
    assert method.title
    assert re.search(r"arXiv \d{4}\.\d{5}", method.source)
    assert method.when.endswith(".")


def test_every_method_of_the_folder_is_in_the_registry():
    found = set()
    for module in pkgutil.iter_modules(methods.__path__, f"{methods.__name__}."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, TuningMethod) and "title" in vars(each):
                found.add(each)
    assert found == set(METHODS)
    assert len({method().name for method in METHODS}) == len(METHODS)


def test_an_unknown_method_is_a_key_error():
    with pytest.raises(KeyError):
        method_named("magic")


@pytest.mark.parametrize("method", METHODS)
def test_every_option_answers_what_it_is(method):
    for knob in knobs(method):
        assert len(knob.what.split(". ")) >= 2, knob.name
        assert knob.help.endswith("."), knob.name
