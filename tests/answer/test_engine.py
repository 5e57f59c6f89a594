import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from studio.answer.engine import Engine
from studio.answer.loaded import MOST_ADAPTERS
from studio.answer.voice import BASE, Source, Voice
from studio.errors import StudioError
from studio.run.base import choose_precision
from studio.run.directory import Run
from tests.answer.results import freshly_loaded, logits, made, voice_of
from tests.tiny_run import TARGETS, make_base, make_run, make_tokenizer


def test_base_is_kept_for_a_run_with_the_same_base(run, base, tmp_path):
    engine, notes = Engine(), []
    (first,) = engine.seats([voice_of(run)], notes.append)
    assert len(notes) == 2
    (second,) = engine.seats([voice_of(make_run(tmp_path / "other", base))], notes.append)
    assert second.adapter != first.adapter
    assert second.together == first.together
    (again,) = engine.seats([voice_of(run)], notes.append)
    assert again.adapter == first.adapter
    assert [note.split()[2] for note in notes] == ["base", "adapter", "adapter"]


def test_another_base_takes_its_place(run, quantized_run, tmp_path):
    engine = Engine()
    for each in (run, quantized_run, make_run(tmp_path / "run", make_base(tmp_path / "other", seed=5))):
        engine.seats([voice_of(each)])
        assert len(engine._memory.models) == 1


def test_bases_side_by_side_in_one_question_where_they_fit(run, quantized_run, monkeypatch):
    engine = Engine()
    seats = engine.seats([voice_of(run), voice_of(quantized_run)])
    assert len({seat.together for seat in seats}) == 2
    monkeypatch.setattr("studio.answer.memory.fits", lambda folder: False)
    with pytest.raises(StudioError, match="does not hold all of these models at once"):
        Engine().seats([voice_of(run), voice_of(quantized_run)])


def test_only_so_many_adapters_are_kept_and_those_in_use_always(run, tmp_path):
    engine = Engine()
    with engine.seated([voice_of(run)]) as (held,):
        for i in range(MOST_ADAPTERS + 2):
            shutil.copytree(run.path, tmp_path / f"run{i}")
            (seat,) = engine.seats([voice_of(Run(tmp_path / f"run{i}"))])
        model = seat.model()
        assert len(model.peft_config) == MOST_ADAPTERS
        assert {held.adapter, seat.adapter} <= set(model.peft_config)
        assert model.active_adapter == seat.adapter
    engine.seats([voice_of(Run(tmp_path / "run0"))])
    notes = []
    engine.seats([voice_of(run)], notes.append)
    assert notes == [f"Loading the adapter of {run.name} ..."], "when the question is over it goes like others"


def test_what_was_let_go_of_is_there_again_when_its_seat_is_asked(run, quantized_run, base):
    engine = Engine()
    (seat,) = engine.seats([voice_of(run)])
    engine.seats([voice_of(quantized_run)])
    assert torch.equal(logits(seat.model()), logits(freshly_loaded(run, base)))


def test_room_beside_what_answers_another_question(run, quantized_run, monkeypatch):
    engine = Engine()
    monkeypatch.setattr("studio.answer.memory.fits", lambda folder: False)
    with engine.seated([voice_of(run, BASE), voice_of(run)]):
        assert engine.has_room([voice_of(run)])
        assert not engine.has_room([voice_of(quantized_run)])
        with pytest.raises(StudioError, match="when other questions are answered"):
            engine.seats([voice_of(quantized_run)])
    assert engine.has_room([voice_of(quantized_run)])
    assert engine.seats([voice_of(quantized_run)])


def test_context_and_ends_are_known(engine, run):
    (seat,) = engine.seats([voice_of(run)])
    assert (seat.context, seat.ends, seat.pad, seat.writes) == (2048, frozenset({2}), 0, True)


def test_virtual_tokens_take_their_part_of_the_context(engine, result_of):
    run = result_of("prompt-tuning")
    plain, tuned = engine.seats([voice_of(run, BASE), voice_of(run)])
    assert plain.context - tuned.context == run.recipe.method.virtual_tokens
    assert (plain.pads, tuned.pads) == (True, False)


def test_run_without_an_adapter(engine, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "run", ignore=shutil.ignore_patterns("adapter"))
    with pytest.raises(StudioError, match="no result"):
        engine.seats([voice_of(Run(tmp_path / "run"))])
    assert engine.seats([voice_of(Run(tmp_path / "run"), BASE)]), "its base can be asked all the same"


def test_a_checkpoint_that_is_gone_or_damaged(engine, result_of, tmp_path):
    shutil.copytree(result_of("lora").path, tmp_path / "run")
    with pytest.raises(StudioError, match="no checkpoint checkpoint-9"):
        engine.seats([Voice(source=Source(run=str(tmp_path / "run"), part="checkpoint-9"))])
    (tmp_path / "run" / "checkpoints" / "checkpoint-3" / "trained.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(StudioError, match="checkpoint-3 of run cannot be put on its base"):
        engine.seats([voice_of(Run(tmp_path / "run"), "checkpoint-3")])


def test_damaged_adapter_leaves_the_others(engine, run, base, tmp_path):
    (before,) = engine.seats([voice_of(run)])
    shutil.copytree(run.path, tmp_path / "run")
    (tmp_path / "run" / "adapter" / "adapter_model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(StudioError, match="cannot be put on its base"):
        engine.seats([voice_of(run), voice_of(Run(tmp_path / "run"))])
    (after,) = engine.seats([voice_of(run)])
    assert after.adapter == before.adapter
    assert torch.equal(logits(after.model()), logits(freshly_loaded(run, base)))


def test_adapter_of_another_base(engine, tmp_path):
    run = make_run(tmp_path / "run", make_base(tmp_path / "base"))
    LlamaForCausalLM(LlamaConfig(hidden_size=32, num_attention_heads=4, num_hidden_layers=2)).save_pretrained(
        run.recipe.model.id
    )
    with pytest.raises(StudioError, match=r"does not fit its base: it was made for base, .*hidden size 32, "):
        engine.seats([voice_of(run)])


def test_a_base_by_itself_shares_the_memory_of_a_run(run, base):
    engine, notes = Engine(), []
    alone = Voice.of_model(run.recipe.model.id)
    engine._memory._precisions["auto"] = choose_precision("float32")  # as the run has it
    (seat,) = engine.seats([alone], notes.append)
    assert (seat.adapter, seat.context, seat.ends) == ("", 2048, frozenset({2}))
    tuned, again = engine.seats([voice_of(run), alone], notes.append)
    assert again.together == tuned.together
    assert again.adapter == ""
    assert [note.split()[2] for note in notes] == ["base", "adapter"]


@pytest.mark.parametrize(
    "options", [{"bias": "all"}, {"init_lora_weights": "pissa"}], ids=["trained biases", "an unconverted PiSSA"]
)
def test_an_adapter_that_writes_into_the_base_has_those_weights_for_itself(options, run, tmp_path):
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    folder = make_base(tmp_path / "base")
    LlamaForCausalLM(LlamaConfig(vocab_size=259, attention_bias=True, **sizes)).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    odd = make_run(tmp_path / "odd", folder, config=LoraConfig(target_modules=TARGETS, task_type="CAUSAL_LM"))
    tuned = get_peft_model(
        LlamaForCausalLM.from_pretrained(folder), LoraConfig(target_modules=TARGETS, task_type="CAUSAL_LM", **options)
    )
    with torch.no_grad():
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight) * 0.1)
    tuned.save_pretrained(odd.adapter)
    engine = Engine()
    (plain,) = engine.seats([voice_of(odd, BASE)])
    before = logits(plain.model())
    (seat,) = engine.seats([voice_of(odd)])
    torch.testing.assert_close(logits(seat.model()), logits(tuned.eval()), rtol=1e-3, atol=1e-3)
    assert seat.adapter == "", "it shares no pass with others"
    assert torch.equal(logits(plain.model()), before)
    assert not torch.equal(logits(seat.model()), before)


def test_8_bit_weights_have_passes_of_their_own(engine, base, tmp_path):
    """They choose by all rows of a batch what they compute in 16 bits."""
    run = made(tmp_path / "int8", base, "qlora", quant_type="int8")
    seats = engine.seats([voice_of(run, BASE), voice_of(run)])
    assert [seat.together for seat in seats] == [None, None]
    expected = logits(freshly_loaded(run, base))
    assert torch.equal(logits(seats[1].model()), expected)
    assert not torch.equal(logits(seats[0].model()), expected)
