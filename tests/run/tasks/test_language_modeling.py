"""Continued pretraining on plain text, and bases that cannot write."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from studio.errors import StudioError
from studio.run.directory import Status
from studio.run.events import EventWriter
from studio.run.submit import submit
from studio.run.tasks.every import runner_of
from studio.run.tokenizer import load_tokenizer
from studio.run.train import precision_of
from tests.run.tasks.conftest import recipe_of

CHUNKS = {"data.chunks.by": "tokens", "data.chunks.length": 48}


@pytest.mark.parametrize("changes", [{}, CHUNKS], ids=["whole", "chunks"])
def test_continued_pretraining_learns_from_every_token(changes, tiny_base, texts_file, home):
    run = submit(home, recipe_of(tiny_base, texts_file, changes))
    tokenizer = load_tokenizer(tiny_base)[0]
    with EventWriter(run.events_path) as events:
        rows = runner_of(run.recipe).rows(run, "train", tokenizer, events).dataset
    assert rows["labels"][:] == rows["input_ids"][:]
    texts = [example.completion for example in run.examples("train")]
    assert sum(map(len, rows["input_ids"])) == sum(len(text) + 1 for text in texts), "each token once, ends included"
    assert tokenizer.decode([token for row in rows["input_ids"] for token in row]) == "".join(
        f"{text}</s>" for text in texts
    )


def test_continued_pretraining_runs(tiny_base, texts_file, done):
    story = done(tiny_base, texts_file, CHUNKS)
    assert story.run.status() is Status.FINISHED, story.reason
    losses, held_out = story.measured("loss"), story.measured("eval_loss")
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    assert held_out[-1] < 0.8 * held_out[0]


def test_an_encoder_is_refused(tiny_encoder, texts_file):
    runner = runner_of(recipe_of(tiny_encoder, texts_file, {}))
    with pytest.raises(StudioError, match=r"The base model is an encoder\. Language modeling needs a decoder"):
        runner.load(tiny_encoder, precision_of(runner.recipe), None)


def test_missing_weights_are_refused_and_not_made_up(tiny_base, texts_file, tmp_path):
    folder = Path(shutil.copytree(tiny_base, tmp_path / "headless"))
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    runner = runner_of(recipe_of(folder, texts_file, {}))
    with pytest.raises(StudioError, match=r"no weights for lm_head\.weight, which a causal language model needs"):
        runner.load(folder, precision_of(runner.recipe), None)
