"""Finished runs on a tiny base."""

from pathlib import Path

import pytest

from studio.recipe.methods.low_rank import Lora, QLora
from studio.run.directory import Run
from tests.tiny_run import make_base, make_run, one_thread


@pytest.fixture(autouse=True, scope="package", name="one_thread")
def with_one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return make_base(tmp_path_factory.mktemp("secret-models") / "tiny-base")


@pytest.fixture(scope="session", params=[Lora(rank=4), QLora(rank=4)], ids=["lora", "qlora"])
def run(request, tmp_path_factory, base) -> Run:
    return make_run(tmp_path_factory.mktemp("secret-runs") / "2026-11-20-amber-fox", base, request.param)
