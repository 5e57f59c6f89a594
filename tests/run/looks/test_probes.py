"""The bundled probes: disjoint from what is trained on, and right before any training."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoTokenizer, LlamaForCausalLM

from studio.home import ASSETS
from studio.run.looks.exam import Sheet, marks, sheets
from studio.run.looks.probes import BUNDLED, Probe, bundled_set, evenly, families
from tests.tiny_run import one_thread


def bundled(name: str) -> list[Probe]:
    return [Probe.model_validate_json(line) for line in (BUNDLED / f"{name}.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("name", ["starter", "general"])
def test_each_family_has_enough_and_no_prompt_comes_twice(name):
    probes = bundled(name)
    assert set(families(probes)) == {"fact", "sum", "format", "text"}
    assert min(families(probes).values()) >= 10
    assert len({probe.prompt for probe in probes}) == len(probes)
    assert all(probe.completion.startswith((" ", "<")) for probe in probes if probe.plain)


def test_nothing_that_is_trained_on_is_a_probe():
    prompts = {json.loads(line)["prompt"] for path in ASSETS.glob("*/**/*.jsonl") if path.parent != BUNDLED
               for line in path.read_text("utf-8").splitlines()}  # fmt: skip
    for path in ASSETS.glob("samples/**/*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            prompts |= {row[0] for row in csv.reader(file)}
    assert len(prompts) > 1000
    assert not prompts & {probe.prompt for probe in bundled("starter")}


def test_the_starter_is_sure_of_all_of_its_own():
    tokenizer = AutoTokenizer.from_pretrained(ASSETS / "starter")
    model = LlamaForCausalLM.from_pretrained(ASSETS / "starter", dtype=torch.float32).eval()
    with one_thread(), torch.no_grad():
        every = sheets(bundled("starter"), tokenizer, 512)
        found = marks(model, every, 0, lambda: None)
        one_by_one = [marks(model, [sheet], 0, lambda: None).loss for sheet in every[:3]]
    assert found.sure == found.right == dict.fromkeys(("fact", "sum", "format", "text"), "1" * 10)
    assert found.values()["probe_right"] == 1.0
    assert all(loss < 1 for loss in (found.loss, *one_by_one))


def test_sure_is_likelier_than_all_else_together():
    class Says:
        device = torch.device("cpu")
        config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(vocab_size=4))

        def __call__(self, input_ids, **_):
            odds = {0: (0.6, 0.4, 0, 0), 1: (0.4, 0.35, 0.25, 0), 2: (0.3, 0.7, 0, 0)}  # after each token; 0 comes next
            return SimpleNamespace(logits=torch.tensor([[odds[at] for at in row] for row in input_ids.tolist()]).log())

    found = marks(Says(), [Sheet("a", [first, 0], 1) for first in range(3)], 0, lambda: None)
    assert (found.right, found.sure) == ({"a": "110"}, {"a": "100"})


def test_which_set_goes_with_which_base_and_how_many_are_taken():
    assert bundled_set("starter") == "starter"
    assert bundled_set("Qwen/Qwen3-0.6B") == "general"
    assert evenly(3, 5) == [0, 1, 2]
    assert evenly(10, 5) == [0, 2, 4, 6, 8]
