"""Naming the class of a text, with a decoder and with an encoder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.data.example import Example, Examples
from studio.errors import StudioError
from studio.run.directory import Status
from studio.run.precision import Precision
from studio.run.result import load_result
from studio.run.tasks.every import runner_of
from studio.run.tasks.sequence_classification import class_weights, classes_of, saved_classes
from studio.run.tokenizer import load_tokenizer
from studio.run.train import precision_of
from tests.run.tasks.conftest import logits_of, recipe_of

CLASSES = ("fogg", "rain", "sunn")
TASK = {
    "task.name": "sequence-classification",
    "data.prompt_column": "text",
    "data.completion_column": "label",
}
FULL = {"method.name": "full", "training.learning_rate": 2e-3}


@pytest.fixture(params=["tiny_base", "tiny_encoder"])
def base(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("method", [{"method.name": "lora"}, FULL], ids=["lora", "full"])
def test_it_learns_and_is_loaded_as_it_was(base, labelled_file, method, done):
    story = done(base, labelled_file, TASK | {"training.epochs": 4} | method)
    assert story.run.status() is Status.FINISHED, story.reason
    losses, accuracy = story.measured("loss"), story.measured("eval_accuracy")
    assert story.of_rows() == pytest.approx(losses, rel=1e-4), "what is kept of each row"
    assert np.mean(losses[-4:]) < 0.7 * np.mean(losses[:4])
    assert accuracy[-1] >= 0.75 > accuracy[0]
    assert story.measured("eval_loss")[-1] < story.measured("eval_loss")[0]
    assert story.measured("eval_f1")[-1] > story.measured("eval_f1")[0]
    assert "3 classes: 'fogg', 'rain' and 'sunn'" in story.said("decision")
    precision = precision_of(story.run.recipe)
    loaded = load_result(story.run, story.loaded_base(), precision)
    assert torch.equal(logits_of(loaded), logits_of(story.model))
    assert loaded.config.id2label == dict(enumerate(CLASSES))


def test_tokens_are_counted(tiny_encoder, labelled_file, done):
    story = done(tiny_encoder, labelled_file, TASK | {"training.epochs": 1, "training.evaluations": 0})
    tokens = sum(len(example.prompt) + 2 for example in story.run.examples("train"))  # bytes, begin and end
    assert story.measured("num_tokens")[-1] == tokens
    assert all(speed > 0 for speed in story.measured("tokens_per_second"))


def test_a_whole_model_carries_its_classes_and_needs_no_rows(tiny_encoder, labelled_file, done):
    story = done(tiny_encoder, labelled_file, TASK | FULL | {"training.max_steps": 2})
    config = json.loads((story.run.model / "config.json").read_text())
    assert config["id2label"] == {str(number): name for number, name in enumerate(CLASSES)}
    assert saved_classes(story.run.model) == CLASSES
    runner = runner_of(story.run.recipe)
    loaded = runner.load(story.run.model, precision_of(story.run.recipe), None)
    assert runner.labels == CLASSES
    assert runner.new_modules == ()
    assert torch.equal(logits_of(loaded), logits_of(story.model))


@pytest.mark.parametrize(
    ("base", "method"),
    [("tiny_base", {"method.name": "lora", "method.dropout": 0.1}), ("tiny_encoder", FULL)],
    ids=["decoder-lora", "encoder-full"],
    indirect=["base"],
)
def test_stopped_and_resumed_is_the_straight_run(base, labelled_file, method, done):
    changes = TASK | method | {"training.epochs": 2, "training.evaluations": 0}
    straight, resumed = done(base, labelled_file, changes), done(base, labelled_file, changes, stop_after=3)
    assert len(straight.measured("loss")) == 10
    assert resumed.measured("loss") == straight.measured("loss")
    assert torch.equal(logits_of(resumed.model), logits_of(straight.model))


@pytest.mark.parametrize(("method", "rate"), [("qlora", 1e-2), ("freeze", 2e-3)])
def test_other_methods_leave_the_head_whole_and_train_it(base, labelled_file, method, rate, done):
    changes = {"method.name": method, "training.learning_rate": rate, "training.evaluations": 1}
    story = done(base, labelled_file, TASK | changes)
    assert story.run.status() is Status.FINISHED, story.reason
    head = next(
        module
        for name, module in story.model.named_modules()
        if name.endswith(("score", "classifier", "score.modules_to_save.default", "classifier.modules_to_save.default"))
        and isinstance(module, torch.nn.Linear)
        and module.weight.requires_grad
    )
    assert type(head) is torch.nn.Linear
    assert story.measured("eval_loss")[-1] < story.measured("eval_loss")[0]


def test_parts_without_weights_are_saved_with_an_adapter(tiny_encoder, labelled_file, done):
    """A masked language model has no pooler: one drawn anew at each loading would change every answer."""
    story = done(tiny_encoder, labelled_file, TASK | {"training.max_steps": 2})
    saved = load_file(story.run.adapter / "adapter_model.safetensors")
    assert {name for name in saved if "pooler" in name or "classifier" in name} == {
        f"base_model.model.{name}.{kind}" for name in ("bert.pooler.dense", "classifier") for kind in ("weight", "bias")
    }


def test_the_head_begins_as_the_seed_says(tiny_base, labelled_file):
    def head(seed: int) -> torch.Tensor:
        runner = runner_of(recipe_of(tiny_base, labelled_file, TASK | {"training.seed": seed}))
        runner.labels = CLASSES
        return runner.load(tiny_base, precision_of(runner.recipe), None).score.weight

    first, again, other = head(1), head(1), head(2)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_head_over_a_base_in_fewer_bits_is_kept_in_all(tiny_base, labelled_file):
    runner = runner_of(recipe_of(tiny_base, labelled_file, TASK))
    runner.labels = CLASSES
    model = runner.load(tiny_base, Precision(torch.bfloat16, "bf16", "for the test"), None)
    assert model.score.weight.dtype is torch.float32
    assert model.model.layers[0].mlp.up_proj.weight.dtype is torch.bfloat16
    assert logits_of(model).isfinite().all()


def test_a_head_for_the_same_classes_is_kept_and_one_for_others_begins_anew(tiny_encoder, labelled_file, done):
    story = done(tiny_encoder, labelled_file, TASK | FULL | {"training.max_steps": 2})
    trained = story.model.classifier.weight
    precision = precision_of(story.run.recipe)

    def head(labels: tuple[str, ...]) -> torch.Tensor:
        runner = runner_of(story.run.recipe)
        runner.labels = labels
        return runner.load(story.run.model, precision, None).classifier.weight

    assert torch.equal(head(CLASSES[::-1]), trained), "the order is the folder's"
    assert not torch.equal(head(("a", "b", "c")), trained)
    assert head(("a", "b", "c", "d")).shape == (4, trained.shape[1])


def test_balance_weighs_rare_classes_up():
    weights = class_weights([0, 0, 0, 1], 2)
    assert weights.tolist() == pytest.approx([4 / 6, 2.0])
    assert weights @ torch.tensor([3.0, 1.0]) == 4, "all rows together count as much as before"
    assert class_weights([0, 0], 2).isfinite().all()


def test_the_loss_is_the_mean_over_the_rows_and_weighs_and_smooths_as_asked(tiny_base, labelled_file, done):
    changes = {"training.max_steps": 1, "training.batch_size": 36, "training.evaluations": 0}
    first = {}
    for name, extra in {
        "plain": {},
        "parts": {"training.batch_size": 12, "training.gradient_accumulation": 3},
        "balanced": {"task.balance": True},
        "smooth": {"training.label_smoothing": 0.2},
    }.items():
        story = done(tiny_base, labelled_file, TASK | changes | extra)
        first[name] = story.measured("loss")[0]
    assert first["parts"] == pytest.approx(first["plain"], rel=1e-5)
    runner = runner_of(story.run.recipe)
    runner.begin(story.run)
    rows = story.run.examples("train")
    labels = torch.tensor([runner.labels.index(row.completion) for row in rows])
    model = story.loaded_base().eval()
    tokenizer = load_tokenizer(tiny_base)[0]
    batch = tokenizer([row.prompt for row in rows], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**{name: batch[name] for name in ("input_ids", "attention_mask")}).logits
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    assert first["plain"] == pytest.approx(each.mean().item(), rel=1e-4)
    weights = class_weights(labels.tolist(), 3)[labels]
    assert first["balanced"] == pytest.approx((each * weights).mean().item(), rel=1e-4)
    smooth = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2).item()
    assert first["smooth"] == pytest.approx(smooth, rel=1e-4)


def test_long_texts_are_cut_before_their_end_token_and_named(tiny_encoder, tmp_path, done):
    rows = [f"{'very ' * (9 if n == 3 else 1)}long {n},{'ab'[n % 2]}" for n in range(8)]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    changes = {"data.held_out_share": 0, "training.max_length": 32, "training.max_steps": 1}
    story = done(tiny_encoder, path, TASK | changes)
    assert story.said("warning") == ["1 row (4) of the train part cut at 32 tokens: raise the longest row."]


def test_held_out_rows_of_an_unseen_class_are_left_out_and_named(tiny_encoder, labelled_file, tmp_path, done):
    held_out = tmp_path / "held.csv"
    held_out.write_text("text,label\n100 snowy,snow\n101 sunny,sunn\n", "utf-8")
    story = done(tiny_encoder, labelled_file, TASK | {"data.held_out_path": str(held_out), "training.max_steps": 1})
    assert story.run.status() is Status.FINISHED, story.reason
    (warning,) = story.said("warning")
    assert "1 row (1) of the held-out part left out: their class is in no training row" in warning
    assert next(event for event in story.run.events()[0] if event.kind == "started").held_out_rows == 1


def examples(*pairs: tuple[str, str]) -> Examples:
    return Examples.of(Example(row, prompt, completion) for row, (prompt, completion) in enumerate(pairs, 1))


def test_the_classes_are_the_completions_without_blanks_around_them():
    assert classes_of(examples(("a", "yes "), ("b", "no"), ("c", "yes")), 2) == ("no", "yes")


@pytest.mark.parametrize(
    ("rows", "most", "words"),
    [
        ((("a", "one"), ("b", "one")), 9, "All training rows are of one class ('one')"),
        ((("a", "x"), ("b", "y"), ("c", "z")), 2, "3 different texts, such as 'x', and the recipe takes 2 classes"),
        ((("", "plain text"), ("", "another")), 9, "these rows are plain text"),
    ],
)
def test_rows_that_are_no_classes_are_refused(rows, most, words):
    with pytest.raises(StudioError) as caught:
        classes_of(examples(*rows), most)
    assert words in str(caught.value)


def test_a_base_without_a_head_cannot_be_loaded_for_no_classes(tiny_base, labelled_file):
    runner = runner_of(recipe_of(tiny_base, labelled_file, TASK))
    with pytest.raises(StudioError, match="has no classification head yet"):
        runner.load(tiny_base, precision_of(runner.recipe), None)


def test_a_torn_body_is_refused_and_not_made_up(tiny_base, labelled_file, tmp_path):
    folder = Path(shutil.copytree(tiny_base, tmp_path / "torn"))
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    runner = runner_of(recipe_of(folder, labelled_file, TASK))
    runner.labels = CLASSES
    with pytest.raises(StudioError, match=r"not whole: it has no weights for model\.layers\.1\.mlp\.up_proj"):
        runner.load(folder, precision_of(runner.recipe), None)
