"""`train RECIPE`: queue it, wait for it, show progress; the run's folder is printed last."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from studio.home import Home
    from studio.recipe.recipe import Recipe
    from studio.run.directory import Run
    from studio.run.launchers import Launcher

TICK = 0.5  # seconds between looks at the run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    verb = verbs.add_parser(
        "train",
        parents=[common],
        help="tune a model",
        epilog=_options_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_recipe(verb)
    verb.set_defaults(verb=train)


def add_recipe(verb: argparse.ArgumentParser) -> None:
    """Let a verb be told a recipe and where to train it."""
    verb.add_argument("recipe", help="a YAML file or the name of a preset")
    verb.add_argument("--model", help="base model: starter, owner/name on the Hub, or a folder")
    verb.add_argument("--data", help="training file; the recipe's held-out file is then not used")
    verb.add_argument("--held-out", help="file of held-out pairs")
    verb.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change an option (`train --help` lists them)"
    )
    verb.add_argument("--launcher", choices=("process", "thread"), default="process", help="where it trains")


def train(options: argparse.Namespace) -> int:
    """Do the run that the options ask for; status 1 where it failed."""
    from studio.home import open_home
    from studio.run.submit import submit

    home = open_home(options.home)
    run = submit(home, asked_recipe(options))
    with contextlib.redirect_stdout(sys.stderr):  # what a training thread prints is not the answer
        ended_well = _watch(home, run, options)
    if options.json:
        print(json.dumps(_result(run)))
    else:
        print(run.path)
    if not ended_well:
        ended = run.ended()
        raise StudioError(ended.message if ended else f"The trainer of {run.name} vanished; see {run.log_path}.")
    return 0


def named_recipe(name: str) -> Recipe:
    """The recipe in a YAML file, or the preset of that name. Raises StudioError where it is none."""
    from studio.recipe.presets import preset_named
    from studio.recipe.read import load_recipe

    path = Path(name)
    return load_recipe(path) if path.suffix or path.is_file() else preset_named(name).recipe


def asked_recipe(options: argparse.Namespace) -> Recipe:
    """The named file or preset with the changes asked for. Raises StudioError where it is none or they do not fit."""
    from studio.recipe.read import changed

    recipe = named_recipe(options.recipe)
    changes: dict[str, Any] = {}
    if options.model:
        changes["model.id"] = options.model
    if options.data:
        changes |= {"data.path": options.data, "data.held_out_path": ""}
        changes |= {"data.prompt_column": "", "data.completion_column": ""}
    if options.held_out:
        changes["data.held_out_path"] = options.held_out
    for text in options.set:
        key, equals, value = text.partition("=")
        if not equals:
            raise StudioError(f"You gave --set {text!r:.60}, but it has no =. Write --set training.epochs=3.")
        changes[key.strip()] = value.strip()
    return changed(recipe, changes)


def launcher_of(options: argparse.Namespace, home: Home) -> Launcher:
    """Where the options want it trained."""
    from studio.run.launchers import ProcessLauncher, ThreadLauncher

    return ThreadLauncher() if options.launcher == "thread" else ProcessLauncher(home)


def _watch(home: Home, run: Run, options: argparse.Namespace) -> bool:
    """Wait for the run to end, doing it here unless an open studio does; whether it ended well."""
    from studio.run.directory import Status
    from studio.run.queue import Queue

    queue = Queue(home, launcher_of(options, home), spare=False)
    queue.start()
    cursor = 0
    try:
        while not (status := run.status()).over:
            cursor = _report(run, cursor)
            time.sleep(TICK)
        _report(run, cursor)
    except KeyboardInterrupt:
        run.ask_to_stop()
        print("Stopping at the next step; what was learned is kept.", file=sys.stderr)
        while not (status := run.status()).over:
            time.sleep(TICK)
    finally:
        queue.close()
    return status in {Status.FINISHED, Status.STOPPED}


def _report(run: Run, cursor: int) -> int:
    """Print what is new to standard error."""
    events, cursor = run.events(cursor)
    for event in events:
        if line := _line(event):
            print(line, file=sys.stderr, flush=True)
    return cursor


def _line(event: Any) -> str:
    match event.kind:
        case "phase":
            return f"{event.phase} ..."
        case "decision":
            return f"  {event.choice}: {event.reason}"
        case "warning":
            return f"  warning: {event.message}"
        case "started":
            return f"  {event.rows} rows, {event.steps} steps, {event.trainable_parameters:,} weights to train"
        case "metrics" if "eval_loss" in event.values:
            return f"  step {event.step}: held-out loss {event.values['eval_loss']:.4f}"
        case "metrics" if "loss" in event.values and event.step % 10 == 0:
            return f"  step {event.step}: loss {event.values['loss']:.4f}"
        case _:
            return ""


def _result(run: Run) -> dict[str, Any]:
    events, _ = run.events()
    metrics = [event for event in events if event.kind == "metrics"]
    speeds = [event.values["tokens_per_second"] for event in metrics if "tokens_per_second" in event.values]
    return {
        "run": run.name,
        "folder": str(run.path),
        "status": run.status().value,
        "train_loss": [[event.step, event.values["loss"]] for event in metrics if "loss" in event.values],
        "eval_loss": [[event.step, event.values["eval_loss"]] for event in metrics if "eval_loss" in event.values],
        "tokens_per_second": sum(speeds) / len(speeds) if speeds else 0.0,
    }


def _options_text() -> str:
    from studio.data.part import DataPart
    from studio.knob import knobs
    from studio.recipe.methods.every import METHODS, name_of
    from studio.recipe.recipe import ModelPart, TrainingPart

    lines = ["options of the recipe (for --set):"]
    parts: list[tuple[str, type[BaseModel]]] = [("model", ModelPart), ("data", DataPart)]
    parts += [*(("method", method) for method in METHODS), ("training", TrainingPart)]
    for prefix, part in parts:
        for knob in knobs(part):
            key = f"  {prefix}.{knob.name}"
            if not any(line.startswith(f"{key} ") for line in lines):
                lines.append(f"{key} = {knob.default!r}  {knob.help}")
    names = ", ".join(name_of(method) for method in METHODS)
    return "\n".join([*lines, f"  method.name = 'lora'  One of {names}."])
