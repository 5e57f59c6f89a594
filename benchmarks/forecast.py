"""Forecast against measured peak memory, for recipes of many kinds: each is forecast, then trained for two steps in a
process of its own as the studio does it, and that process says the most memory it ever held (on a GPU: that its tensors
held). With --rehearse the dress rehearsal of the same recipe stands beside it.

    python benchmarks/forecast.py [--only NAME ...] [--rehearse]

Models of random weights are made in a temporary folder; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
WORK = """
import sys
from pathlib import Path
from studio.run.worker import work
work()
from studio.run.rehearsal.steps import peak_bytes
Path(sys.argv[1]).write_text(str(peak_bytes()))
"""
SIZES: dict[str, dict[str, Any]] = {
    "7M": {"hidden_size": 256, "intermediate_size": 688, "layers": 6, "heads": 4, "vocab": 8192, "tied": True},
    "42M": {"hidden_size": 512, "intermediate_size": 1408, "layers": 8, "heads": 8, "vocab": 32000, "tied": True},
    "130M": {"hidden_size": 768, "intermediate_size": 2048, "layers": 12, "heads": 12, "vocab": 32000, "tied": False},
}
FULL_ROWS = 24


@dataclass(frozen=True)
class Trial:
    """One recipe: a model, a method, rows a batch, tokens a row, and what else differs."""

    model: str
    method: str
    batch: int
    length: int
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        more = " ".join(f"{key.rpartition('.')[2]}={value}" for key, value in self.more.items())
        return f"{self.model} {self.method} {self.batch}x{self.length} {more}".strip()


CHECKPOINTED = {"training.gradient_checkpointing": True}
WHOLE_NUMBERS = {"training.precision": "float32"}
TRIALS = (
    Trial("starter", "lora", 8, 256),
    Trial("starter", "full", 4, 512),
    Trial("7M", "lora", 4, 256),
    Trial("7M", "lora", 8, 256, CHECKPOINTED),
    Trial("7M", "qlora", 4, 128),
    Trial("7M", "dora", 2, 512),
    Trial("7M", "vera", 8, 128, WHOLE_NUMBERS),
    Trial("7M", "prompt-tuning", 4, 128),
    Trial("7M", "full", 1, 1024, WHOLE_NUMBERS),
    Trial("42M", "lora", 1, 512),
    Trial("42M", "lora", 4, 128, {"training.gradient_accumulation": 2}),
    Trial("42M", "full", 2, 128),
    Trial("42M", "full", 4, 256, CHECKPOINTED | {"training.optimizer": "adafactor"}),
    Trial("42M", "qlora", 1, 512, CHECKPOINTED),
    Trial("42M", "freeze", 2, 256),
    Trial("130M", "lora", 1, 256),
    Trial("130M", "full", 1, 128, {"training.optimizer": "sgd"}),
    Trial("130M", "full", 1, 128),
    Trial("7M", "delta-lora", 2, 256),
    Trial("7M", "oft", 4, 128),
    Trial("42M", "rslora", 2, 256, {"method.rank": 64}),
    Trial("42M", "lora", 1, 1024, CHECKPOINTED | WHOLE_NUMBERS),
)


def make_model(folder: Path, size: dict[str, Any]) -> Path:
    """A Llama with random weights in bfloat16 and a tokenizer of bytes."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.tiny_run import make_tokenizer

    config = LlamaConfig(
        vocab_size=size["vocab"],
        hidden_size=size["hidden_size"],
        intermediate_size=size["intermediate_size"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["heads"] // 2,
        max_position_embeddings=4096,
        tie_word_embeddings=size["tied"],
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def recipe_of(trial: Trial, folder: Path) -> Any:
    """The trial as a recipe of two steps whose rows all fill the longest length."""
    from studio.recipe.read import changed
    from studio.recipe.recipe import Recipe

    model = trial.model if trial.model == "starter" else str(folder / trial.model)
    options = {
        "model.id": model,
        "data.path": str(folder / "rows.csv"),
        "data.held_out_share": 0.25,
        "method.name": trial.method,
        "training.max_steps": 2,
        "training.batch_size": trial.batch,
        "training.max_length": trial.length,
        "training.precision": "bfloat16",
        "training.evaluations": 1,
        "training.evaluation_rows": trial.batch,
    }
    return changed(Recipe(), options | trial.more)


def measured(recipe: Any, home: Any) -> int:
    """The peak of a run in a process of its own."""
    from studio.run.launchers import environment
    from studio.run.submit import submit
    from studio.run.worker import Errand

    run = submit(home, recipe)
    said = home.root / "peak"
    child = [sys.executable, "-c", WORK, str(said)]
    errand = Errand(run=str(run.path)).model_dump_json() + "\n"
    subprocess.run(child, input=errand, text=True, cwd=ROOT, env=environment(), check=True)
    ended = run.ended()
    assert ended is not None, run.log_path.read_text()[-2000:]
    assert ended.kind == "finished", ended.message
    return int(said.read_text())


def compare(trial: Trial, folder: Path, home: Any, rehearse_too: bool) -> dict[str, Any]:
    """Forecast, measured peak and, where asked, the rehearsal's."""
    from studio.recipe.models import fetch, locate
    from studio.run.forecast.forecast import KnownRows
    from studio.run.forecast.machine import machine
    from studio.run.forecast.make import forecast
    from studio.run.forecast.start import start_bytes
    from studio.run.rehearsal.child import rehearse

    recipe = recipe_of(trial, folder)
    here = machine(home, lambda: start_bytes(home))
    rows = KnownRows(rows=FULL_ROWS * 3 // 4, held_out=FULL_ROWS // 4, longest=trial.length, padded=trial.length)
    told = forecast(recipe, fetch(locate(recipe.model.id)), rows, here)
    peak = measured(recipe, home)
    found = {"trial": trial.name, "forecast": told.memory_bytes, "measured": peak}
    found |= {"error": told.memory_bytes / peak - 1, "moment": told.moment, "parts": told.parts}
    if rehearse_too:
        rehearsed = rehearse(recipe, home, lambda _: None, lambda: False)
        found |= {"rehearsed": rehearsed.peak_bytes, "rehearsal_error": rehearsed.peak_bytes / peak - 1}
    return found


def shown(found: dict[str, Any]) -> str:
    """One line of the table."""
    text = f"{found['trial']:44} {found['forecast'] / 1e6:7.0f} {found['measured'] / 1e6:7.0f} {found['error']:+7.1%}"
    if "rehearsed" in found:
        text += f" {found['rehearsed'] / 1e6:7.0f} {found['rehearsal_error']:+7.1%}"
    return f"{text}  {found['moment']}"


def chosen(only: list[str]) -> Iterator[Trial]:
    """The trials whose names hold one of the words; all without words."""
    return (trial for trial in TRIALS if not only or any(word in trial.name for word in only))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="trials whose names hold one of these words")
    parser.add_argument("--rehearse", action="store_true", help="measure the dress rehearsal as well")
    parser.add_argument("--lines", type=Path, help="append each result to this file as a JSON line")
    options = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"

    from studio.home import open_home

    print(describe_machine())
    print(f"{'recipe':44} {'MB':>7} {'true MB':>7} {'error':>7}")
    errors, rehearsals = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary), open_home(Path(temporary) / "home")
        pairs = [f"Colour {number}?,{'abcdefgh ' * 400}" for number in range(FULL_ROWS)]
        (folder / "rows.csv").write_text("\n".join(["prompt,completion", *pairs]) + "\n", "utf-8")
        for trial in chosen(options.only):
            if trial.model in SIZES and not (folder / trial.model).is_dir():
                make_model(folder / trial.model, SIZES[trial.model])
            found = compare(trial, folder, home, options.rehearse)
            print(shown(found), flush=True)
            errors.append(found["error"])
            rehearsals += [found["rehearsal_error"]] if "rehearsed" in found else []
            if options.lines:
                with options.lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    sizes = [abs(error) for error in errors]
    print(
        f"{len(errors)} recipes: median error {statistics.median(sizes):.1%}, largest {max(sizes):.1%}, "
        f"least {min(errors):+.1%}, most {max(errors):+.1%}"
    )
    if rehearsals:
        print(f"rehearsal: at most {max(map(abs, rehearsals)):.1%} off")


if __name__ == "__main__":
    main()
