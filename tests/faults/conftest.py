"""Runs over the tiny base, waiting to be done, and one thread for those that are done in this process."""

from __future__ import annotations

import pytest

from tests.run.conftest import make_run

__all__ = ["make_run"]


@pytest.fixture(scope="package", name="one_thread")
def with_one_thread():
    from tests.tiny_run import one_thread  # imports torch, which many faults do without

    with one_thread():
        yield
