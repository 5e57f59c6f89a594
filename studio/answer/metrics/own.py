"""A user's own metric: a Python file with a function `score(answers, references) -> list of numbers`.

The file is executed, so it is taken from the command line only, by the child that evaluates; its values are kept in the
rows, and whoever scores rows reads them there.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from studio.answer.evaluation.answered import AnsweredRow
from studio.data.wording import counted, quoted
from studio.errors import StudioError

FORM = "Write: def score(answers: list[str], references: list[str]) -> list[float]"

Score = Callable[[list[str], list[str]], Any]


def with_own(rows: Sequence[AnsweredRow], file: str | Path) -> list[AnsweredRow]:
    """The rows with what the file's function gives for each contestant's answers. This executes the file.

    Raises:
        StudioError: the file cannot be read, has no such function, or the function fails or gives no number for an
            answer.
    """
    score = _function(Path(file).expanduser())
    given: list[dict[str, float]] = [{} for _ in rows]
    for name in dict.fromkeys(name for row in rows for name in row.answers):
        places = [place for place, row in enumerate(rows) if name in row.answers]
        answers = [rows[place].answers[name] for place in places]
        values = _values(score, answers, [rows[place].reference for place in places], str(file))
        for place, value in zip(places, values, strict=True):
            given[place][name] = value
    return [row.model_copy(update={"own": own}) for row, own in zip(rows, given, strict=True)]


def check(file: str | Path) -> None:
    """Execute the file and see that it can be used, before anybody answers.

    Raises StudioError as `with_own` does.
    """
    _values(_function(Path(file).expanduser()), ["an answer"], ["a reference"], str(file))


def _function(file: Path) -> Score:
    if not file.is_file():
        raise StudioError(f"The metric {quoted(str(file))} is no file. Give the path of a Python file. {FORM}.")
    spec = importlib.util.spec_from_file_location("own_metric", file)
    if spec is None or spec.loader is None:
        raise StudioError(f"The metric {quoted(file.name)} is no Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise StudioError(f"The metric {quoted(file.name)} cannot be loaded: {_said(error)}. Mend the file.") from error
    score = getattr(module, "score", None)
    if not callable(score):
        raise StudioError(f"The metric {quoted(file.name)} has no function named score. {FORM}.")
    return score


def _values(score: Score, answers: list[str], references: list[str], file: str) -> list[float]:
    name = quoted(Path(file).name)
    try:
        values = list(score(list(answers), list(references)))
        numbers = [float(value) for value in values]
    except Exception as error:
        raise StudioError(
            f"The function score of the metric {name} failed: {_said(error)}. It gets two lists of texts and returns a "
            "list of numbers."
        ) from error
    if len(numbers) != len(answers):
        raise StudioError(
            f"The function score of the metric {name} returned {counted(len(numbers), 'number')} for "
            f"{counted(len(answers), 'answer')}. Return one number for each answer, in their order."
        )
    if wrong := [place for place, number in enumerate(numbers) if not isfinite(number)]:
        raise StudioError(
            f"The function score of the metric {name} returned {numbers[wrong[0]]} for answer {wrong[0] + 1}. Return a "
            "finite number, such as 0 for an answer that cannot be judged."
        )
    return numbers


def _said(error: Exception) -> str:
    """The error and its line in the file, without a full stop."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    line = f" (line {at.tb_lineno} of {Path(at.tb_frame.f_code.co_filename).name})" if at else ""
    return f"{type(error).__name__}: {error}".rstrip(". ")[:300] + line
