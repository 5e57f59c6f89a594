"""Run folders as a trainer leaves them, written without training: for tests of what looks at many runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from studio.home import Home
from studio.recipe.read import changed
from studio.recipe.recipe import Recipe
from studio.run.directory import Run
from studio.run.events import Ended, EventWriter, Metrics, Started

LOSSES = (3.0, 2.0, 1.5, 1.2, 1.1, 1.0)
WEIGHTS = 20_000  # bytes of the pretended adapter


def prepare_run(
    home: Home,
    name: str,
    changes: dict[str, object] | None = None,
    losses: Sequence[float] = LOSSES,
    kind: str | None = "finished",
    began: float = 1_763_000_000.0,
) -> Run:
    """A run that took a second a step, with a held-out check at every second one. `kind` None: it has not begun."""
    run = Run(home.runs / name)
    (run.path / "data").mkdir(parents=True)
    (run.path / "recipe.yaml").write_text(changed(Recipe(), changes or {}).to_yaml(), "utf-8")
    row = json.dumps({"row": 1, "prompt": "Colour 1?", "completion": "green"}) + "\n"
    for part in ("train", "held_out"):
        (run.path / "data" / f"{part}.jsonl").write_text(row, "utf-8")
    counted = {"train_rows": 18, "held_out_rows": 1}
    source = {"name": "colours.csv", "type": "prompt-completion", "fingerprint": "made"} | counted
    (run.path / "data" / "source.json").write_text(json.dumps(source), "utf-8")
    if kind is not None:
        _write_events(run, losses, kind, began)
        _write_adapter(run.path / "adapter")
    return run


def _write_events(run: Run, losses: Sequence[float], kind: str, began: float) -> None:
    numbers = {"epochs": 1, "rows": 18, "held_out_rows": 6, "trainable_parameters": 5, "parameters": 100}
    with EventWriter(run.events_path) as events:
        events.write(Started(steps=len(losses), time=began, **numbers))
        for step, loss in enumerate(losses, 1):
            values = {"loss": loss, "num_tokens": 100.0 * step}
            events.write(Metrics(step=step, time=began + step, values=values))
            if step % 2 == 0:
                events.write(Metrics(step=step, time=began + step, values={"eval_loss": loss + 0.1}))
        events.write(Ended(kind=kind, step=len(losses), time=began + len(losses), folder="adapter"))  # type: ignore[arg-type]


def _write_adapter(folder: Path) -> None:
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "r": 8}')
    (folder / "adapter_model.safetensors").write_bytes(b"\0" * WEIGHTS)
