"""`forecast RECIPE`: what it will cost, in words or as JSON."""

from __future__ import annotations

import json

import pytest

from studio.__main__ import main
from tests.tiny_run import one_thread

START = 500 * 2**20


@pytest.fixture
def ask(home, make_recipe, tmp_path, monkeypatch, capfd):
    """`ask("--json")`: what the verb prints for the tiny recipe, on a machine that needs no measuring."""
    monkeypatch.setattr("studio.run.forecast.start.start_bytes", lambda _: START)
    monkeypatch.setattr("studio.run.forecast.machine.SECONDS", 0.01)
    path = tmp_path / "mine.yaml"
    path.write_text(make_recipe().to_yaml(), "utf-8")

    def ask(*arguments: str) -> str:
        with one_thread():
            assert main(["forecast", str(path), "--home", str(home.root), *arguments]) == 0
        return str(capfd.readouterr().out)

    return ask


def test_as_json_it_is_one_object(ask):
    facts = json.loads(ask("--json"))
    assert facts["memory_bytes"] == sum(facts["parts"].values()) > START
    assert facts["seconds_low"] < facts["seconds"] < facts["seconds_high"]
    assert 0 < facts["trainable_parameters"] < facts["parameters"]
    assert facts["fits"] is True
    assert facts["rows"] == 18
    assert facts["steps"] == 6
    assert facts["assumed"] == []


def test_without_rows_the_assumption_is_said(ask):
    facts = json.loads(ask("--json", "--set", "data.path="))
    assert facts["rows"] is None
    assert "No rows are chosen yet" in facts["assumed"][0]


def test_in_words(ask):
    said = ask()
    assert "Peak memory 0." in said
    assert "It fits." in said
    assert "overhead" in said
