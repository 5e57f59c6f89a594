"""The result of every method answers through the engine as a fresh load of it does, token by token."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from studio.answer.engine import Engine
from studio.answer.generate import Row
from studio.answer.prompts import prompt_ids
from studio.answer.voice import BASE
from studio.recipe.methods.every import METHODS, name_of
from studio.run.directory import Run
from tests.answer.results import CHECKPOINT, answers, freshly_loaded, made, step_by_step, voice_of
from tests.tiny_run import make_tokenizer

NAMES = [name_of(method) for method in METHODS]
TOKENS = 24
KINDS = ["lora", "rslora", "dora", "vera", "qlora", "ia3", "oft", "prompt-tuning", "prefix-tuning", "full"]


def asked(text: str) -> list[int]:
    return prompt_ids(make_tokenizer(), [{"role": "user", "content": text}])


LONG, SHORT = asked("Tell me of the heron and the miller."), asked("Hi.")


@pytest.fixture(scope="module")
def of_base(base: Path) -> list[int]:
    return step_by_step(AutoModelForCausalLM.from_pretrained(base).eval(), LONG, TOKENS)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """One for all methods, so that each finds what others left in memory."""
    return Engine()


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_as_a_fresh_load_of_it(name: str, engine: Engine, base: Path, of_base, result_of) -> None:
    run = result_of(name)
    plain, result, checkpoint = engine.seats([voice_of(run, BASE), voice_of(run), voice_of(run, CHECKPOINT)])
    fresh = freshly_loaded(run, base)
    tuned = step_by_step(fresh, LONG, TOKENS)
    together = answers([Row(LONG, plain), Row(LONG, result), Row(SHORT, result), Row(LONG, checkpoint)], TOKENS)
    assert together[1] == tuned
    assert together[2] == step_by_step(fresh, SHORT, TOKENS), "padding changes nothing"
    assert together[0] != together[1], "the random numbers change what is said"
    assert together[3] == tuned, "the checkpoint holds the same numbers"
    if run.recipe.method.quantization(torch.float32) is None:
        assert together[0] == of_base
    assert answers([Row(LONG, result)], TOKENS) == [tuned]


def test_many_kinds_answer_one_question_from_one_copy_of_the_base(base: Path, of_base, result_of) -> None:
    engine, notes = Engine(), list[str]()
    runs = [result_of(name) for name in KINDS]
    seats = engine.seats([voice_of(runs[0], BASE), *map(voice_of, runs)], notes.append)
    fresh = [step_by_step(freshly_loaded(run, base), LONG, TOKENS) for run in runs]
    assert answers([Row(LONG, seat) for seat in seats], TOKENS) == [of_base, *fresh]
    assert sum("Loading the base" in note for note in notes) == 2, "the one in 4 bits is another"
    assert len({seat.together for seat in seats[:3]}) == 1, "base, LoRA and rsLoRA share a pass"
    assert len({seat.together for seat in seats}) == len(KINDS) - 1
    weights = {each.data_ptr() for each in seats[0].model().parameters()}
    for name, seat in zip(KINDS, seats[1:], strict=True):
        of_seat = {each.data_ptr() for each in seat.model().parameters()}
        assert (weights <= of_seat) is (name not in ("qlora", "full")), name


@pytest.mark.parametrize("room", [True, False], ids=["side by side", "in turn"])
def test_a_whole_model_and_its_base(room: bool, base: Path, of_base, result_of, monkeypatch) -> None:
    monkeypatch.setattr("studio.answer.memory.fits", lambda folder: room)
    engine, notes, run = Engine(), list[str](), result_of("full")
    tuned = step_by_step(freshly_loaded(run, base), LONG, TOKENS)
    for _ in range(2):
        seats = engine.seats([voice_of(run, BASE), voice_of(run)], notes.append)
        assert answers([Row(LONG, seat) for seat in seats], TOKENS) == [of_base, tuned]
    loads = [note.split()[2] for note in notes if note.startswith("Loading")]
    assert loads == (["base", "model"] if room else ["base", "model", "base"]), "the one in memory answers first"
    assert any("in turn" in note for note in notes) is not room
    assert len(engine._memory.models) == (2 if room else 1)


def test_adapters_keep_their_base_where_a_whole_model_waits_for_its_turn(base, of_base, result_of, monkeypatch) -> None:
    monkeypatch.setattr("studio.answer.memory.fits", lambda folder: False)
    engine, lora, full = Engine(), result_of("lora"), result_of("full")
    expected = [of_base, *(step_by_step(freshly_loaded(run, base), LONG, TOKENS) for run in (lora, full))]
    engine.seats([voice_of(full)])
    for _ in range(2):
        seats = engine.seats([voice_of(lora, BASE), voice_of(lora), voice_of(full)])
        assert [seat.in_turn for seat in seats] == [False, False, True]
        assert answers([Row(LONG, seat) for seat in seats], TOKENS) == expected


def test_a_changed_result_is_loaded_anew_and_an_adapter_shares_the_base(run: Run, base: Path, tmp_path: Path) -> None:
    engine, notes = Engine(), list[str]()
    full = made(tmp_path / "full", base, "full")
    first = answers(
        [Row(LONG, seat) for seat in engine.seats([voice_of(full, BASE), voice_of(full)], notes.append)], 24
    )
    (plain,) = engine.seats([voice_of(run, BASE)], notes.append)
    assert answers([Row(LONG, plain)], TOKENS) == first[:1]
    again = made(tmp_path / "again", base, "full", seed=2)
    full.model.rename(tmp_path / "old")
    again.model.rename(full.model)
    (changed,) = engine.seats([voice_of(full)], notes.append)
    assert answers([Row(LONG, changed)], TOKENS) != first[1:]
    assert sum("Loading the base" in note for note in notes) == 1
