"""Packed rows: as few as they can be, nothing lost, and each row sees only itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from peft import PromptTuningConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from studio.errors import StudioError
from studio.run.directory import Run, Status
from studio.run.packing import keep_apart
from studio.run.tasks import language_modeling
from studio.run.train import train
from tests.tiny_run import one_thread

ROOM = 96


@pytest.fixture(autouse=True, scope="module")
def quick():
    with one_thread():
        yield


@pytest.fixture
def batches(monkeypatch) -> list[dict[str, Any]]:
    """What the trainer's loss was given, and the loss, of training steps alone."""
    seen = []

    class Spy(language_modeling.Tuner):
        def compute_loss(self, model, inputs, *rest, **options):
            kept = {name: value.clone() for name, value in inputs.items() if torch.is_tensor(value)}
            loss = super().compute_loss(model, inputs, *rest, **options)
            if model.training:
                seen.append(kept | {"loss": loss.item(), "model": model})
            return loss

    monkeypatch.setattr(language_modeling, "Tuner", Spy)
    return seen


@pytest.fixture
def done(make_run, tmp_path) -> Callable[..., Run]:
    path = tmp_path / "lengths.csv"
    rows = [f"Say {'ab' * (n % 11)}?,{'yes ' * (n % 5 + 1)}" for n in range(40)]
    path.write_text("\n".join(["prompt,completion", *rows]) + "\n", "utf-8")

    def make(**training: Any) -> Run:
        options = {"max_length": ROOM, "epochs": 1, "batch_size": 2, "learning_rate": 1e-6} | training
        changes = {f"training.{name}": value for name, value in options.items()} | {"data.path": str(path)}
        run = make_run(changes)
        train(run)
        assert run.status() is Status.FINISHED, run.ended()
        return run

    return make


def rows_in(batch: dict[str, Any]) -> list[tuple[list[int], list[int]]]:
    """Ids and labels of each row, taken out of the flat batch by its position ids."""
    starts = [*torch.nonzero(batch["position_ids"][0] == 0).flatten().tolist(), batch["input_ids"].shape[1]]
    spans = [slice(start, end) for start, end in pairwise(starts)]
    return [(batch["input_ids"][0, span].tolist(), batch["labels"][0, span].tolist()) for span in spans]


def test_every_row_is_there_once_in_few_packed_rows(done, batches):
    run = done(packing=True)
    packed = [row for batch in batches for row in rows_in(batch)]
    (started,) = [event for event in run.events()[0] if event.kind == "started"]
    batches.clear()
    done()
    alone = [
        (ids[mask.bool()].tolist(), labels[mask.bool()].tolist())
        for batch in batches
        for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True)
    ]
    assert Counter(tuple(ids) for ids, _ in packed) == Counter(tuple(ids) for ids, _ in alone)
    learned = Counter((tuple(ids[1:]), tuple(labels[1:])) for ids, labels in packed)  # nothing predicts a first token
    assert learned == Counter((tuple(ids[1:]), tuple(labels[1:])) for ids, labels in alone)
    tokens = sum(len(ids) for ids, _ in packed)
    assert -(-tokens // ROOM) <= started.rows <= 1.1 * tokens / ROOM + 1
    assert started.steps == -(-started.rows // 2)
    (decided,) = [event for event in run.events()[0] if event.kind == "decision" and "packed into" in event.choice]
    assert f"{tokens:,} tokens" in decided.reason


def test_the_loss_of_a_packed_batch_is_that_of_its_rows_alone(done, batches):
    done(packing=True, max_steps=1)
    (batch,) = batches
    rows, model = rows_in(batch), batch["model"].eval()
    total, count = 0.0, 0
    for ids, labels in rows:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, :-1]
        wanted = torch.tensor(labels[1:])
        total += torch.nn.functional.cross_entropy(logits, wanted, ignore_index=-100, reduction="sum").item()
        count += int((wanted != -100).sum())
    assert len(rows) >= 4
    assert batch["loss"] == pytest.approx(total / count, rel=1e-4)


def test_held_out_rows_are_measured_as_without_packing(done):
    def before_training(**options: Any) -> float:
        events = done(max_steps=1, evaluations=1, **options).events()[0]
        return next(event.values["eval_loss"] for event in events if event.kind == "metrics" and not event.step)

    assert before_training(packing=True) == pytest.approx(before_training(), rel=1e-4)


def llama(**options: Any) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        initializer_range=0.3,
        **options,
    )
    return LlamaForCausalLM(config)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_model_of_attention_alone_keeps_rows_apart(attention):
    keep_apart(llama(attn_implementation=attention))


def test_a_model_that_mixes_rows_is_refused():
    model = llama()

    def leak(module, inputs, output):  # as a convolution over neighbouring tokens does
        return output + 0.1 * output.roll(1, dims=1).cumsum(1)

    model.model.layers[0].register_forward_hook(leak)
    with pytest.raises(StudioError, match="would see each other"):
        keep_apart(model)
    assert model.training


def test_soft_prompts_are_refused_with_packing():
    model = get_peft_model(llama(), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3))
    with pytest.raises(StudioError, match="Switch packing off"):
        keep_apart(model)
