"""What was learned, turned up and down: W₀ + s·(W - W₀), against the same sum over merged weights."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from studio.answer.engine import Engine
from studio.answer.generate import Row
from studio.answer.strength import dial_of
from studio.answer.voice import BASE
from studio.errors import StudioError
from studio.recipe.methods.every import METHODS, name_of
from tests.answer.results import answers, freshly_loaded, logits, made, step_by_step, voice_of

NAMES = [name_of(method) for method in METHODS]
FIXED = ["prompt-tuning", "p-tuning", "prefix-tuning", "oft", "boft"]
SUMS = ["lora", "rslora", "dora", "vera", "adalora", "ia3", "trainable-tokens", "peanut", "delta-lora", "full"]
IDS = [1, *range(3, 40)]  # with a token of the template, which trainable tokens move


@pytest.fixture(scope="module")
def engine():
    return Engine()


def between(run, base, strength):
    """The model whose every weight is so far from the base's to the tuned one's."""
    model, tuned = AutoModelForCausalLM.from_pretrained(base).eval(), freshly_loaded(run, base)
    learned = dict((tuned.merge_and_unload() if hasattr(tuned, "merge_and_unload") else tuned).named_parameters())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(weight + strength * (learned[name] - weight))
    return model


@pytest.mark.parametrize("name", SUMS)
def test_between_base_and_result_and_beyond(name, engine, base, result_of):
    run = result_of(name)
    for strength in (0.4, 1.3):
        (seat,) = engine.seats([voice_of(run, strength=strength)])
        expected = logits(between(run, base, strength), IDS)
        torch.testing.assert_close(logits(seat.model(), IDS), expected, rtol=1e-3, atol=2e-3)
        assert not torch.allclose(expected, logits(freshly_loaded(run, base), IDS), atol=1e-2)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*FIXED}))
def test_the_ends_are_exact(name, engine, base, result_of):
    run = result_of(name)
    (turned,) = engine.seats([voice_of(run, strength=0.7)])
    half = logits(turned.model(), IDS)
    plain, none = engine.seats([voice_of(run, BASE), voice_of(run, strength=0.0)])
    assert torch.equal(logits(none.model(), IDS), logits(plain.model(), IDS))
    (full,) = engine.seats([voice_of(run)])
    assert torch.equal(logits(full.model(), IDS), logits(freshly_loaded(run, base), IDS))
    assert not torch.equal(logits(full.model(), IDS), half)


@pytest.mark.parametrize("name", FIXED)
def test_where_there_is_no_half_it_is_said(name, engine, result_of):
    run = result_of(name)
    with pytest.raises(StudioError, match=rf"strength of {name} cannot be set: .* Set its strength to 1\."):
        engine.seats([voice_of(run, strength=0.5)])
    assert engine.seats([voice_of(run)])


def test_every_method_has_a_dial_or_a_reason(result_of):
    assert {name for name in NAMES if dial_of(result_of(name).recipe)} == {*FIXED}


def test_one_adapter_at_several_strengths_in_one_question_and_no_reload_to_turn_it(base, result_of):
    engine, notes, run = Engine(), [], result_of("lora")
    strengths = (0.0, 0.5, 1.0, 1.5)
    seats = engine.seats([voice_of(run, strength=each) for each in strengths], notes.append)
    expected = [step_by_step(between(run, base, each), IDS, 12) for each in strengths]
    assert answers([Row(IDS, seat) for seat in seats], 12) == expected
    assert len(notes) == 1 + len(strengths)
    (seat,) = engine.seats([voice_of(run, strength=1.2)], notes.append)
    torch.testing.assert_close(logits(seat.model(), IDS), logits(between(run, base, 1.2), IDS), rtol=1e-3, atol=2e-3)
    assert len(notes) == 1 + len(strengths)


def test_what_another_question_uses_is_not_turned(result_of):
    engine, run = Engine(), result_of("dora")
    with engine.seated([voice_of(run)]) as (held,):
        before = logits(held.model())
        (other,) = engine.seats([voice_of(run, strength=0.3)])
        assert not torch.equal(logits(other.model()), before)
        assert torch.equal(logits(held.model()), before)


def test_a_whole_model_has_one_strength_at_a_time(engine, result_of):
    run = result_of("full")
    with pytest.raises(StudioError, match="one strength at a time"):
        engine.seats([voice_of(run), voice_of(run, strength=0.5)])
    with engine.seated([voice_of(run)]):
        assert engine.has_room([voice_of(run)])
        assert not engine.has_room([voice_of(run, strength=0.5)])
    assert engine.has_room([voice_of(run, strength=0.5)])


def test_a_dora_that_would_turn_weights_round(engine, base, tmp_path):
    run = made(tmp_path / "far", base, "dora", spread=30.0)
    with pytest.raises(StudioError, match="turn some weights round"):
        engine.seats([voice_of(run, strength=1.5)])
