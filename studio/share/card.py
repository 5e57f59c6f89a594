"""What a model card says of a run's scores, rows and forgetting, in Markdown and in the Hub's metadata."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from studio.answer.evaluation.request import TUNED
from studio.data.wording import counted
from studio.share.facts import DataFacts, Facts, Scored, spoken
from studio.share.naming import PublicBase

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

TASKS = {"text": ("text-generation", "Text generation"), "classes": ("text-classification", "Text classification")}
LONGEST = 200  # characters of a user's text in one line of the card
_MARKED = re.compile(r"([\\`*_{}\[\]<>#|~])")


def metadata(name: str, library: str, base: PublicBase, facts: Facts | None) -> str:
    """The card's YAML, without its dashes, as huggingface_hub writes it: the tuned model's figures as a model index.

    Each figure is named with the number of rows behind it, and has its interval and the base's figure among its
    arguments. The manner of answers, such as their length, is left out.
    """
    from huggingface_hub import ModelCardData

    results = _results(facts.scored, facts.data) if facts and facts.scored else []
    data = ModelCardData(
        library_name=library,
        base_model=base.name if base.on_hub else None,
        model_name=name if results else None,
        eval_results=results or None,
    )
    return data.to_yaml() + "\n"


def _results(scored: Scored, data: DataFacts) -> list[EvalResult]:
    from huggingface_hub import EvalResult

    scores, (kind, title) = scored.result.scores, TASKS[scored.request.task]
    found = []
    for metric in scores.metrics:
        figure = metric.figures.get(TUNED)
        if figure is None or metric.better == "neither" or metric.family == "manner" or not math.isfinite(figure.value):
            continue
        against = metric.figures.get(scores.against)
        interval = {"interval_95": [round(figure.low, 4), round(figure.high, 4)]}
        beside = {scores.against: round(against.value, 4)} if against else {}
        found.append(
            EvalResult(
                task_type=kind,
                task_name=title,
                dataset_type=_one_line(data.name),
                dataset_name=f"{_one_line(data.name)}, held-out rows",
                dataset_args={"rows": scores.n, "fingerprint_of_training_rows": data.fingerprint},
                metric_type=metric.name,
                metric_name=f"{metric.title} (n = {scores.n})",
                metric_value=round(figure.value, 4),
                metric_args={"n": scores.n, "unit": metric.unit, "better": metric.better} | interval | beside,
            )
        )
    return found


def sections(facts: Facts) -> str:
    """Scores, training data and forgetting as sections of Markdown."""
    return "".join([_scores(facts.scored), _data(facts.data), _forgetting(facts)])


def _scores(scored: Scored | None) -> str:
    if scored is None:
        return ""
    scores = scored.result.scores
    names = scored.names
    lines = [f"| | {' | '.join(map(plain, names))} |", f"|---{'|---' * len(names)}|"]
    for metric in sorted(scores.metrics, key=lambda each: each.name != scores.main):
        if metric.better != "neither":
            cells = [spoken(metric.figures[who], metric.unit) if who in metric.figures else "–" for who in names]
            lines.append(f"| {plain(metric.title)} | {' | '.join(map(plain, cells))} |")
    about = f"{counted(scores.n, 'row')} that it was not trained on, answered greedily; in brackets 95 % intervals."
    return f"\n## Scores\n\n{plain(scores.headline)}\n\n" + "\n".join(lines) + f"\n\n{about}\n"


def _data(data: DataFacts) -> str:
    rows = f"{data.train:,} trained on, {data.held_out:,} held out, from {plain(data.name)}. {plain(data.split)}"
    lines = [
        f"- **Rows:** {rows}",
        *[f"- **Mended:** {plain(each)}" for each in data.mends],
        *[f"- **Mixed in:** {plain(each)}" for each in data.mixed],
        f"- **Fingerprint of the rows trained on:** `{data.fingerprint}`",
    ]
    return "\n## Training data\n\n" + "\n".join(lines) + "\n"


def _forgetting(facts: Facts) -> str:
    return f"\n## Forgetting\n\n{plain(facts.needle.words)}\n" if facts.needle else ""


def plain(text: str) -> str:
    """A text that Markdown shows as it is, in one line and no longer than a card can hold."""
    said = _one_line(text)
    return _MARKED.sub(r"\\\1", said if len(said) <= LONGEST * 2 else f"{said[:LONGEST]} …")


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[: LONGEST * 4]
