"""Base, base with examples and tuned model scored on the bundled samples and on real files, with intervals.

python benchmarks/evaluations.py [--data FOLDER] [--only NAME ...]

Real files are read by the studio where they lie (FOLDER: see its SOURCES.md), a sample is drawn by seed, the starter is
trained on it as its preset says (fewer passes over long rows), and the held-out rows are scored as `studio score` does.
The starter knows a small invented town and nothing else: on real texts its figures are low, and are printed as they
come. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
SEED = 7
HELD_OUT = 100
INTENTS = ("alarm", "book_flight", "pto_request", "recipe", "spelling")
INTENTS += ("tell_joke", "tire_pressure", "transfer", "translate", "weather")


@dataclass(frozen=True)
class Set:
    """Rows to train and to score: (prompt, completion) each, and how the recipe differs from the preset."""

    name: str
    train: list[tuple[str, str]]
    held_out: list[tuple[str, str]]
    options: tuple[str, ...] = ()


def bundled() -> Iterator[Set]:
    """The samples that come with the studio."""
    for name in ("tickets", "house-voice", "queues"):
        folder = ROOT / "assets" / "samples" / name
        train, held_out = (pairs(next(folder.glob(f"{part}.*"))) for part in ("train", "held_out"))
        yield Set(name, train, held_out[:HELD_OUT])


def real(data: Path) -> Iterator[Set]:
    """Three real files that suit a model of 2 M weights and 512 tokens of context."""
    spam = pairs(data / "sms-spam" / "spam.csv", prompt_column="v2", completion_column="v1")
    yield Set("sms-spam", *parted(spam, 400))
    with (data / "clinc-oos" / "data_small.json").open("rb") as file:
        splits = json.load(file)
    intents = [(str(text), str(intent)) for text, intent in splits["train"] + splits["val"] if intent in INTENTS]
    yield Set(f"clinc-oos, {len(INTENTS)} of 150 intents", *parted(intents, 400))
    sums = [pair for pair in pairs(data / "gsm8k" / "test.jsonl") if sum(map(len, pair)) < 400]
    yield Set("gsm8k, short rows", *parted(sums, 250, 60), ("training.epochs=4",))


def pairs(path: Path, **options: Any) -> list[tuple[str, str]]:
    """The usable rows of a file as the studio reads it."""
    from studio.data.dataset import prepare
    from studio.data.part import DataPart

    rows = prepare(DataPart(path=str(path), held_out_share=0.0, **options)).train
    return [(row.prompt, row.completion) for row in rows]


def parted(rows: list[tuple[str, str]], train: int, held_out: int = HELD_OUT) -> tuple[list[Any], list[Any]]:
    """Some rows to train on and some to score, drawn by seed."""
    import numpy as np

    drawn = [rows[i] for i in np.random.default_rng(SEED).permutation(len(rows))]
    return drawn[held_out : held_out + train], drawn[:held_out]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of real files; without it only the bundled samples")
    parser.add_argument("--only", nargs="*", default=[], help="only sets whose names begin so")
    options = parser.parse_args()
    print(describe_machine())
    sets = [*bundled(), *(real(options.data) if options.data else ())]
    short = ["| rows | n | metric | base | few-shot | tuned | tuned against base |", "|---|---|---|---|---|---|---|"]
    for each in sets:
        if not options.only or each.name.startswith(tuple(options.only)):
            with tempfile.TemporaryDirectory() as folder:
                result, trained = measured(each, Path(folder))
            print(table(each, result, trained), flush=True)
            scores = result.scores
            short += [
                f"| {each.name} | {scores.n} {line(metric)}"
                for metric in scores.metrics
                if metric.name in {scores.main, "exact_match", "loss"}
            ]
    print("\n" + "\n".join(short))


def measured(what: Set, folder: Path) -> tuple[Any, float]:
    """Train and score: the result of the evaluation, and the seconds that training took with its start."""
    from studio.answer.evaluation.begin import begin_scores
    from studio.home import open_home
    from studio.run.directory import Run

    home = open_home(folder / "home")
    files = [folder / f"{part}.jsonl" for part in ("train", "held_out")]
    for file, rows in zip(files, (what.train, what.held_out), strict=True):
        file.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in rows), "utf-8")
    changes = [word for option in what.options for word in ("--set", option)]
    command = ["train", "starter", "--data", str(files[0]), "--held-out", str(files[1]), *changes]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "studio", *command, "--home", str(home.root), "--json"], cwd=ROOT, capture_output=True
    )
    if done.returncode:
        raise SystemExit(f"{what.name}: {done.stderr.decode()[-2000:]}")
    trained = time.perf_counter() - began
    evaluation = begin_scores(home, Run(Path(json.loads(done.stdout)["folder"])))
    child = [sys.executable, "-m", "studio.answer.evaluation", str(evaluation.path)]
    with subprocess.Popen(child, cwd=ROOT, stdin=subprocess.PIPE) as process:  # it ends when its input is closed
        while process.poll() is None:
            time.sleep(0.2)
    result = evaluation.result()
    if result is None:
        raise SystemExit(f"{what.name}: {evaluation.error() or evaluation.status()}")
    return result, trained


def table(what: Set, result: Any, trained: float) -> str:
    """Each metric that says how good answers are, by contestant, in Markdown."""
    scores = result.scores
    lines = [
        f"\n**{what.name}** ({len(what.train)} rows trained on in {trained:.0f} s, {scores.n} scored in "
        f"{result.seconds:.0f} s). {scores.headline}\n",
        "| metric | base | few-shot | tuned | tuned against base |",
        "|---|---|---|---|---|",
    ]
    order = sorted(scores.metrics, key=lambda each: each.name != scores.main)
    lines += [line(metric) for metric in order if metric.better != "neither"]
    return "\n".join([*lines, *[f"\n{note}" for note in result.notes]])


def line(metric: Any) -> str:
    """One metric as a line of a table."""
    from studio.share.facts import spoken

    names = ("base", "few-shot", "tuned")
    cells = [spoken(metric.figures[who], metric.unit) if who in metric.figures else "–" for who in names]
    apart = metric.differences.get("tuned")
    return f"| {metric.title} | {' | '.join(cells)} | {apart.words if apart else '–'} |"


if __name__ == "__main__":
    main()
