"""Tiny models are quicker with one thread."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tiny_run import one_thread


@pytest.fixture(autouse=True)
def single() -> Iterator[None]:
    with one_thread():
        yield
