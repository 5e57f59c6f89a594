"""Runs over the tiny base, waiting to be done, and one thread for all of them."""

from __future__ import annotations

import pytest

from tests.run.conftest import make_run
from tests.tiny_run import one_thread

__all__ = ["make_run"]


@pytest.fixture(autouse=True, scope="package", name="one_thread")
def with_one_thread():
    with one_thread():
        yield
