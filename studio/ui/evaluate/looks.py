"""Evaluations as the page looks at them: rows with all their values, kept while their folders stay as they are."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from studio.answer.evaluation.added_rules import NAME as ADDED
from studio.answer.evaluation.added_rules import added_rules
from studio.answer.evaluation.answered import AnsweredRow
from studio.answer.evaluation.folder import Evaluation
from studio.answer.evaluation.request import Request, Rule
from studio.answer.evaluation.result import Result, Scores
from studio.answer.metrics.scoring import score_rows
from studio.errors import StudioError

MOST_KEPT = 4
NOT_YET = "This evaluation is not finished, so there are no scores yet. Wait for it, or let it go on."

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Look:
    """A finished evaluation. `scores` has the metrics of the added rules too, and the values of each row."""

    evaluation: Evaluation
    request: Request
    added: tuple[Rule, ...]
    result: Result
    rows: Sequence[AnsweredRow]
    scores: Scores


class Looks:
    """The last few evaluations that were looked at. For any number of threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[Stamp, Look]] = OrderedDict()
        self._guard = threading.Lock()

    def at(self, evaluation: Evaluation) -> Look:
        """An evaluation as it is at this moment.

        Raises:
            StudioError: it is not finished, or its folder was damaged.
        """
        now = stamp_of(evaluation)
        with self._guard:  # one at a time: each takes its second of a core
            before = self._kept.pop(evaluation.path, None)
            look = before[1] if before and before[0] == now else _look(evaluation)
            self._kept[evaluation.path] = now, look
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return look


def written(evaluation: Evaluation) -> Look:
    """What a finished evaluation left, with no values of rows and at once. Raises StudioError as `Looks.at` does."""
    if (result := evaluation.result()) is None:
        raise StudioError(NOT_YET)
    return Look(evaluation, evaluation.request, (), result, (), result.scores)


def stamp_of(evaluation: Evaluation) -> Stamp:
    """What changes when something in the folder does that is looked at here."""
    return tuple(_changed(evaluation.path / name) for name in ("request.json", "result.json", ADDED))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _look(evaluation: Evaluation) -> Look:
    left, rows, added = written(evaluation), evaluation.rows(), added_rules(evaluation)
    scored = score_rows(rows, asked_here(left.request, added))
    return replace(left, added=added, rows=rows, scores=_joined(left.scores, scored))


def asked_here(request: Request, added: Sequence[Rule] = ()) -> Request:
    """The request with the rules that were added, and without a metric of the user's own: its code never runs here."""
    return request.model_copy(update={"own": "", "rules": (*request.rules, *added)})


def _joined(written: Scores, scored: Scores) -> Scores:
    """What the evaluation left, with the values of each row and the metrics of the rules that were added since."""
    known = {each.name for each in written.metrics}
    new = [each for each in scored.metrics if each.name not in known]
    return written.model_copy(update={"metrics": [*written.metrics, *new], "values": scored.values})
