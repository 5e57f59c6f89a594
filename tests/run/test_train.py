"""The one training loop, done on the tiny base: what it leaves, what moved, and how it ends when things go wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from studio.errors import StudioError
from studio.recipe.recipe import TrainingPart
from studio.run import train as train_module
from studio.run.arguments import training_arguments
from studio.run.base import choose_precision
from studio.run.directory import Run, Status
from studio.run.ending import explain
from studio.run.events import EventWriter
from studio.run.launchers import ThreadLauncher
from studio.run.steps import steps_of
from studio.run.tasks import language_modeling
from studio.run.tasks.language_modeling import LanguageModelingRunner
from studio.run.train import callbacks_of
from studio.run.wish import Wish
from tests.tiny_run import make_tokenizer, one_thread


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


@pytest.fixture
def done(make_run) -> Callable[..., Run]:
    """`done({"training.epochs": 1})`: a run that has been trained by the thread launcher."""

    def make(changes: dict[str, object] | None = None) -> Run:
        run, launcher = make_run(changes), ThreadLauncher()
        launcher.start(run)
        while launcher.busy():
            launcher._thread.join(0.05)
        return run

    return make


@pytest.fixture
def bases(monkeypatch) -> list:
    """Every base model that is loaded for training, to be looked at afterwards."""
    loaded, load = [], language_modeling.load_model

    def load_and_keep(*arguments):
        loaded.append(load(*arguments))
        return loaded[-1]

    monkeypatch.setattr(language_modeling, "load_model", load_and_keep)
    return loaded


def config_of(recipe, precision, folder, rows, held_out_rows):
    """TRL's configuration as a run makes it."""
    arguments = training_arguments(recipe, precision, folder, rows, held_out_rows)
    return language_modeling.sft_config(recipe.training, arguments)


def events(run: Run, kind: str) -> list:
    return [event for event in run.events()[0] if event.kind == kind]


def series(run: Run, name: str) -> list[float]:
    return [event.values[name] for event in events(run, "metrics") if name in event.values]


def adapter_weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.adapter / "adapter_model.safetensors")


def test_a_whole_run(done, bases, tiny_base):
    files = {path.name: path.read_bytes() for path in tiny_base.iterdir()}
    before = load_file(tiny_base / "model.safetensors")
    run = done({"training.epochs": 4})
    assert run.status() is Status.FINISHED, run.ended()

    # what it leaves
    assert {path.name for path in run.path.iterdir()} - {"checkpoints"} == {
        "recipe.yaml", "data", "process.json", "events.jsonl", "adapter", "row_losses-0.records",
    }  # fmt: skip
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "recipe.yaml"} <= {
        path.name for path in run.adapter.iterdir()
    }
    assert (run.adapter / "recipe.yaml").read_bytes() == (run.path / "recipe.yaml").read_bytes()
    assert not list(run.adapter.glob("*.bin"))
    assert run.ended().folder == "adapter"
    assert run.ended().seconds > 0
    assert run.ended().step == 12

    # what moved: the adapter, and nothing else
    assert {path.name: path.read_bytes() for path in tiny_base.iterdir()} == files
    after = {name.replace(".base_layer", ""): value for name, value in bases[0].state_dict().items()}
    for name, value in before.items():
        assert torch.equal(after[name], value), name
    weights = adapter_weights(run)
    assert all("lora_" in name for name in weights)
    assert sum("lora_B" in name for name in weights) == 2 * 7
    assert all(value.abs().max() > 0 for name, value in weights.items() if "lora_B" in name)

    # what it said on the way
    assert [event.phase for event in events(run, "phase")] == ["loading", "preparing", "training", "saving"]
    (started,) = events(run, "started")
    assert (started.steps, started.rows, started.held_out_rows, started.epochs) == (12, 18, 6, 4)
    assert started.trainable_parameters == sum(value.numel() for value in weights.values())
    assert started.parameters - started.trainable_parameters == sum(value.numel() for value in before.values())
    losses = series(run, "loss")
    assert len(losses) == 12
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    steps = [event.step for event in events(run, "metrics") if "loss" in event.values]
    assert steps == list(range(1, 13))
    assert all(rate > 0 for rate in series(run, "tokens_per_second"))
    assert len(series(run, "tokens_per_second")) == len(series(run, "learning_rate")) == 12
    held_out = series(run, "eval_loss")
    assert held_out[-1] < held_out[0]
    assert json.loads(run.owner_path.read_text())["versions"]["trl"]


def test_qlora_trains_over_a_base_in_four_bits(done, bases):
    run = done({"method.name": "qlora", "training.epochs": 4})
    assert run.status() is Status.FINISHED, run.ended()
    assert bases[0].is_loaded_in_4bit
    assert "Linear4bit" in {type(module).__name__ for module in bases[0].modules()}
    losses = series(run, "loss")
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    assert all(value.abs().max() > 0 for name, value in adapter_weights(run).items() if "lora_B" in name)


def test_the_same_seed_repeats_the_run_and_another_does_not(done, monkeypatch):
    quick = {"training.epochs": 1, "method.dropout": 0.1, "training.evaluations": 0}
    torch.manual_seed(1)
    first = done(quick)
    torch.manual_seed(2)  # what the process did before must not matter
    second = done(quick)
    other = done(quick | {"training.seed": 7})
    assert series(first, "loss") == series(second, "loss") != series(other, "loss")
    path = Path("adapter", "adapter_model.safetensors")
    assert (first.path / path).read_bytes() == (second.path / path).read_bytes() != (other.path / path).read_bytes()
    assert (first.path / "adapter/adapter_config.json").read_bytes() == (
        second.path / "adapter/adapter_config.json"
    ).read_bytes()


def test_gradient_checkpointing_and_accumulation_change_the_memory_and_not_the_losses(done):
    plain = done({"training.epochs": 1, "training.batch_size": 6})
    checkpointed = done({"training.epochs": 1, "training.batch_size": 6, "training.gradient_checkpointing": True})
    accumulated = done({"training.epochs": 1, "training.batch_size": 3, "training.gradient_accumulation": 2})
    for run in (checkpointed, accumulated):
        assert run.status() is Status.FINISHED, run.ended()
        assert series(run, "loss") == pytest.approx(series(plain, "loss"), rel=1e-3)


def test_the_loss_is_on_the_completion_only(done, monkeypatch):
    seen = []

    class Spy(language_modeling.Tuner):
        def compute_loss(self, model, inputs, *rest, **options):
            seen.append({name: inputs[name].clone() for name in ("input_ids", "labels")})
            return super().compute_loss(model, inputs, *rest, **options)

    monkeypatch.setattr(language_modeling, "Tuner", Spy)
    done({"training.epochs": 1, "training.evaluations": 0})
    tokenizer = make_tokenizer()
    learned = set()
    for batch in seen:
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            kept = labels != -100
            assert torch.equal(ids[kept], labels[kept])
            learned.add(tokenizer.decode(labels[kept]))
            assert "Colour" in tokenizer.decode(ids[~kept])
    assert learned <= {f"{colour}</s>" for colour in ("red", "green", "blue", "white")}
    assert len(seen) == 3


class StopAt(TrainerCallback):
    """Makes the run's stop file while a given step is being done."""

    def __init__(self, run: Run, step: int) -> None:
        self.run, self.step = run, step

    def on_step_begin(self, args, state, control, **_):
        if state.global_step + 1 == self.step:
            self.run.ask(Wish.STOP)


def callbacks_too(monkeypatch, make: Callable[[Run], TrainerCallback]) -> None:
    build = train_module.build_trainer

    def build_and_add(run, *rest):
        trainer = build(run, *rest)
        trainer.add_callback(make(run))
        return trainer

    monkeypatch.setattr(train_module, "build_trainer", build_and_add)


def test_stop_ends_it_at_that_step_and_keeps_what_was_learned(done, monkeypatch):
    callbacks_too(monkeypatch, lambda run: StopAt(run, 4))
    run = done({"training.epochs": 10})
    assert run.status() is Status.STOPPED
    assert len(series(run, "loss")) == 4
    assert run.ended().step == 4
    assert run.ended().message == "Stopped at step 4 of 30; what was learned is kept."
    assert any(value.abs().max() > 0 for name, value in adapter_weights(run).items() if "lora_B" in name)


def test_stop_at_the_very_last_step_is_a_finished_run(done, monkeypatch):
    callbacks_too(monkeypatch, lambda run: StopAt(run, 3))
    run = done({"training.epochs": 1})
    assert run.status() is Status.FINISHED


def test_stop_before_the_first_step(make_run):
    run = make_run()
    run.ask(Wish.STOP)
    train_module.train(run)
    assert run.status() is Status.STOPPED
    assert not run.adapter.exists()
    assert "nothing was learned" in run.ended().message


def test_a_loss_that_is_no_number_is_a_failure_and_never_a_zero(done, monkeypatch):
    class Poisoned(language_modeling.Tuner):
        def compute_loss(self, *arguments, **options):
            loss = super().compute_loss(*arguments, **options)
            return loss * math.nan if self.state.global_step == 2 else loss

    monkeypatch.setattr(language_modeling, "Tuner", Poisoned)
    run = done({"training.epochs": 4, "training.evaluations": 0})
    assert run.status() is Status.FAILED
    losses = series(run, "loss")
    assert len(losses) == 3
    assert math.isnan(losses[-1])
    assert all(loss > 0 for loss in losses[:2])
    assert not run.adapter.exists()
    assert "no longer a number at step 3" in run.ended().message
    assert "Lower the learning rate" in run.ended().message


def test_weights_that_are_no_numbers_are_never_kept(done, monkeypatch):
    """The last step can spoil them while its loss, measured before, was fine."""

    class Spoiler(language_modeling.Tuner):
        def training_step(self, model, *rest, **options):
            loss = super().training_step(model, *rest, **options)
            if self.state.global_step == 2:
                for weight in model.parameters():
                    if weight.grad is not None:
                        weight.grad.fill_(math.nan)
            return loss

    monkeypatch.setattr(language_modeling, "Tuner", Spoiler)
    run = done({"training.epochs": 1, "training.evaluations": 0})
    assert run.status() is Status.FAILED
    assert not run.adapter.exists()
    assert "no longer a number at step 3" in run.ended().message


def test_rows_that_are_all_too_long_are_said(done, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("prompt,completion\n" + "".join(f"{'many words ' * 9}{n},{n}\n" for n in range(6)), "utf-8")
    run = done({"data.path": str(path), "training.max_length": 32})
    assert run.status() is Status.FAILED
    assert "No training row is left" in run.ended().message
    assert "(32 tokens). Raise the longest row." in run.ended().message
    assert "5 rows (" in events(run, "warning")[0].message or "4 rows (" in events(run, "warning")[0].message


def test_rows_that_are_cut_or_left_out_are_named(done, tmp_path):
    path = tmp_path / "mixed.csv"
    rows = ["a,b", "c,d", f"e,{'long answer ' * 9}", f"{'long prompt ' * 9},f", "g,h"]
    path.write_text("\n".join(["prompt,completion", *rows]) + "\n", "utf-8")
    run = done({"data.path": str(path), "data.held_out_share": 0, "training.max_length": 48, "training.epochs": 1})
    assert run.status() is Status.FINISHED, run.ended()
    cut, left_out = (event.message for event in events(run, "warning"))
    assert "1 row (3) of the train part cut at 48 tokens" in cut
    assert "1 row (4) of the train part left out" in left_out
    assert events(run, "started")[0].rows == 4


@pytest.mark.parametrize(("steps", "asked"), [(5, 2), (11, 4), (15, 8), (60, 8), (23, 8), (12, 100), (12, 1), (100, 3)])
def test_the_held_out_loss_is_measured_about_as_often_as_asked(steps, asked, make_recipe):
    recipe = make_recipe({"training.max_steps": steps, "training.evaluations": asked})
    config = config_of(recipe, choose_precision("float32"), Path("x"), 18, 6)
    measured = steps // int(config.eval_steps)
    assert 0.65 * min(asked, steps) <= measured <= 1.5 * asked
    assert config.eval_on_start


def test_held_out_losses_arrive_as_asked_and_never_where_not(done):
    run = done({"training.epochs": 2, "training.evaluations": 3, "training.evaluation_rows": 4})
    steps = [event.step for event in events(run, "metrics") if "eval_loss" in event.values]
    assert steps == [0, 2, 4, 6]
    assert any("first 4 rows" in event.choice for event in events(run, "decision"))
    assert events(run, "started")[0].held_out_rows == 4
    none = done({"training.epochs": 1, "training.evaluations": 0})
    assert series(none, "eval_loss") == []
    assert none.status() is Status.FINISHED


def test_the_last_step_is_measured_on_the_held_out_rows(done):
    run = done({"training.max_steps": 5, "training.evaluations": 2})
    steps = [event.step for event in events(run, "metrics") if "eval_loss" in event.values]
    assert steps[-1] == 5
    assert len(steps) == len(set(steps))


def test_a_run_is_done_once(make_run):
    run = make_run({"training.max_steps": 1})
    train_module.train(run)
    before = run.events_path.read_bytes()
    with pytest.raises(StudioError, match="already started"):
        train_module.train(run)
    assert run.events_path.read_bytes() == before


def test_an_error_that_nobody_expected_is_a_failed_run_with_words(make_run, monkeypatch):
    def broken(*_):
        raise RuntimeError("sorcery" * 200)

    monkeypatch.setattr(train_module, "build_trainer", broken)
    run = make_run()
    train_module.train(run)
    assert run.status() is Status.FAILED
    assert "RuntimeError: sorcery" in run.ended().message
    assert len(run.ended().message) < 600


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StudioError("a", "b"), "a\nb"),
        (torch.OutOfMemoryError("CUDA out of memory"), "Lower the batch size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "Lower the batch size"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_errors_are_explained(error, words):
    assert words in explain(error)


@pytest.mark.parametrize("rows", [1, 5, 18, 37])
@pytest.mark.parametrize("epochs", [0.1, 0.5, 1, 1.1, 2.3, 3])
@pytest.mark.parametrize(("batch", "accumulation"), [(1, 1), (4, 1), (4, 3), (8, 16)])
def test_steps_are_counted_as_the_trainer_counts_them(rows, epochs, batch, accumulation, make_recipe):
    changes = {"training.epochs": epochs, "training.batch_size": batch, "training.gradient_accumulation": accumulation}
    batches = math.ceil(rows / batch)
    per_epoch = max(batches // accumulation + (batches % accumulation > 0), 1)  # as transformers has it
    assert steps_of(make_recipe(changes).training, rows) == math.ceil(epochs * per_epoch)


OTHER = {
    "learning_rate": 0.05, "epochs": 5.0, "max_steps": 3, "batch_size": 2, "gradient_accumulation": 4, "warmup": 0.3,
    "schedule": "linear", "max_length": 30, "weight_decay": 0.1, "max_grad_norm": 2.0, "seed": 7,
    "precision": "bfloat16", "gradient_checkpointing": True, "evaluations": 5, "evaluation_rows": 3,
    "save_steps": 7, "saves_kept": 5, "warmup_steps": 2, "schedule_floor": 0.3, "schedule_cycles": 5,
    "schedule_power": 3.0, "schedule_decay": 0.5, "plateau_patience": 4, "optimizer": "lion", "momentum": 0.5,
    "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-6, "neftune": 5.0, "label_smoothing": 0.1, "loss_type": "dft",
    "early_stopping": 3, "smallest_improvement": 0.01, "keep_best": True, "packing": True, "group_by_length": True,
    "tracker": "tensorboard",
}  # fmt: skip
WHERE = {
    # option: what else is set where it is looked at
    "schedule_floor": {"schedule": "polynomial"}, "schedule_cycles": {"schedule": "cosine_with_restarts"},
    "schedule_power": {"schedule": "polynomial"}, "schedule_decay": {"schedule": "warmup_stable_decay"},
    "plateau_patience": {"schedule": "reduce_lr_on_plateau"}, "momentum": {"optimizer": "sgd"},
    "smallest_improvement": {"early_stopping": 2},
}  # fmt: skip


@pytest.mark.parametrize("field", TrainingPart.model_fields)
def test_no_option_goes_unread(field, make_run, tmp_path, monkeypatch):
    """An option that changes neither TRL's configuration nor the rows nor the precision does nothing at all."""

    def asked_of_the_trainer(run: Run) -> object:
        recipe, tokenizer = run.recipe, make_tokenizer()
        with EventWriter(tmp_path / "events.jsonl") as writer:
            runner = LanguageModelingRunner(recipe)
            parts = [runner.rows(run, part, tokenizer, writer).dataset for part in ("train", "held_out")]
        rows = [(part["input_ids"][:], part["labels"][:]) for part in parts]
        precision = choose_precision(recipe.training.precision)
        config = config_of(recipe, precision, tmp_path, len(rows[0][0]), len(rows[1][0]))
        called = [vars(callback) | {"_run": None} for callback in callbacks_of(run, recipe)]
        return (
            (rows, called),
            precision,
            {name: value for name, value in vars(config).items() if not name.startswith("_")},
        )

    assert field in OTHER, "say here what else this option can be"
    monkeypatch.setattr("studio.recipe.trackers.find_spec", lambda package: package)  # as if all were installed
    there = {f"training.{name}": value for name, value in WHERE.get(field, {}).items()}
    usual, changed = make_run(there), make_run(there | {f"training.{field}": OTHER[field]})
    before, after = asked_of_the_trainer(usual), asked_of_the_trainer(changed)
    if field in {"max_length", "packing"}:  # TRL's own is not looked at where the rows are ready
        assert before[0][0] != after[0][0]
    differing = {name for name in before[2] if str(before[2][name]) != str(after[2][name])}
    assert before[:2] != after[:2] or differing - {"_n_gpu", "logging_dir", "run_name"}


def test_warm_up_is_a_share_of_the_steps(make_recipe):
    config = config_of(make_recipe({"training.warmup": 0.25}), choose_precision("float32"), Path("x"), 18, 6)
    assert config.get_warmup_steps(40) == 10
    assert (
        config_of(make_recipe({"training.warmup": 0}), choose_precision("float32"), Path("x"), 18, 6).get_warmup_steps(
            40
        )
        == 0
    )


def test_a_run_asks_nobody(make_recipe):
    config = config_of(make_recipe(), choose_precision("float32"), Path("x"), 18, 6)
    assert config.report_to in ([], ["none"], "none")
    assert not config.push_to_hub
    assert config.save_strategy == "no"
    assert config.logging_nan_inf_filter is False
