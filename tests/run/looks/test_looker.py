"""Looks at a model in training: what they leave, that they change nothing, and that they keep out of the way."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from studio.errors import StudioError
from studio.recipe.read import changed
from studio.run.directory import Status
from studio.run.events import Decision, Look, Metrics, Warned
from studio.run.looks import looker as looker_module
from studio.run.looks import reel
from studio.run.looks.film import film
from studio.run.looks.probes import PROBES, Probe, probes_for, to_lines
from studio.run.resume import resume
from studio.run.submit import submit
from studio.run.train import train
from studio.run.wish import Wish
from tests.tiny_run import one_thread

LOOKS = {
    "looks.enabled": True,
    "looks.share": 0.5,
    "looks.answer_tokens": 8,
    "looks.held_out_rows": 2,
    "looks.prompts": "Colour 1?",
}
STEPS = 6
TINY = {"training.max_steps": STEPS, "training.evaluations": 2, "method.dropout": 0.1}


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture
def made(home, make_recipe):
    def make(**changes):
        run = submit(home, make_recipe(TINY | changes))
        probes = [Probe(family="sum", prompt=f"{n}?", completion="ok") for n in range(5)]
        probes += [Probe(family="text", prompt="It is", completion=" so", plain=True)]
        (run.path / PROBES).write_text(to_lines(probes), "utf-8")
        return run

    return make


def of_kind(run, kind):
    return [event for event in run.events()[0] if isinstance(event, kind)]


def losses(run):
    return [(m.step, m.values[k]) for m in of_kind(run, Metrics) for k in ("loss", "eval_loss") if k in m.values]


def weights(run):
    return load_file(next(run.result.glob("*.safetensors")))


def test_looks_are_there_at_the_start_on_the_way_and_at_the_end_and_change_nothing(made):
    plain, looked = made(), made(**LOOKS)
    for run in (plain, looked):
        train(run)
        assert run.status() is Status.FINISHED, run.ended()
    assert losses(looked) == losses(plain)
    assert all(torch.equal(weights(plain)[name], tensor) for name, tensor in weights(looked).items())
    assert not of_kind(plain, Look)
    looks = of_kind(looked, Look)
    assert (looks[0].step, looks[-1].step) == (0, STEPS)
    assert set(looks[0].right) == {"sum", "text"}
    assert [len(marks) for marks in looks[0].right.values()] == [5, 1]
    assert looks[0].sure.keys() == looks[0].right.keys()
    assert not any(look.sure for look in looks[1:])
    assert set(looks[0].texts) == {asked.id for asked in film(looked).prompts}
    values = next(m.values for m in of_kind(looked, Metrics) if "look_seconds" in m.values)
    assert {"probe_loss", "probe_right", "probe/sum", "probe/text"} <= set(values)
    assert 0 <= values["probe_right"] <= 1 < values["probe_loss"]


def test_the_film_has_what_was_asked_and_what_the_file_says(made):
    run = made(**LOOKS)
    train(run)
    strip = film(run)
    pinned, *rows = strip.prompts
    assert (pinned.kind, pinned.prompt, pinned.reference) == ("pinned", "Colour 1?", "")
    assert len(rows) == 2
    held_out = {row.prompt: row.completion for row in run.examples("held_out")}
    assert {row.prompt: row.reference for row in rows}.items() <= held_out.items()
    assert [step for step, _ in strip.frames] == sorted({look.step for look in of_kind(run, Look)})


def test_a_resumed_run_goes_on_with_the_same_first_look_and_to_the_same_weights(home, made, make_recipe):
    straight, run = made(**LOOKS), made(**LOOKS, **{"training.save_steps": 3})
    train(straight)
    write = run.stop_path

    class Stops(looker_module.Looker):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 3 and not write.exists():
                run.ask(Wish.PAUSE)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(looker_module, "Looker", Stops)
        train(run)
    assert run.status() is Status.PAUSED
    first = of_kind(run, Look)[0]
    resume(run)
    train(run)
    looks = of_kind(run, Look)
    assert [look.step for look in looks].count(0) == 1
    assert looks[0] == first
    assert all(torch.equal(weights(straight)[name], tensor) for name, tensor in weights(run).items())


def test_nothing_is_looked_at_once_the_run_is_asked_to_end(made, monkeypatch):
    run = made(**LOOKS)
    answered = reel._answers
    asked = []

    def slow(*arguments):
        asked.append(run.ask(Wish.STOP))
        return answered(*arguments)

    monkeypatch.setattr(reel, "_answers", slow)
    train(run)
    assert run.status() is Status.STOPPED
    assert len(asked) == 1, "broken off at the first token, and not begun again"
    assert not of_kind(run, Look)


def test_a_look_that_fails_is_told_once_and_the_run_goes_on(made, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(looker_module, "frame", full)
    run = made(**LOOKS)
    train(run)
    assert run.status() is Status.FINISHED
    (warning,) = [w for w in of_kind(run, Warned) if "film strip" in w.message]
    assert "2 GiB" in warning.message
    assert of_kind(run, Look)[-1].step == STEPS, "the needle goes on"
    assert not of_kind(run, Look)[-1].texts


def test_within_no_share_there_is_the_first_look_and_the_last_and_it_is_said(made):
    run = made(**LOOKS | {"looks.share": 0.0})
    train(run)
    assert [look.step for look in of_kind(run, Look)] == [0, STEPS]
    assert [d for d in of_kind(run, Decision) if "less often" in d.choice]


def test_a_forgotten_probe_is_warned_of_once(made, monkeypatch):
    scripted = iter(["1" * 40, "0" * 40, "0" * 40, "0" * 40])
    monkeypatch.setattr(looker_module, "marks", lambda *_: looker_module.Marks(loss=1.0, right={"sum": next(scripted)}))
    run = made(**LOOKS)
    train(run)
    (warning,) = [w for w in of_kind(run, Warned) if w.cause == "forgetting"]
    assert warning.step > 0
    assert "40 of 40" in warning.message


def test_only_models_that_write_are_asked(make_recipe):
    recipe = make_recipe(LOOKS)
    assert len(probes_for(recipe)) > 30
    assert len(probes_for(changed(recipe, {"task.name": "direct-preference"}))) > 30
    for task in ("sequence-classification", "masked-language-modeling"):
        assert probes_for(changed(recipe, {"task.name": task})) == []
    assert probes_for(changed(recipe, {"looks.enabled": False})) == []


def test_own_probes_are_read_and_frozen_and_refused_in_words(home, make_recipe, tmp_path):
    own = tmp_path / "own.jsonl"
    own.write_text("".join(json.dumps({"prompt": f"Q{n}", "completion": f"A{n}"}) + "\n" for n in range(500)), "utf-8")
    changes = {"looks.enabled": True, "looks.own_probes": str(own), "looks.bundled_probes": False}
    run = submit(home, make_recipe(changes))
    own.unlink()
    lines = (run.path / PROBES).read_text("utf-8").splitlines()
    assert len(lines) == 200
    assert json.loads(lines[0]) == {"family": "own", "prompt": "Q0", "completion": "A0"}
    with pytest.raises(StudioError, match="Your own probes"):
        submit(home, make_recipe(changes | {"training.seed": 3}))
