"""An adapter at a strength, at a checkpoint or mixed, taken away: plain PEFT says the same with it as the pane."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from studio.answer.engine import Engine
from studio.answer.voice import Ingredient, Voice
from studio.errors import StudioError
from studio.share.heard import write_heard, zip_heard
from tests.answer.results import CHECKPOINT, logits, made, voice_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory, base):
    folder = tmp_path_factory.mktemp("secret-heard")
    names = ("lora", "rslora", "dora", "vera", "prompt-tuning", "full")
    return {name: made(folder / f"amber-{name}", base, name) for name in names}


def unpacked(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


@pytest.mark.parametrize(
    "voice",
    [
        lambda runs: voice_of(runs["dora"], strength=1.3),
        lambda runs: voice_of(runs["vera"], CHECKPOINT, strength=0.5),
        lambda runs: voice_of(runs["prompt-tuning"], CHECKPOINT),
        lambda runs: Voice(
            mixed=(
                Ingredient(run=str(runs["rslora"].path), weight=0.7),
                Ingredient(run=str(runs["lora"].path), weight=-0.2),
            ),
            strength=0.8,
        ),
    ],
    ids=["dora", "checkpoint", "soft prompt", "mix"],
)
def test_plain_peft_says_the_same_with_it(voice, runs, base, tmp_path):
    voice = voice(runs)
    folder = unpacked(write_heard(voice, tmp_path), tmp_path / "unpacked")
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder).eval()
    (seat,) = Engine().seats([voice])
    assert torch.equal(logits(model), logits(seat.model()))
    texts = "".join(path.read_text("utf-8") for path in folder.iterdir() if path.suffix in (".md", ".json", ".yaml"))
    assert "secret" not in texts
    assert ("strength" in (folder / "README.md").read_text("utf-8")) is (voice.strength != 1)


@pytest.mark.slow  # imports in a process of its own
def test_the_page_makes_it_in_another_process(runs, tmp_path):
    voice = voice_of(runs["lora"], strength=0.5)
    path = zip_heard(voice, tmp_path)
    assert path.name == "amber-lora-adapter-at-0.5.zip"
    first = path.read_bytes()
    assert write_heard(voice, tmp_path).read_bytes() == first, "the same voice gives the same bytes"
    folder = unpacked(path, tmp_path / "unpacked")
    readme = (folder / "README.md").read_text("utf-8")
    assert re.search(r"Not the run's own result:\*\* at strength 0\.5 .*`amber-lora` learned", readme)
    assert json.loads((folder / "adapter_config.json").read_text())["peft_type"] == "LORA"


def test_what_has_no_adapter_is_said_without_a_process(runs, base, tmp_path):
    with pytest.raises(StudioError, match="has no adapter to save at a strength"):
        zip_heard(voice_of(runs["full"], strength=0.5), tmp_path)
    with pytest.raises(StudioError, match="Save it at strength 1"):
        zip_heard(voice_of(runs["prompt-tuning"], strength=0.5), tmp_path)
    with pytest.raises(StudioError, match="base by itself"):
        zip_heard(Voice.of_model(str(base)), tmp_path)
    with pytest.raises(StudioError, match="no checkpoint checkpoint-7"):
        zip_heard(voice_of(runs["lora"], "checkpoint-7"), tmp_path)


def test_the_page_can_ask_for_it_without_torch():
    code = "import sys, studio.share.heard, studio.answer.mix; print('torch' in sys.modules, 'peft' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["False", "False"]
