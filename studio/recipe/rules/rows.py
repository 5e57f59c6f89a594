"""Whether there are rows, whether they fit the task, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from studio.data.division.mix import GENERAL
from studio.data.hub.words import is_hub_id
from studio.data.wording import counted, quoted
from studio.recipe.problem import Move, Problem
from studio.recipe.rules.case import Case, Rule
from studio.recipe.tasks import SequenceClassification

WRITE = Move("Set the task to language modeling", {"task.name": "language-modeling"})
HOLD_OUT = Move("Hold out a tenth", {"data.held_out_share": 0.1})
FULLEST = 8  # rows of a batch that a button sets at most


def usable_rows(case: Case) -> Iterator[Problem]:
    """Rows to learn from, with nothing that stands in the way."""
    if case.prepared is None:
        yield Problem(
            "data.path",
            "There is nothing to learn from yet. Upload a file of pairs, or choose a sample, in the Data tab.",
        )
        return
    for message in case.prepared.report.errors:
        yield Problem("data.path", message)


def classes(case: Case) -> Iterator[Problem]:
    """Classification wants a text and one of a few classes in each row."""
    task = case.recipe.task
    if not isinstance(task, SequenceClassification) or case.prepared is None or not case.rows:
        return
    if not any(case.prepared.train.column("prompt").to_pylist()):
        yield Problem(
            "task.name",
            "You set the task to classification, but the rows are plain text, without classes. Set the task to "
            "language modeling, or name the column of the class as the completion column in the Data tab.",
            moves=(WRITE,),
        )
        return
    found = {completion.strip() for completion in case.prepared.train.column("completion").to_pylist()}
    if len(found) < 2:
        yield Problem(
            "data.completion_column",
            f"You set the task to classification, but all rows are of one class ({quoted(min(found))}), so there is "
            "nothing to tell apart. Choose another completion column, or rows of two classes or more.",
        )
    elif len(found) > task.most_classes:
        more = Move(f"Allow {len(found):,} classes", {"task.most_classes": len(found)})
        yield Problem(
            "task.name",
            f"You set the task to classification, but the completions are {len(found):,} different texts, and the "
            f"recipe takes {task.most_classes:,} classes at most. Set the task to language modeling, or choose the "
            "column that holds the class.",
            moves=(WRITE, more) if len(found) <= min(10_000, case.rows // 2) else (WRITE,),
        )


def larger_batch_than_rows(case: Case) -> Iterator[Problem]:
    """A pass of a single step is a coarse one."""
    if 0 < case.rows < case.batch:
        fewer = max(1, min(FULLEST, case.rows // 4))
        yield Problem(
            "training.batch_size",
            f"You set {case.batch} rows a step, but there are only {case.rows} training rows. Each pass is then a "
            f"single step. Set {fewer} rows a step.",
            "warning",
            (Move(f"{fewer} rows a step", {"training.batch_size": fewer, "training.gradient_accumulation": 1}),),
        )


def held_out(case: Case) -> Iterator[Problem]:
    """What goes by the held-out loss needs held-out rows, and checks."""
    training = case.recipe.training
    wanted = {
        "early stopping": training.early_stopping > 0,
        "keeping the best": training.keep_best,
        "the schedule reduce_lr_on_plateau": training.schedule == "reduce_lr_on_plateau",
    }
    names = [name for name, asked in wanted.items() if asked]
    if not case.rows:
        return
    off = Move("Switch it off", _without_checks(case))
    if names and not case.held_out:
        yield Problem(
            "data.held_out_share",
            f"You set {names[0]}, which goes by the loss on held-out rows, but no rows are held out. Hold out a tenth "
            "of the rows, or switch it off.",
            moves=(HOLD_OUT, off),
        )
    elif names and not training.evaluations:
        yield Problem(
            "training.evaluations",
            f"You set {names[0]}, which goes by the loss on held-out rows, but that is never measured. Set the "
            "held-out checks to 8, or switch it off.",
            moves=(Move("8 held-out checks", {"training.evaluations": 8}), off),
        )
    elif not case.held_out:
        yield Problem(
            "data.held_out_share",
            f"No rows are held out of {counted(case.rows, 'row')}, so nobody can tell whether the model learns the "
            "task or only these rows. Hold out a tenth of them.",
            "warning",
            (HOLD_OUT,),
        )


def _without_checks(case: Case) -> dict[str, object]:
    changes: dict[str, object] = {"training.early_stopping": 0, "training.keep_best": False}
    if case.recipe.training.schedule == "reduce_lr_on_plateau":
        changes["training.schedule"] = "cosine"
    return changes


def general_rows(case: Case) -> Iterator[Problem]:
    """The bundled general rows remind the starter of what it knows; to any other base they are news."""
    base, mixed = case.recipe.model.id, case.recipe.data.mix
    if is_hub_id(base) and any(mix.path == GENERAL for mix in mixed):
        others = [mix.model_dump() for mix in mixed if mix.path != GENERAL]
        yield Problem(
            "data.mix",
            f"You mix in the bundled general rows, which speak of the starter's invented town: {quoted(base)} does not "
            "know it, and would learn it. Remove them, or mix in rows like those that this base was trained on.",
            "warning",
            (Move("Remove the general rows", {"data.mix": others}),),
        )


RULES: tuple[Rule, ...] = (usable_rows, classes, larger_batch_than_rows, held_out, general_rows)
