"""From votes to the recipe of the next run."""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
import pytest

from studio.answer.votes.kept import add_vote
from studio.recipe.presets import preset_named
from studio.run.directory import Run
from studio.run.launchers import ThreadLauncher
from studio.ui.compare.blind import tune_on_votes
from studio.ui.page import _draw
from studio.ui.studio import Studio
from tests.answer.votes.casting import cast
from tests.prepared_runs import prepare_run


@pytest.fixture
def studio(home) -> Studio:
    return Studio(home, ThreadLauncher())


@pytest.fixture
def draft(studio):
    with gr.Blocks():
        return _draw(studio, preset_named("starter").recipe).draft


def voted(run: Run, number: int = 3) -> Run:
    for place in range(number):
        add_vote(run, cast("second", prompt=[{"role": "user", "content": f"Colour {place}?"}]))
    return run


def test_pairs_become_the_data_and_the_adapter_the_start(studio, draft):
    before = {"method.rank": 4, "training.learning_rate": 0.005, "training.packing": True}
    run = voted(prepare_run(studio.home, "amber-fox", before))
    updates = tune_on_votes(studio, draft, run.name)
    assert set(updates) <= set(draft.outputs)
    assert updates[draft.task.chosen]["value"] == "direct-preference"
    assert updates[draft.task.forms["direct-preference"].fields["begin_from"]]["value"] == "amber-fox"
    assert updates[draft.method.forms["lora"].fields["rank"]]["value"] == 4
    assert updates[draft.training.fields["learning_rate"]]["value"] == pytest.approx(0.001)
    assert updates[draft.training.fields["packing"]]["value"] is False, "preferences are not packed"
    assert updates[draft.model] == "starter"
    part = updates[draft.data]
    assert part.held_out_share > 0
    lines = [json.loads(line) for line in Path(part.path).read_text().splitlines()]
    assert lines[2] == {"prompt": "Colour 2?", "chosen": "green", "rejected": "red"}
    assert Path(part.path).is_relative_to(studio.home.uploads)


def test_what_cannot_go_on_as_an_adapter_goes_on_as_a_whole_model(studio, draft):
    run = voted(prepare_run(studio.home, "amber-fox", {"method.name": "full"}))
    run.adapter.rename(run.model)
    updates = tune_on_votes(studio, draft, run.name)
    assert updates[draft.model] == str(run.model)
    assert updates[draft.task.forms["direct-preference"].fields["begin_from"]]["value"] == ""


def test_what_cannot_be_tuned_on_is_refused_in_words(studio, draft):
    run = prepare_run(studio.home, "amber-fox")
    with pytest.raises(gr.Error, match="40 pairs or more"):
        tune_on_votes(studio, draft, run.name)
    classifier = voted(prepare_run(studio.home, "grey-owl", {"task.name": "sequence-classification"}))
    with pytest.raises(gr.Error, match="Vote on a run of language modeling"):
        tune_on_votes(studio, draft, classifier.name)
    with pytest.raises(gr.Error, match="no run"):
        tune_on_votes(studio, draft, "red-newt")
