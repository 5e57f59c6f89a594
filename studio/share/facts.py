"""What is said of a run wherever it is presented, in the report and in the model card: its rows, scores, forgetting."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from studio.answer.evaluation.added_rules import added_rules
from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.folder import Evaluation, evaluations_of
from studio.answer.evaluation.request import Request
from studio.answer.evaluation.result import Figure, MetricResult, Result
from studio.answer.metrics.scoring import score_rows
from studio.data.mends.every import MENDS
from studio.data.wording import counted, quoted
from studio.errors import StudioError
from studio.run.directory import Run
from studio.run.looks.needle import Needle, needle_of
from studio.share.naming import bare_name

BY = {"prompt": "equal prompts stay together", "group": "groups stay together", "label": "each class by the same share"}


@dataclass(frozen=True)
class DataFacts:
    """Where the rows came from and how they were divided; `mends` and `mixed` in words."""

    name: str
    format: str
    columns: tuple[str, ...]
    rows: int
    train: int
    held_out: int
    fingerprint: str
    split: str
    mends: tuple[str, ...]
    mixed: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """A finished evaluation of held-out rows."""

    evaluation: Evaluation
    request: Request
    result: Result

    @property
    def names(self) -> list[str]:
        """The contestants, as they were asked."""
        return [each.name for each in self.request.contestants]

    @property
    def main(self) -> MetricResult | None:
        """The metric that is looked at first."""
        return next((each for each in self.result.scores.metrics if each.name == self.result.scores.main), None)

    @cached_property
    def rows(self) -> list[AnsweredRow]:
        """Its rows with everybody's answers."""
        return self.evaluation.rows()


@dataclass(frozen=True)
class Facts:
    """What a model card says of a run beside its recipe. None: it is not known."""

    data: DataFacts
    scored: Scored | None
    needle: Needle | None


def facts_of(run: Run) -> Facts:
    """The facts of a run. Raises StudioError where what it was trained on cannot be read."""
    return Facts(data_facts(run), newest_scores(run), needle_of(run.events()[0]))


def data_facts(run: Run) -> DataFacts:
    """What the run wrote down of its rows. Raises StudioError where that cannot be read."""
    try:
        source = run.source()
    except (OSError, ValueError) as error:
        raise StudioError(
            f"What {run.name} was trained on cannot be read ({type(error).__name__}). Look whether its data folder is "
            "whole."
        ) from error
    return DataFacts(
        name=str(source.get("name") or "?"),
        format=str(source.get("format") or ""),
        columns=tuple(map(str, source.get("columns") or ())),
        rows=int(source.get("rows") or 0),
        train=int(source.get("train_rows") or 0),
        held_out=int(source.get("held_out_rows") or 0),
        fingerprint=str(source.get("fingerprint") or ""),
        split=_split(source.get("split") or {}),
        mends=tuple(_mend(each) for each in source.get("mends") or ()),
        mixed=tuple(_mix(each) for each in source.get("mix") or ()),
        notes=tuple(map(str, source.get("notes") or ())),
    )


def _split(split: dict[str, Any]) -> str:
    if split.get("path"):
        return f"The held-out rows came in a file of their own, {quoted(bare_name(str(split['path'])))}."
    if not split.get("share"):
        return "No rows were held out."
    by = BY.get(str(split.get("by")), "")
    return f"{100 * split['share']:.0f} % of the rows were held out: {by}, drawn with seed {split.get('seed')}."


def _mend(mend: dict[str, Any]) -> str:
    """What a mend has done, and with which options."""
    kind = next((each for each in MENDS if each.model_fields["kind"].default == mend.get("kind")), None)
    options = {key: value for key, value in mend.items() if key != "kind" and value not in ("", None, [], {})}
    said = kind.done if kind else str(mend.get("kind"))
    rows = options.pop("rows", None)
    named = [f"{key} {quoted(str(value))}" for key, value in options.items()]
    named += [counted(len(rows), "row")] if isinstance(rows, list | tuple) else []
    return f"{said} ({', '.join(named)})" if named else said


def _mix(mix: dict[str, Any]) -> str:
    beside = "" if mix.get("held_out", True) else ", none of them held out"
    return f"{bare_name(str(mix.get('path')))}: {float(mix.get('weight') or 0):g} rows for each row of the file{beside}"


def newest_scores(run: Run) -> Scored | None:
    """The run's newest finished evaluation of held-out rows; None without one. A damaged one is passed over."""
    return _newest(run, "scores")


def newest_drift(run: Run) -> Scored | None:
    """The run's newest finished look at new data."""
    return _newest(run, "drift")


def _newest(run: Run, kind: str) -> Scored | None:
    for evaluation in evaluations_of(run):
        try:
            request = evaluation.request
            if request.kind == kind and (result := evaluation.result()):
                return _with_added_rules(Scored(evaluation, request, result))
        except StudioError:
            continue
    return None


def _with_added_rules(scored: Scored) -> Scored:
    """The same with the rules that were added after the answers were there."""
    added = added_rules(scored.evaluation)
    if not added:
        return scored
    request = scored.request.model_copy(update={"rules": (*scored.request.rules, *added)})
    result = scored.result.model_copy(update={"scores": score_rows(scored.rows, request)})
    return Scored(scored.evaluation, request, result)


def spoken(figure: Figure, unit: str) -> str:
    """A figure with its interval, whose ends have as many decimals as itself: "92 % (85 to 97)"."""
    if not all(map(math.isfinite, (figure.low, figure.high))) or figure.low == figure.high:
        return figure.text
    decimals = re.search(r"\.(\d+)", figure.text)
    low, high = (_end(end, unit, len(decimals[1]) if decimals else 0) for end in (figure.low, figure.high))
    percent = " %" if unit == "share" and not figure.text.endswith("%") else ""
    return f"{figure.text} ({low} to {high}{percent})"


def _end(value: float, unit: str, decimals: int) -> str:
    said = f"{100 * value if unit == 'share' else value:,.{decimals}f}"
    return f"under {10.0**-decimals:.{decimals}f}" if value > 0 and not float(said.replace(",", "")) else said
