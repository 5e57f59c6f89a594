"""The training options on the tiny base: each optimiser learns, and what is asked for has the effect it names."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from transformers.integrations import neftune

from studio.errors import StudioError
from studio.recipe.optimizers import NEEDS_GPU, OPTIMIZERS, state_bytes
from studio.recipe.training import OptimizerName, TrainingPart
from studio.run import train as train_module
from studio.run.arguments import training_arguments
from studio.run.base import choose_precision
from studio.run.directory import Run, Status
from studio.run.tasks import language_modeling
from studio.run.train import train
from tests.tiny_run import one_thread

RATES = {"sgd": 0.3, "lion": 1e-3, "lion-8bit": 1e-3}  # the others want what AdamW wants


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


@pytest.fixture
def done(make_run) -> Callable[..., Run]:
    def make(**training: Any) -> Run:
        run = make_run({f"training.{name}": value for name, value in training.items()} | {"method.rank": 64})
        train(run)
        assert run.status() is Status.FINISHED, run.ended()
        return run

    return make


@pytest.fixture
def trainers(monkeypatch) -> list[Any]:
    """Every trainer that is built, to be looked at afterwards."""
    built, build = [], train_module.build_trainer

    def build_and_keep(*arguments):
        built.append(build(*arguments))
        return built[-1]

    monkeypatch.setattr(train_module, "build_trainer", build_and_keep)
    return built


def series(run: Run, name: str = "loss") -> list[float]:
    return [event.values[name] for event in run.events()[0] if event.kind == "metrics" and name in event.values]


def warnings(run: Run) -> list[str]:
    return [event.message for event in run.events()[0] if event.kind == "warning"]


def test_the_table_has_every_optimizer():
    assert set(OPTIMIZERS) == set(get_args(OptimizerName))
    options = set().union(*(each.takes for each in OPTIMIZERS.values()))
    assert options == {"momentum", "beta1", "beta2", "epsilon"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_learns_and_keeps_as_much_as_is_said(name, done, trainers):
    run = done(optimizer=name, epochs=4, evaluations=0, learning_rate=RATES.get(name, 1e-2), warmup=0.0)
    losses = series(run)
    assert sum(losses[-3:]) < 0.75 * sum(losses[:3])
    (trainer,) = trainers
    moved = [weight for group in trainer.optimizer.param_groups for weight in group["params"]]
    weights = [weight for weight in moved if weight.numel() >= 4096]  # smaller ones stay in 32 bits
    kept = [
        value
        for weight in weights
        for key, value in trainer.optimizer.state[weight].items()
        if torch.is_tensor(value) and value.dim() and "qmap" not in key  # a table that all weights share
    ]
    per_weight = sum(value.nbytes for value in kept) / sum(weight.numel() for weight in weights)
    if name == "adafactor":  # sums over rows and columns: the less the larger the matrix
        assert 0 < per_weight < 0.5
    else:
        assert per_weight == pytest.approx(state_bytes(name, momentum=0.9), rel=0.01)
    assert any("nothing is paged" in words for words in warnings(run)) == (name in NEEDS_GPU)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("option", ["momentum", "beta1", "beta2", "epsilon"])
def test_an_optimizer_reads_the_options_that_it_says_it_takes(name, option, make_recipe, tmp_path):
    """Exactly these differ in the optimiser that is built from the recipe."""

    def built(changes: dict[str, Any]) -> dict[str, Any]:
        recipe = make_recipe({"training.optimizer": name} | changes)
        arguments = training_arguments(recipe, choose_precision("float32"), tmp_path, 18, 0)
        config = language_modeling.sft_config(recipe.training, arguments)
        kind, options = language_modeling.Tuner.get_optimizer_cls_and_kwargs(config)
        optimizer = kind([torch.nn.Parameter(torch.zeros(2, 2))], **options)
        return {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}

    differs = built({}) != built({f"training.{option}": 0.5 if option != "epsilon" else 1e-3})
    assert differs == (option in OPTIMIZERS[name].takes)


def test_beta_2_of_0_is_what_the_authors_took(make_recipe, tmp_path):
    def beta2(name):
        recipe = make_recipe({"training.optimizer": name})
        return training_arguments(recipe, choose_precision("float32"), tmp_path, 18, 0)["adam_beta2"]

    assert (beta2("adamw"), beta2("lion")) == (0.999, 0.99)


def test_label_smoothing_changes_what_is_learned_and_not_what_is_measured(done):
    """The loss is (1 - e) times the likelihood's plus e times the mean over all tokens; checks stay plain."""
    plain, smooth = (done(epochs=1, label_smoothing=share) for share in (0.0, 0.2))
    assert series(smooth)[0] != pytest.approx(series(plain)[0], rel=1e-3)
    assert series(smooth, "eval_loss")[0] == pytest.approx(series(plain, "eval_loss")[0], rel=1e-5)
    assert series(smooth, "eval_loss")[-1] != series(plain, "eval_loss")[-1]


def test_label_smoothing_is_the_formula(monkeypatch, done):
    seen = []

    class Spy(language_modeling.Tuner):
        def compute_loss(self, model, inputs, *rest, **options):
            kept = {name: inputs[name].clone() for name in ("input_ids", "attention_mask", "labels")}
            loss = super().compute_loss(model, inputs, *rest, **options)
            with torch.no_grad():
                logits = model(input_ids=kept["input_ids"], attention_mask=kept["attention_mask"]).logits
            seen.append((loss.item(), logits[:, :-1].log_softmax(-1), kept["labels"][:, 1:]))
            return loss

    monkeypatch.setattr(language_modeling, "Tuner", Spy)
    done(epochs=1, max_steps=1, label_smoothing=0.2, evaluations=0)
    ((loss, likely, labels),) = seen
    learned = labels != -100
    right = likely[learned].gather(-1, labels[learned][:, None]).mean()
    assert loss == pytest.approx(-(0.8 * right + 0.2 * likely[learned].mean()).item(), rel=1e-5)


def test_dynamic_fine_tuning_weighs_tokens_by_their_likelihood_and_is_measured_plainly(done):
    plain, dynamic = (done(epochs=1, loss_type=kind) for kind in ("nll", "dft"))
    assert series(dynamic)[0] < 0.5 * series(plain)[0]  # each token's loss times its likelihood
    assert series(dynamic, "eval_loss")[0] == pytest.approx(series(plain, "eval_loss")[0], rel=1e-5)


def test_noise_is_in_training_alone(done, trainers, monkeypatch):
    noises, hook = [], neftune.neftune_post_forward_hook

    def spy(module, inputs, output):
        noisy = hook(module, inputs, output)
        noises.append((module.training, (noisy - output).abs().max().item(), 5 / (output[0].numel() ** 0.5)))
        return noisy

    monkeypatch.setattr(neftune, "neftune_post_forward_hook", spy)
    run = done(epochs=1, neftune=5)
    assert {training for training, *_ in noises} == {True, False}
    for training, largest, bound in noises:
        assert (0.8 * bound < largest <= bound * 1.001) if training else largest == 0
    assert series(run, "eval_loss")[0] == series(done(epochs=1), "eval_loss")[0]
    embeddings = trainers[0].model.get_input_embeddings()
    assert spy not in embeddings._forward_hooks.values()


def test_rows_of_like_length_are_batched(make_run, trainers, tmp_path):
    path = tmp_path / "lengths.csv"
    rows = [f"Say {'a' * (n % 16)}?,{n}" for n in range(64)]
    path.write_text("\n".join(["prompt,completion", *rows]) + "\n", "utf-8")

    def padding(grouped: bool) -> int:
        changes = {"data.path": str(path), "data.held_out_share": 0, "training.batch_size": 4, "training.max_steps": 1}
        train(make_run(changes | {"training.group_by_length": grouped}))
        batches = [batch["attention_mask"] for batch in trainers[-1].get_train_dataloader()]
        assert sum(len(batch) for batch in batches) == 64
        if grouped:  # the longest first, so that too little memory shows at once
            assert batches[0].shape[1] == max(batch.shape[1] for batch in batches)
        return sum(int((batch == 0).sum()) for batch in batches)

    assert padding(grouped=True) < 0.3 * padding(grouped=False)


@pytest.mark.parametrize(
    "changes", [{"early_stopping": 2}, {"keep_best": True}, {"schedule": "reduce_lr_on_plateau"}], ids=str
)
@pytest.mark.parametrize(("held_out", "evaluations"), [(0, 4), (6, 0)])
def test_what_goes_by_the_held_out_loss_needs_one(changes, held_out, evaluations, make_recipe, tmp_path):
    training = {f"training.{name}": value for name, value in (changes | {"evaluations": evaluations}).items()}
    with pytest.raises(StudioError, match="Hold some rows out"):
        training_arguments(make_recipe(training), choose_precision("float32"), tmp_path, 18, held_out)


def test_the_rate_is_halved_on_a_plateau(done):
    run = done(epochs=6, schedule="reduce_lr_on_plateau", plateau_patience=0, evaluations=9, learning_rate=0.05)
    rates = series(run, "learning_rate")
    halvings = sum(after == before / 2 for before, after in itertools.pairwise(rates))
    assert rates[0] == 0.05
    assert halvings >= 1
    assert len(set(rates)) == halvings + 1


def test_every_option_says_what_it_is():
    for name, field in TrainingPart.model_fields.items():
        extra = field.json_schema_extra
        assert len(extra["what"].split(". ")) >= 2, name
        assert len(field.description) < 260, name
