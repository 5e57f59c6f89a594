"""One tiny base for all tests of this folder, and runs on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from studio.answer.chat import ChatHost
from studio.answer.engine import Engine
from studio.recipe.methods.low_rank import QLora
from studio.run.directory import Run
from tests.answer.results import made
from tests.tiny_run import make_run, one_thread


@pytest.fixture(autouse=True, scope="package", name="one_thread")
def with_one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def base(tiny_base) -> Path:
    return tiny_base


@pytest.fixture(scope="session")
def run(tmp_path_factory, base) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "lora", base)


@pytest.fixture(scope="session")
def quantized_run(tmp_path_factory, base) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "qlora", base, QLora(rank=4))


@pytest.fixture(scope="session")
def result_of(tmp_path_factory, base) -> Callable[[str], Run]:
    """`result_of("dora")`: a run of that method with a result and a checkpoint; each made once."""
    folder, runs = tmp_path_factory.mktemp("results"), dict[str, Run]()

    def one(name: str) -> Run:
        if name not in runs:
            runs[name] = made(folder / name, base, name)
        return runs[name]

    return one


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="package")
def host(tmp_path_factory, one_thread):
    host = ChatHost(tmp_path_factory.mktemp("chat") / "chat.log")
    host.warm()
    yield host
    host.close()
