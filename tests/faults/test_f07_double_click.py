"""F7: a double click on Train, and two tabs or two processes at once. What was asked once is done once."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from studio.errors import StudioError
from studio.run import submit as submit_module
from studio.run.directory import list_runs
from studio.run.submit import submit


@pytest.fixture(autouse=True)
def slow_after_the_look(monkeypatch):
    """All that press at once have looked for a twin before any of them makes its run, unless something hinders them."""
    real = submit_module._twin

    def twin(*arguments):
        found = real(*arguments)
        time.sleep(0.3)
        return found

    monkeypatch.setattr(submit_module, "_twin", twin)


def asked(home, recipe) -> str:
    try:
        return submit(home, recipe).name
    except StudioError as error:
        return str(error)


def test_two_clicks_at_once_make_one_run(home, make_recipe):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: asked(home, make_recipe()), range(4)))
    (run,) = list_runs(home)
    assert answers.count(run.name) == 1
    assert sum(f"already in progress as {run.name}" in answer for answer in answers) == 3


def test_two_processes_at_once_make_one_run(home, make_recipe):
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=asked, args=(home, make_recipe())) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert len(list_runs(home)) == 1


def test_two_tabs_that_ask_for_different_runs_get_both(home, make_recipe):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: asked(home, make_recipe({"training.seed": seed})), range(2)))
    assert len(list_runs(home)) == 2
