"""F18: padding with the end token, and no end token at all. Answers still learn to end, or the run says why not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio.run.directory import Run, Status

pytestmark = pytest.mark.usefixtures("one_thread")

IGNORED = -100
END = 2  # </s> of the tiny base
ANSWERS = ("red", "green and blue")


def base_with(tiny_base: Path, folder: Path, **settings: object) -> Path:
    """A copy of the tiny base whose tokenizer says this; None takes a setting away."""
    shutil.copytree(tiny_base, folder)
    path = folder / "tokenizer_config.json"
    changed = json.loads(path.read_text("utf-8")) | settings
    path.write_text(json.dumps({name: value for name, value in changed.items() if value is not None}), "utf-8")
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    rows = [f"Colour {number}?,{ANSWERS[number % 2]}" for number in range(8)]
    path.write_text("\n".join(["prompt,completion", *rows]) + "\n", "utf-8")
    return path


def trained(make_run, base: Path, pairs: Path, steps: int) -> Run:
    from studio.run.train import train

    training = {"max_steps": steps, "batch_size": 8, "evaluations": 0, "learning_rate": 1e-2}
    options = {f"training.{name}": value for name, value in training.items()}
    run = make_run({"model.id": str(base), "data.path": str(pairs), "data.held_out_share": 0, **options})
    train(run)
    assert run.status() is Status.FINISHED, run.ended()
    return run


@pytest.mark.parametrize("pad", [None, "</s>"], ids=["no padding token", "padding is the end"])
def test_the_end_of_an_answer_is_learned_and_padding_is_not(
    pad: str | None, make_run, tiny_base: Path, pairs: Path, tmp_path: Path, monkeypatch
) -> None:
    from studio.run.tasks import language_modeling

    batches: list[tuple[list[list[int]], list[list[int]], list[list[int]]]] = []

    class Watched(language_modeling.Tuner):
        def compute_loss(self, model, inputs, *rest, **options):
            batches.append(tuple(inputs[name].tolist() for name in ("input_ids", "labels", "attention_mask")))
            return super().compute_loss(model, inputs, *rest, **options)

    monkeypatch.setattr(language_modeling, "Tuner", Watched)
    trained(make_run, base_with(tiny_base, tmp_path / "base", pad_token=pad), pairs, steps=2)
    padded = 0
    for ids, labels, mask in (row for batch in batches for row in zip(*batch, strict=True)):
        length = sum(mask)
        padded += len(ids) - length
        assert (ids[length - 1], labels[length - 1]) == (END, END), "the end of the answer is learned"
        assert set(labels[length:]) <= {IGNORED}, "padding is not, though it is the same token"
    assert padded, "rows of different lengths were padded"


def test_answers_end_by_themselves_where_padding_is_the_end(
    make_run, tiny_base: Path, pairs: Path, tmp_path: Path
) -> None:
    assert_answers_end(trained(make_run, base_with(tiny_base, tmp_path / "base", pad_token=None), pairs, steps=80))


def assert_answers_end(run: Run) -> None:
    """The tuned model ends each answer by itself, prompts of different lengths side by side."""
    from studio.answer.engine import Engine
    from studio.answer.generate import Row, generate
    from studio.answer.prompts import prompt_ids
    from studio.answer.settings import Settings
    from studio.answer.voice import Voice

    (seat,) = Engine().seats([Voice.of_run(str(run.path))])
    prompts = ["Colour 0?", "Colour 1?"]
    rows = [Row(prompt_ids(seat.tokenizer, [{"role": "user", "content": text}]), seat) for text in prompts]
    said: list[list[int]] = [[], []]
    generate(
        rows,
        Settings(max_new_tokens=60),
        lambda step: [said[row].append(token.id) for row, token in step.items()],
        lambda: False,
    )
    for tokens in said:
        assert tokens[-1] == END
        assert len(tokens) < 60


def test_a_base_without_an_end_is_refused_with_what_to_set(make_run, tiny_base: Path, tmp_path: Path) -> None:
    from studio.run.train import train

    run = make_run({"model.id": str(base_with(tiny_base, tmp_path / "base", eos_token=None))})
    train(run)
    assert run.status() is Status.FAILED
    assert "could never learn to stop. Set eos_token in its tokenizer_config.json" in run.ended().message
