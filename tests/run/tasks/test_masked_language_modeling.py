"""Guessing hidden tokens."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from studio.errors import StudioError
from studio.run.directory import Status
from studio.run.events import EventWriter
from studio.run.result import load_result
from studio.run.submit import submit
from studio.run.tasks.every import runner_of
from studio.run.tasks.masked_language_modeling import Masking
from studio.run.tokenizer import load_tokenizer
from studio.run.train import precision_of
from tests.run.tasks.conftest import logits_of, recipe_of

TASK = {"task.name": "masked-language-modeling"}
FULL = {"method.name": "full", "training.learning_rate": 5e-3}


@pytest.fixture
def masking(tiny_encoder) -> Masking:
    return Masking(AutoTokenizer.from_pretrained(tiny_encoder), 0.15)


@pytest.mark.parametrize(
    "method", [{"method.name": "lora", "training.learning_rate": 3e-2}, FULL], ids=["lora", "full"]
)
def test_it_learns_and_is_loaded_as_it_was(tiny_encoder, texts_file, method, done):
    story = done(tiny_encoder, texts_file, TASK | method)
    assert story.run.status() is Status.FINISHED, story.reason
    losses, held_out = story.measured("loss"), story.measured("eval_loss")
    assert story.of_rows() == pytest.approx(losses, rel=1e-4), "what is kept of each row"
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])
    assert held_out[-1] < 0.9 * held_out[0]
    loaded = load_result(story.run, story.loaded_base(), precision_of(story.run.recipe))
    assert torch.equal(logits_of(loaded), logits_of(story.model))


@pytest.mark.parametrize("method", [{"method.name": "lora"}, FULL], ids=["lora", "full"])
def test_stopped_and_resumed_is_the_straight_run(tiny_encoder, texts_file, method, done):
    """The masks too, in the middle of a pass and in the one after it."""
    changes = TASK | method | {"training.epochs": 2, "training.evaluations": 0}
    straight, resumed = done(tiny_encoder, texts_file, changes), done(tiny_encoder, texts_file, changes, stop_after=3)
    assert len(straight.measured("loss")) == 10
    assert resumed.measured("loss") == straight.measured("loss")


def test_held_out_rows_are_hidden_once_and_the_same_for_all(tiny_encoder, texts_file, home, tmp_path):
    """With a rate of nothing the model stays as it is, and so must its held-out loss."""
    run = submit(home, recipe_of(tiny_encoder, texts_file, TASK))
    tokenizer = load_tokenizer(tiny_encoder, speaks=False)[0]
    with EventWriter(tmp_path / "events.jsonl") as events:
        first, again = (runner_of(run.recipe).rows(run, "held_out", tokenizer, events).dataset for _ in range(2))
    assert first["input_ids"][:] == again["input_ids"][:]
    assert first["labels"][:] == again["labels"][:]
    for shown, labels, example in zip(first["input_ids"], first["labels"], run.examples("held_out"), strict=True):
        told = [label if label >= 0 else token for token, label in zip(shown, labels, strict=True)]
        assert told == tokenizer(example.completion)["input_ids"]
        assert any(label >= 0 for label in labels)


def test_the_held_out_loss_changes_only_with_the_model(tiny_encoder, texts_file, done):
    changes = {"training.learning_rate": 1e-6, "training.max_grad_norm": 1e-6, "training.epochs": 1}
    held_out = done(tiny_encoder, texts_file, TASK | changes).measured("eval_loss")
    assert held_out == pytest.approx([held_out[0]] * len(held_out), rel=1e-4)


def test_eight_in_ten_are_masked_one_is_another_and_one_stays(masking):
    torch.manual_seed(0)
    ids = torch.full((200, 500), 70)
    shown, labels = masking(ids)
    hidden = labels != -100
    assert (labels[hidden] == 70).all()
    assert (shown[~hidden] == 70).all()
    assert hidden.float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (shown[hidden] == 4).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert (shown[hidden] == 70).float().mean().item() == pytest.approx(0.1, abs=0.02)


def test_special_tokens_are_never_hidden_and_each_text_has_something_hidden(masking):
    torch.manual_seed(0)
    ids = torch.tensor([[2, 70, 3, 0, 0]] * 300)
    shown, labels = masking(ids)
    assert (labels == torch.tensor([-100, 70, -100, -100, -100])).all()
    assert (shown[:, [0, 2, 3, 4]] == ids[:, [0, 2, 3, 4]]).all()
    nothing = torch.tensor([[2, 3, 0]])
    assert torch.equal(masking(nothing)[0], nothing)
    assert (masking(nothing)[1] == -100).all()


def test_each_pass_hides_other_tokens(masking):
    torch.manual_seed(0)
    ids = torch.randint(5, 250, (4, 40))
    assert not torch.equal(masking(ids)[1], masking(ids)[1])


@pytest.mark.parametrize(("overlap", "pieces"), [(0, 8), (8, 10)])
def test_long_texts_become_chunks_with_their_own_special_tokens(overlap, pieces, tiny_encoder, home, tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text("".join(f'{{"text": "{letter * 100}"}}\n' for letter in "ab"), "utf-8")
    changes = {"data.chunks.by": "tokens", "data.chunks.length": 32, "data.chunks.overlap": overlap}
    run = submit(home, recipe_of(tiny_encoder, path, TASK | changes | {"data.held_out_share": 0}))
    tokenizer = load_tokenizer(tiny_encoder, speaks=False)[0]
    with EventWriter(run.events_path) as events:
        rows = runner_of(run.recipe).rows(run, "train", tokenizer, events).dataset["input_ids"][:]
    assert len(rows) == pieces
    assert all((row[0], row[-1]) == (2, 3) and len(row) <= 32 for row in rows)
    if not overlap:
        assert sum(len(row) - 2 for row in rows) == 200, "no token is lost"
    (decision,) = run.events()[0]
    assert decision.choice == f"{pieces} chunks of 2 texts"


def test_pairs_are_read_whole(tiny_encoder, labelled_file, home):
    columns = {"data.prompt_column": "text", "data.completion_column": "label"}
    run = submit(home, recipe_of(tiny_encoder, labelled_file, TASK | columns))
    tokenizer = load_tokenizer(tiny_encoder, speaks=False)[0]
    with EventWriter(run.events_path) as events:
        rows = runner_of(run.recipe).rows(run, "train", tokenizer, events).dataset["input_ids"][:]
    first = run.examples("train")[0]
    assert tokenizer.decode(rows[0]) == f"[CLS]{first.prompt}\n{first.completion}[SEP]"


def test_a_decoder_is_refused(tiny_base, texts_file):
    runner = runner_of(recipe_of(tiny_base, texts_file, TASK))
    with pytest.raises(StudioError, match=r"The base model is a decoder\. Masked language modeling needs an encoder"):
        runner.load(tiny_base, precision_of(runner.recipe), None)


def test_an_encoder_without_the_head_is_refused_and_none_is_made_up(tiny_encoder, texts_file, tmp_path):
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "headless"))
    weights = load_file(folder / "model.safetensors")
    body = {name: weight for name, weight in weights.items() if "transform" not in name}
    save_file(body, folder / "model.safetensors", {"format": "pt"})
    runner = runner_of(recipe_of(folder, texts_file, TASK))
    with pytest.raises(StudioError, match=r"no weights for cls\.predictions\.transform") as caught:
        runner.load(folder, precision_of(runner.recipe), None)
    assert "Choose an encoder with a head for masked language modeling" in str(caught.value)


def test_a_tokenizer_without_a_mask_is_refused(tiny_encoder, texts_file, home, tmp_path):
    run = submit(home, recipe_of(tiny_encoder, texts_file, TASK))
    tokenizer = load_tokenizer(tiny_encoder, speaks=False)[0]
    tokenizer.mask_token = None
    with EventWriter(tmp_path / "events.jsonl") as events, pytest.raises(StudioError, match="no mask token"):
        runner_of(run.recipe).rows(run, "train", tokenizer, events)
