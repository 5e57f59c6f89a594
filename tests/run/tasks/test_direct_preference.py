"""Learning which of two answers is preferred: TRL's losses, resumed exactly, on a new adapter and on one there is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

from studio.data.tokens.encode import encode
from studio.data.tokens.encoded import cut_at
from studio.errors import StudioError
from studio.recipe.hardware import Hardware
from studio.recipe.methods.every import METHODS, name_of
from studio.recipe.problems import problems
from studio.run.directory import BEGUN_FROM, Status
from studio.run.history.origin import origin_of
from studio.run.result import load_result
from studio.run.submit import prepare_part, submit
from studio.run.tasks.direct_preference import paired, with_worse_answers
from studio.run.train import precision_of
from tests.run.tasks.conftest import logits_of, recipe_of

TASK = {"task.name": "direct-preference", "training.learning_rate": 3e-3}
FULL = {"method.name": "full", "training.learning_rate": 1e-3}
REWARDS = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")


@pytest.fixture(scope="module")
def votes_file(tmp_path_factory) -> Path:
    """Words over numbers, of which the base knows neither."""
    words = ("one", "two", "three", "four")
    rows = [{"prompt": f"Count {n}", "chosen": words[n % 4] * 2, "rejected": str(n) * 4} for n in range(32)]
    path = tmp_path_factory.mktemp("data") / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def bare_losses(base: Path, run: Any, **options: Any) -> list[float]:
    """The losses of TRL's own trainer over the same rows, with its own tokens and its own reference."""
    rows = Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": each.prompt}],
                "chosen": [{"role": "assistant", "content": each.completion}],
                "rejected": [{"role": "assistant", "content": each.rejected}],
            }
            for each in run.examples("train")
        ]
    )
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    training = run.recipe.training
    arguments = DPOConfig(
        output_dir=str(run.path / "bare"),
        max_steps=5,
        per_device_train_batch_size=8,
        learning_rate=3e-3,
        seed=training.seed,
        lr_scheduler_type=training.schedule,
        warmup_steps=training.warmup,
        max_length=64,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        **options,
    )
    adapter = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear")
    trainer = DPOTrainer(
        model,
        args=arguments,
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(base),
        peft_config=adapter,
    )
    trainer.train()
    return [each["loss"] for each in trainer.state.log_history if "loss" in each]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ({"task.beta": 0.2}, {"beta": 0.2}),
        (
            {"task.loss": "robust", "task.wrong_share": 0.2, "task.sft_share": 0.5},
            {"loss_type": ["robust", "sft"], "loss_weights": [1.0, 0.5], "label_smoothing": 0.2},
        ),
    ],
    ids=["sigmoid", "robust with plain learning"],
)
def test_its_losses_are_those_of_trl(tiny_base, votes_file, task, options, done):
    story = done(tiny_base, votes_file, TASK | task | {"training.max_steps": 5, "training.evaluations": 0})
    assert story.run.status() is Status.FINISHED, story.reason
    assert story.measured("loss") == pytest.approx(bare_losses(tiny_base, story.run, **options), rel=1e-5)


@pytest.mark.parametrize("method", [{"method.name": "lora"}, FULL], ids=["lora", "full"])
def test_it_learns_and_is_loaded_as_it_was(tiny_base, votes_file, method, done):
    story = done(tiny_base, votes_file, TASK | method)
    assert story.run.status() is Status.FINISHED, story.reason
    losses, held_out = story.measured("loss"), story.measured("eval_loss")
    assert losses[0] == pytest.approx(math.log(2), rel=1e-5), "at first the model is its own reference"
    assert story.of_rows() == pytest.approx(losses, rel=1e-4), "what is kept of each pair"
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    assert held_out[-1] < 0.9 * held_out[0]
    margins, told_apart = story.measured("eval_rewards/margins"), story.measured("eval_rewards/accuracies")
    assert margins[0] == pytest.approx(0, abs=1e-5)
    assert margins[-1] > 0.5
    assert told_apart[0] == 0.5, "chance"
    assert told_apart[-1] == 1.0
    assert all(len(story.measured(name)) == len(losses) for name in REWARDS)
    loaded = load_result(story.run, story.loaded_base(), precision_of(story.run.recipe))
    assert torch.equal(logits_of(loaded), logits_of(story.model))


@pytest.mark.parametrize("method", [{"method.name": "lora"}, FULL], ids=["lora", "full"])
def test_stopped_and_resumed_is_the_straight_run(tiny_base, votes_file, method, done):
    changes = TASK | method | {"training.epochs": 2, "training.evaluations": 0, "training.group_by_length": True}
    straight, resumed = done(tiny_base, votes_file, changes), done(tiny_base, votes_file, changes, stop_after=3)
    assert len(straight.measured("loss")) == 6
    assert resumed.measured("loss") == straight.measured("loss")
    assert resumed.measured("rewards/margins") == straight.measured("rewards/margins")


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_learns_it(tiny_base, votes_file, method, done):
    rate = {"training.learning_rate": min(0.1, 3e-3 * method.rate), "training.epochs": 6}
    text = {"method.text": "Count"} if "text" in method.model_fields else {}
    story = done(tiny_base, votes_file, TASK | rate | text | {"method.name": name_of(method)})
    assert story.run.status() is Status.FINISHED, story.reason
    margins = story.measured("eval_rewards/margins")
    assert margins[-1] > max(0, margins[0])
    if method.family != "Soft prompts":
        assert margins[0] == pytest.approx(0, abs=1e-4)
    loaded = load_result(story.run, story.loaded_base(), precision_of(story.run.recipe))
    assert torch.allclose(logits_of(loaded), logits_of(story.model), rtol=1e-4, atol=1e-4)


def test_each_held_out_pair_counts_alike(tiny_base, votes_file, done):
    """Whether the 8 of them come as 5 and 3, or all at once."""
    changes = TASK | {"training.max_steps": 1, "training.evaluations": 1}
    in_two, at_once = (done(tiny_base, votes_file, changes | {"training.batch_size": size}) for size in (5, 8))
    for name in ("eval_logps/chosen", "eval_logps/rejected"):
        assert in_two.measured(name)[0] == pytest.approx(at_once.measured(name)[0], rel=1e-5), "of the base"


def test_the_same_adapter_is_trained_on(tiny_base, votes_file, pairs_file, home, done):
    """A run that taught the task, then the votes on its adapter: one adapter, on the base that it was made for."""
    first = done(tiny_base, pairs_file, {"training.max_steps": 4})
    changes = TASK | {"task.begin_from": first.run.name[-6:]}
    second = done(tiny_base, votes_file, changes)
    assert second.run.status() is Status.FINISHED, second.reason
    assert second.run.recipe.task.begin_from == first.run.name, "named in full"
    assert second.measured("eval_rewards/margins")[0] == pytest.approx(0, abs=1e-4)
    assert second.measured("eval_rewards/accuracies")[0] == 0.5
    assert second.measured("loss")[0] == pytest.approx(math.log(2), rel=1e-4)
    begun = load_result(first.run, first.loaded_base(), precision_of(first.run.recipe))
    result = second.run.adapter
    assert [path.name for path in result.rglob("adapter_config.json")] == ["adapter_config.json"]
    config = json.loads((result / "adapter_config.json").read_text())
    assert Path(config["base_model_name_or_path"]) == tiny_base
    assert config["r"] == 16
    loaded = load_result(second.run, second.loaded_base(), precision_of(second.run.recipe))
    assert torch.equal(logits_of(loaded), logits_of(second.model))
    assert not torch.equal(logits_of(loaded), logits_of(begun))
    origin = origin_of(second.run, second.run.recipe)
    assert (origin.run, origin.how) == (first.run.name, "went on")
    assert (second.run.path / BEGUN_FROM / "adapter_model.safetensors").is_file()


UNFIT = (
    ({"method.rank": 4}, r"Set method\.rank 16, as it was there"),
    ({"method.name": "full"}, "Set .*method.name lora"),
    ({"model.id": "starter"}, "yours is starter"),
    ({"task.begin_from": "nobody"}, "There is no run 'nobody'"),
)


def test_an_adapter_that_does_not_fit_is_refused_in_words(tiny_base, votes_file, pairs_file, home, done):
    first = done(tiny_base, pairs_file, {"training.max_steps": 1, "training.evaluations": 0})
    for changes, words in UNFIT:
        with pytest.raises(StudioError, match=words):
            submit(home, recipe_of(tiny_base, votes_file, TASK | {"task.begin_from": first.run.name} | changes))
    waiting = submit(home, recipe_of(tiny_base, pairs_file, {}))
    with pytest.raises(StudioError, match=rf"no result \(yet\)\. To put a new adapter .* run:{waiting.name}"):
        submit(home, recipe_of(tiny_base, votes_file, TASK | {"task.begin_from": waiting.name}))


def test_rows_without_a_worse_answer_are_refused_in_words(tiny_base, pairs_file, home):
    with pytest.raises(StudioError, match="none that is worse"):
        submit(home, recipe_of(tiny_base, pairs_file, TASK))


def test_other_options_that_say_nothing_are_said(tiny_base, votes_file):
    recipe = recipe_of(tiny_base, votes_file, TASK | {"training.label_smoothing": 0.1, "training.packing": True})
    found = problems(recipe, prepare_part(recipe.data), Hardware(2, 2**33, 2**33))
    said = {problem.option: problem.message for problem in found}
    assert "does not read it" in said["training.label_smoothing"]
    assert "Switch packing off" in said["training.packing"]


def test_the_worse_answer_ends_the_same_conversation(tiny_base, tmp_path):
    """Of rows with a system prompt and earlier turns: both sides share all but the last answer."""
    talk = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hail"},
            {"role": "assistant", "content": "Well met"}, {"role": "user", "content": "Again"}]  # fmt: skip
    row = {"prompt": talk, "chosen": [{"role": "assistant", "content": "And again"}],
           "rejected": [{"role": "assistant", "content": "No"}]}  # fmt: skip
    path = tmp_path / "talks.jsonl"
    path.write_text((json.dumps(row) + "\n") * 1, "utf-8")
    recipe = recipe_of(tiny_base, path, TASK | {"data.held_out_share": 0})
    examples, tokenizer = prepare_part(recipe.data).train, AutoTokenizer.from_pretrained(tiny_base)
    sides = (
        cut_at(encode(side, tokenizer, train_on="last answer"), 500)
        for side in (examples, with_worse_answers(examples))
    )
    (pair,) = paired(*sides).to_pylist()
    asked = tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_dict=False)
    assert pair["prompt_ids"] == asked
    assert tokenizer.decode(pair["chosen_ids"]) == "And again</s>"
    assert tokenizer.decode(pair["rejected_ids"]) == "No</s>"
