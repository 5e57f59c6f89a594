"""Models that read: a classifier names the class of a text, an encoder fills the gaps, and both can be taken away."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoTokenizer

from studio.answer.engine import Engine
from studio.answer.evaluation.begin import begin_scores
from studio.answer.reading import NO_HEAD, class_shares, read
from studio.answer.voice import BASE
from studio.answer.voices import Seat
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import CHECKOUT, Home, open_home
from studio.recipe.read import changed
from studio.recipe.recipe import ModelPart, Recipe, TrainingPart
from studio.run.directory import Run, Status
from studio.run.submit import submit
from studio.run.train import train
from studio.share.result import zip_result
from tests.answer.evaluation.conftest import do
from tests.answer.results import voice_of
from tests.tiny_encoder import make_encoder

TEXT = "7 sunnysunny"
ROWS = 48


def seats_of(run: Run) -> list[Seat]:
    """Base and tuned model."""
    return Engine().seats([voice_of(run, BASE), voice_of(run)])


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Callable[..., Run]:
    """`make("lora", classes=True)`: a finished run of that method, to name classes or to fill gaps; each made once."""
    folder = tmp_path_factory.mktemp("reading")
    weather = ["sunny", "sunny", "rainy", "sunny", "rainy", "foggy"]
    rows = [f"{n} {weather[n % 6] * 2},{weather[n % 6]}" for n in range(ROWS)]
    (folder / "weather.csv").write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    texts = [json.dumps({"text": f"{n} comes after {n - 1}, as is known"}) for n in range(ROWS)]
    (folder / "texts.jsonl").write_text("\n".join(texts) + "\n", "utf-8")
    encoder, home = make_encoder(folder / "tiny-encoder"), open_home(folder / "home")
    runs: dict[tuple[str, bool], Run] = {}

    def made(method: str, classes: bool) -> Run:
        if (method, classes) not in runs:
            recipe = Recipe(
                model=ModelPart(id=str(tiny_base if classes else encoder)),
                data=DataPart(path=str(folder / ("weather.csv" if classes else "texts.jsonl")), held_out_share=0.25),
                training=TrainingPart(
                    learning_rate=1e-2 if method == "lora" else 2e-3, epochs=4, batch_size=8, max_length=64,
                    precision="float32", evaluations=0,
                ),
            )  # fmt: skip
            task = "sequence-classification" if classes else "masked-language-modeling"
            run = submit(home, changed(recipe, {"task.name": task, "method.name": method}))
            train(run)
            assert run.status() is Status.FINISHED, run.ended()
            runs[method, classes] = run
        return runs[method, classes]

    return made


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_class_is_named_with_how_sure_it_is(method: str, make, tiny_base: Path) -> None:
    run = make(method, classes=True)
    plain, tuned = seats_of(run)
    assert tuned.labels == plain.labels == ("foggy", "rainy", "sunny")
    (shares,) = class_shares(tuned, [TEXT]).values()
    if method == "full":
        fresh = AutoModelForSequenceClassification.from_pretrained(run.model)
    else:
        base = AutoModelForSequenceClassification.from_pretrained(tiny_base, num_labels=3)
        fresh = PeftModel.from_pretrained(base, str(run.adapter))
        fresh.config.pad_token_id = tuned.pad
    with torch.no_grad():
        expected = fresh.eval()(**tuned.tokenizer(TEXT, return_tensors="pt")).logits[0].softmax(-1).tolist()
    assert list(shares.values()) == pytest.approx(expected, abs=1e-6)
    likeliest = max(shares, key=lambda label: shares[label])
    said = read(tuned, TEXT)
    assert re.fullmatch(rf"{likeliest} \d+ %; \w+ \d+ %; \w+ \d+ %", said)
    assert read(plain, TEXT) == NO_HEAD
    with pytest.raises(StudioError, match="nothing to read"):
        read(tuned, "  ")


def test_a_classifier_at_its_checkpoint_and_turned_down(make) -> None:
    run = make("lora", classes=True)
    last = run.checkpoints()[-1].name
    result, checkpoint, half, none = Engine().seats(
        [voice_of(run), voice_of(run, last), voice_of(run, strength=0.5), voice_of(run, strength=0.0)]
    )
    shares = [class_shares(seat, [TEXT])[0] for seat in (result, checkpoint, half, none)]
    assert shares[1] == pytest.approx(shares[0], abs=1e-6)
    assert shares[2] != pytest.approx(shares[0], abs=1e-4)
    assert shares[3] != pytest.approx(shares[2], abs=1e-4)
    heads = [seat.model().get_parameter("base_model.model.score.original_module.weight") for seat in (result, none)]
    assert heads[0] is heads[1]
    trained = [dict(seat.model().named_parameters()) for seat in (result, none)]
    of_both = [[w for n, w in each.items() if f"modules_to_save.{s.adapter}" in n] for each, s in
               zip(trained, (result, none), strict=True)]  # fmt: skip
    assert all(torch.equal(*pair) for pair in zip(*of_both, strict=True)), "the base has no head to turn it towards"


def test_texts_read_together_are_read_as_each_alone(make) -> None:
    _, seat = seats_of(make("lora", classes=True))
    texts = [TEXT, "8 rainyrainy", "a much longer text of sunny days", "", TEXT * 3]
    together = class_shares(seat, texts)
    assert set(together) == {0, 1, 2, 4}
    for place, shares in together.items():
        assert shares == pytest.approx(class_shares(seat, [texts[place]])[0], abs=1e-6)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_gaps_are_filled_by_base_and_tuned(method: str, make) -> None:
    run = make(method, classes=False)
    seats = seats_of(run)
    text = "7 comes afte[MASK] 6, as [MASK]s known"
    fresh = AutoModelForMaskedLM.from_pretrained(run.recipe.model.id)
    said = {}
    for tuned in (False, True):
        if tuned:
            fresh = (
                AutoModelForMaskedLM.from_pretrained(run.model)
                if method == "full"
                else PeftModel.from_pretrained(fresh, str(run.adapter))
            )
        tokenizer = AutoTokenizer.from_pretrained(run.result)
        inputs = tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        with torch.no_grad():
            logits = fresh.eval()(**inputs).logits[inputs["input_ids"] == tokenizer.mask_token_id]
        best = [tokenizer.decode([int(token)]).strip() for token in logits.argmax(-1)]
        lines = read(seats[tuned], text).splitlines()
        said[tuned] = lines
        assert [line.split(": ", 1)[0] for line in lines] == ["1", "2"]
        assert all(line.split(": ", 1)[1].startswith(word) for line, word in zip(lines, best, strict=True))
        assert all(len(re.findall(r" \d+ %", line)) == 5 for line in lines)
    assert said[True] != said[False]
    with pytest.raises(StudioError, match=r"no gap to fill\. Write \[MASK\]"):
        read(seats[True], "nothing hidden")


def test_a_classifier_is_scored_against_the_most_frequent_class(make) -> None:
    run = make("lora", classes=True)
    evaluation = begin_scores(Home(run.path.parent.parent), run)
    result = do(evaluation)
    rows = evaluation.rows()
    assert result.scores.n == len(rows) == ROWS // 4
    assert result.scores.main == "label_accuracy"
    assert {row.answers["base"] for row in rows} == {"sunny"}
    (accuracy,) = (metric for metric in result.scores.metrics if metric.name == "label_accuracy")
    for who in ("base", "tuned"):
        right = sum(row.reference == row.answers[who] for row in rows) / len(rows)
        assert accuracy.figures[who].value == pytest.approx(right)
    assert "'sunny'" in " ".join(result.notes)


def test_gaps_have_no_score(make) -> None:
    run = make("lora", classes=False)
    with pytest.raises(StudioError, match="no right answers"):
        begin_scores(Home(run.path.parent.parent), run)


@pytest.mark.slow  # imports in processes of their own
def test_the_readme_of_each_kind_loads_it_and_asks_it_in_a_process_of_its_own(make, tiny_base, tmp_path) -> None:
    programs, expected = [], []
    for method in ("lora", "full"):
        for classes in (True, False):
            run = make(method, classes)
            folder = tmp_path / f"{method}-{classes}"
            with zipfile.ZipFile(zip_result(run, tmp_path)) as archive:
                archive.extractall(folder)
            (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
            base = Path(run.recipe.model.id)
            code = code.replace(f'BASE = "{base.name}"', f"BASE = {str(base)!r}").replace("Write your text here.", TEXT)
            programs.append(f"import os\nos.chdir({str(folder)!r})\n{code}")
            if classes:
                (shares,) = class_shares(seats_of(run)[1], [TEXT]).values()
                expected.append(shares)
            assert str(base) not in "".join(file.read_text("utf-8") for file in folder.glob("*.json"))
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(programs)], cwd=CHECKOUT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    printed = [line for line in done.stdout.splitlines() if line.startswith(("{", "["))]
    found = [json.loads(line.replace("'", '"')) for line in printed if line.startswith("{")]
    assert [pytest.approx(each, abs=1e-5) for each in expected] == found
    assert sum(line.startswith("[") for line in printed) == 2, "one gap each"
