"""What the page asks to begin: models of what it may send, read with all problems at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from studio.answer.evaluation.request import SHOTS, Judge, Rule
from studio.answer.metrics.rules import MOST_RULES, problems
from studio.errors import StudioError
from studio.ui.compare.question import Name, Sent

MOST_CONTESTANTS = 8  # besides base, few-shot and tuned
MOST_PROBLEMS = 10
HOLDS_A_PLACE = Rule(kind="contains", text="x")  # so that the rules behind one that cannot be read keep their numbers

Checkpoint = Annotated[str, StringConstraints(pattern=r"^checkpoint-[0-9]{1,12}$")]
RunName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Rules = Annotated[tuple[dict[str, Any], ...], Field(max_length=MOST_RULES)]
"""Read one by one by `rules_of`, so that each problem names its rule."""

LABELS = {
    "limit": "How many rows",
    "shots": "Examples",
    "checkpoints": "Checkpoints",
    "others": "Other runs",
    "rules": "Rules",
    "judge": "Judge",
    "url": "Address",
    "model": "Model",
    "key_from": "Variable with the key",
    "text": "What to look for",
    "title": "Name",
    "kind": "Kind",
    "file": "File",
}


class AskedScores(Sent):
    """Scores of a run on its held-out rows. `limit` None: all of them."""

    run: RunName
    limit: int | None = Field(default=None, ge=1, le=1_000_000)
    shots: int = Field(default=SHOTS, ge=0, le=32)
    checkpoints: Annotated[tuple[Checkpoint, ...], Field(max_length=MOST_CONTESTANTS)] = ()
    others: Annotated[tuple[RunName, ...], Field(max_length=MOST_CONTESTANTS)] = ()
    rules: Rules = ()
    judge: Judge | None = None


class AskedRules(Sent):
    """The rules that are added to an evaluation, all of them."""

    rules: Rules = ()


class AskedDrift(Sent):
    """New data by the name that GET /evaluate/files tells."""

    run: RunName
    file: Name


B = TypeVar("B", bound=BaseModel)


def read(kind: type[B], sent: Mapping[str, Any], where: str = "") -> B:
    """What a page sent. Raises StudioError with everything that is wrong with it."""
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        raise StudioError(*(f"{where}{problem}" for problem in _in_words(error))) from error


def rules_of(sent: tuple[dict[str, Any], ...], most: int = MOST_RULES) -> tuple[Rule, ...]:
    """The rules. Raises StudioError with the problems of all of them, each with its rule's number."""
    rules, found = [], list[str]()
    for number, each in enumerate(sent, 1):
        try:
            rules.append(read(Rule, each, f"Rule {number}: "))
        except StudioError as error:
            found.extend(error.problems)
            rules.append(HOLDS_A_PLACE)
    found.extend(problems(rules))
    if len(rules) > most:
        found.append(f"At most {MOST_RULES} rules are checked in all. Remove {len(rules) - most} of these.")
    if found:
        raise StudioError(*found)
    return tuple(rules)


def _in_words(error: ValidationError) -> list[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [_problem(each["loc"], each["type"], each["msg"]) for each in found[:MOST_PROBLEMS]]


def _problem(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    last = str(loc[-1]) if loc else ""
    label = LABELS.get(last, last)[:80]
    if kind in ("string_too_short", "missing"):
        return f"{label} is empty. Fill it in."
    if kind == "too_long":
        most = MOST_RULES if last == "rules" else MOST_CONTESTANTS
        return f"{label}: at most {most} at once. Leave some out."
    return f"{label}: {message}. Change it and send again."
