"""`chat`: base and tuned model, and whoever else is wanted, asked by a host without a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.__main__ import main
from studio.answer.wire import REQUEST, Ask
from studio.run.submit import submit
from tests import answer

ECHO = str(Path(answer.__file__).with_name("echo_host.py"))


@pytest.fixture
def run(home, make_recipe):
    return submit(home, make_recipe())


@pytest.fixture
def ask(home, run, capsys, monkeypatch):
    """The status and what was printed to standard output and standard error."""
    monkeypatch.setattr("studio.answer.child.COMMAND", [ECHO])

    def call(*options: str) -> tuple[int, str, str]:
        status = main(["chat", run.name, "--prompt", "echo", *options, "--home", str(home.root)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def asked_of(printed: str) -> tuple[dict[str, Any], Ask]:
    """What was printed as JSON, and what the host was asked: each answer repeats it."""
    found = json.loads(printed)
    request = REQUEST.validate_json(next(iter(found["answers"].values())))
    assert isinstance(request, Ask)
    assert list(request.panes) == list(found["answers"])
    return found, request


def test_base_and_tuned_by_default(ask, run):
    status, printed, _ = ask("--json", "--seed", "7", "--system", "Be brief.")
    found, asked = asked_of(printed)
    assert (status, list(found["answers"])) == (0, ["base", "tuned"])
    assert found["seconds"] > 0
    assert found["measures"]["tuned"]["ended"] == "end"
    assert found["measures"]["base"]["first"] == 0.1
    assert {pane: each.voice.source.part for pane, each in asked.panes.items()} == {"base": "base", "tuned": "result"}
    assert {each.voice.source.run for each in asked.panes.values()} == {str(run.path)}
    assert asked.panes["base"].messages == asked.panes["tuned"].messages
    assert [message["content"] for message in asked.panes["base"].messages] == ["Be brief.", "echo"]
    assert asked.settings.seed == 7


def test_others_beside_them(ask, home, run, make_recipe):
    other = submit(home, make_recipe({"training.seed": 1}))
    wanted = ["--with", other.name, "--checkpoint", "3", "--checkpoint", "6", "--few-shot", "2", "--strength", "0.5"]
    _, printed, said = ask("--json", *wanted)
    _, asked = asked_of(printed)
    assert list(asked.panes) == ["base", "tuned", "checkpoint-3", "checkpoint-6", other.name, "few-shot"]
    voices = {pane: each.voice for pane, each in asked.panes.items()}
    assert voices["tuned"].strength == 0.5
    assert voices["checkpoint-6"].source.part == "checkpoint-6"
    assert voices["checkpoint-6"].strength == 1
    assert voices[other.name].source.run == str(other.path)
    assert voices["few-shot"] == voices["base"]
    messages = asked.panes["few-shot"].messages
    assert [message["role"] for message in messages] == ["user", "assistant"] * 2 + ["user"]
    assert messages[-1]["content"] == "echo"
    assert "2 training rows before the question" in said


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--strength", "2"], "--strength"),
        (["--temperature", "-1"], "--temperature"),
        (["--with", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_asked(ask, wrong, words):
    status, printed, said = ask("--json", *wrong)
    assert (status, printed) == (1, "")
    assert words in said
