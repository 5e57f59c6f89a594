import pytest
import torch
from transformers import AutoModelForCausalLM

from studio.answer.engine import Engine
from studio.answer.mix import why_not_mixed
from studio.answer.voice import BASE, Ingredient, Voice
from studio.errors import StudioError
from studio.recipe.methods.every import METHODS, name_of
from tests.answer.results import CHECKPOINT, freshly_loaded, logits, made, voice_of
from tests.tiny_run import make_base

IDS = list(range(3, 40))


@pytest.fixture(scope="module")
def engine():
    return Engine()


@pytest.fixture(scope="module")
def twin(base, tmp_path_factory):
    """Another run of LoRA."""
    return made(tmp_path_factory.mktemp("mix") / "twin", base, "lora", seed=2)


def mixed(runs, weights, how="linear", **more):
    parts = tuple(Ingredient(run=str(run.path), weight=weight) for run, weight in zip(runs, weights, strict=True))
    return Voice(mixed=parts, how=how, **more)


def summed(base, runs, weights):
    """The base, with what the adapters add to its weights, each times its weight."""
    model = AutoModelForCausalLM.from_pretrained(base).eval()
    of_base = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    with torch.no_grad():
        for run, share in zip(runs, weights, strict=True):
            learned = dict(freshly_loaded(run, base).merge_and_unload().named_parameters())
            for name, weight in model.named_parameters():
                weight += share * (learned[name] - of_base[name])
    return model


def test_linear_is_the_weighted_sum_of_what_they_add_whatever_their_ranks(engine, base, twin, result_of):
    runs, weights = [result_of("lora"), twin, result_of("rslora")], [0.5, -0.4, 0.3]
    for order in (1, -1):
        (seat,) = engine.seats([mixed(runs[::order], weights[::order])])
        expected = logits(summed(base, runs, weights), IDS)
        torch.testing.assert_close(logits(seat.model(), IDS), expected, rtol=1e-3, atol=2e-3)


def test_it_shares_a_pass_is_kept_and_can_be_turned(base, twin, result_of):
    engine, notes = Engine(), []
    runs = [result_of("lora"), twin]
    seats = engine.seats([voice_of(twin, BASE), voice_of(twin), mixed(runs, [0.5, 0.5])], notes.append)
    assert len({seat.together for seat in seats}) == 1
    assert len(notes) == 3
    (turned,) = engine.seats([mixed(runs, [0.5, 0.5], strength=0.6)], notes.append)
    assert len(notes) == 3
    expected = logits(summed(base, runs, [0.3, 0.3]), IDS)
    torch.testing.assert_close(logits(turned.model(), IDS), expected, rtol=1e-3, atol=2e-3)
    assert torch.equal(logits(engine.seats([voice_of(twin)])[0].model(), IDS), logits(freshly_loaded(twin, base), IDS))


@pytest.mark.parametrize("how", ["ties", "dare_linear", "dare_ties"])
def test_other_ways_are_pefts_and_leave_nothing_to_chance(how, base, twin, result_of):
    runs, said = [result_of("lora"), twin], []
    for seed in (3, 4):
        torch.manual_seed(seed)
        (seat,) = Engine().seats([mixed(runs, [0.7, 0.3], how, density=0.6)])
        said.append(logits(seat.model(), IDS))
        assert said[0].isfinite().all()
    assert torch.equal(*said)
    assert not torch.equal(said[0], logits(freshly_loaded(twin, base), IDS))


def test_what_cannot_be_mixed_is_said(engine, twin, base, result_of, tmp_path):
    with pytest.raises(StudioError, match=r"ranks 16, 64 by ties.*Choose linear"):
        engine.seats([mixed([twin, result_of("rslora")], [0.5, 0.5], "ties")])
    with pytest.raises(StudioError, match=r"vera cannot be part of a mix: VeRA is no sum of thin matrices"):
        engine.seats([mixed([twin, result_of("vera")], [0.5, 0.5])])
    other = made(tmp_path / "other", make_base(tmp_path / "base", seed=9), "lora")
    with pytest.raises(StudioError, match="different bases"):
        engine.seats([mixed([twin, other], [0.5, 0.5])])
    assert torch.equal(
        logits(engine.seats([voice_of(twin)])[0].model(), IDS), logits(freshly_loaded(twin, base), IDS)
    ), "what is in memory goes on"


def test_a_checkpoint_can_be_part_of_it(engine, base, twin):
    parts = (Ingredient(run=str(twin.path), weight=1.0), Ingredient(run=str(twin.path), part=CHECKPOINT, weight=-1.0))
    (seat,) = engine.seats([Voice(mixed=parts)])
    torch.testing.assert_close(
        logits(seat.model(), IDS), logits(AutoModelForCausalLM.from_pretrained(base).eval(), IDS), rtol=1e-3, atol=2e-3
    )


def test_which_methods_mix(result_of):
    names = [name_of(method) for method in METHODS]
    mixing = {name for name in names if not why_not_mixed(result_of(name).recipe)}
    assert mixing == {"lora", "rslora", "pissa", "qlora", "lora-plus", "lora-fa"}
