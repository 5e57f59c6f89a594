"""One tiny base for all tests of this folder, and runs on it."""

import os
import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parents[1]))

from tiny_run import make_base, make_run

from studio.answer.chat import ChatHost
from studio.answer.engine import Engine
from studio.recipe.methods import QLora
from studio.run.directory import Run


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Tiny models are much faster with one thread, most of all on a busy machine; children read the variable."""
    before, threads = os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    if before is None:
        del os.environ["OMP_NUM_THREADS"]
    else:
        os.environ["OMP_NUM_THREADS"] = before


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return make_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def run(tmp_path_factory, base) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "lora", base)


@pytest.fixture(scope="session")
def quantized_run(tmp_path_factory, base) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "qlora", base, QLora(rank=4))


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="package")
def host(tmp_path_factory, one_thread):
    host = ChatHost(tmp_path_factory.mktemp("chat") / "chat.log")
    host.warm()
    yield host
    host.close()
