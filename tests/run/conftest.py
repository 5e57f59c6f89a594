"""Runs over the tiny base, waiting to be done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio.run.directory import Run
from studio.run.submit import submit


@pytest.fixture
def make_run(home, make_recipe) -> Callable[..., Run]:
    """`make_run({"training.epochs": 1})`: a waiting run in the home."""

    def make(changes: dict[str, object] | None = None) -> Run:
        return submit(home, make_recipe(changes))

    return make
