"""Beginning an evaluation: who answers, which rows, and its folder made. Imports no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from studio.answer.evaluation.folder import EVALUATIONS, Evaluation, make_evaluation
from studio.answer.evaluation.request import BASE as BASE_NAME
from studio.answer.evaluation.request import FEW_SHOT, SHOTS, TUNED, Contestant, Judge, Request, Rule
from studio.answer.few_shot import shots as shots_of
from studio.answer.voice import BASE, Voice
from studio.answer.wanted import wanted_by
from studio.data.example import Examples
from studio.data.part import DataPart
from studio.data.wording import counted, names
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.models import locate
from studio.recipe.recipe import Recipe
from studio.recipe.tasks import AnyTask, MaskedLanguageModeling, SequenceClassification
from studio.run.directory import Run, find_run
from studio.run.submit import prepare_part

MOST_ROWS = 200  # held-out rows that are asked unless more are wanted: enough to tell 15 points from chance
BASELINE_ROWS = 48  # answered by the starter, plain and with examples, in well under a minute
DRIFT_ROWS = 300  # of new data and of known data each: reading is quick
POOL = 64  # training rows out of which those before a question are taken
SEED = 42
ANY_ROOM = 10**9  # tokens: how much fits is seen when the model is there


def begin_scores(
    home: Home,
    run: Run,
    shots: int = SHOTS,
    limit: int | None = None,
    checkpoints: Sequence[int] = (),
    others: Sequence[str] = (),
    rules: Sequence[Rule] = (),
    judge: Judge | None = None,
    own: str = "",
) -> Evaluation:
    """Ask base and tuned model, and others, the held-out rows of a run. Returns at once: the folder waits its turn.

    Args:
        home: where other runs are looked for.
        run: a run with a result.
        shots: training rows before each question of a further contestant, the base with examples; 0: nobody.
        limit: rows at most, drawn evenly; None: 200.
        checkpoints: steps of checkpoints that answer too.
        others: names of other runs that answer too.
        rules: a user's own checks.
        judge: who marks the answers, if anybody.
        own: a Python file with a user's own metric.

    Raises:
        StudioError: nothing is held out, the rows ask nothing, or one of those who are to answer cannot.
    """
    task = run.recipe.task
    held_out = run.examples("held_out")
    _refuse(run.name, task, held_out)
    rows, rows_are = drawn(held_out, limit or MOST_ROWS, "held-out row")
    folder = str(run.path)
    tuned = [Contestant(name=TUNED, voice=Voice.of_run(folder))]
    tuned += [_checkpoint(run, step) for step in checkpoints]
    tuned += [Contestant(name=run.name, voice=Voice.of_run(str(run.path))) for run in _others(home, run, others)]
    for each in tuned:
        wanted_by(each.voice)  # raises where there is nothing to ask
    base = Voice.of_run(folder, BASE)
    classes = isinstance(task, SequenceClassification)
    shown, notes = (None, ()) if classes else _shown(run.examples("train"), shots)
    request = Request(
        task="classes" if classes else "text",
        contestants=(*_bases(base, shots if shown else 0), *tuned),
        rules=tuple(rules),
        judge=judge,
        own=own,
        rows_are=rows_are,
        notes=notes,
        usual_class=_most_frequent(run.examples("train")) if classes else "",
    )
    return make_evaluation(run.path / EVALUATIONS, request, rows, shown)


def begin_baseline(home: Home, recipe: Recipe, sample: int | None = None, shots: int = SHOTS) -> Evaluation:
    """Ask a recipe's base, plain and with training rows before the question, some of its held-out rows.

    Args:
        home: where the baseline is kept.
        recipe: what is about to be trained.
        sample: rows at most, drawn evenly; None: as many as the bundled starter answers in well under a minute.
        shots: training rows before a question.

    Raises:
        StudioError: the data or the base cannot be read, nothing would be held out, or the task does not write.
    """
    if recipe.task.peft_type != "CAUSAL_LM":
        raise StudioError(
            f"You set the task to {recipe.task.title.lower()}, but a base cannot do that before it is trained: it has "
            "no head for it. Look at the scores after the run: its base stands there for a guess."
        )
    locate(recipe.model.id)
    prepared = prepare_part(recipe.data, home)
    if prepared.report.errors:
        raise StudioError(*prepared.report.errors)
    _refuse("", recipe.task, prepared.held_out)
    rows, rows_are = drawn(prepared.held_out, sample or BASELINE_ROWS, "held-out row")
    shown, notes = _shown(prepared.train, shots)
    request = Request(
        kind="baseline",
        title=prepared.name,
        contestants=tuple(_bases(Voice.of_model(recipe.model.id), shots if shown else 0)),
        rows_are=rows_are,
        notes=notes,
    )
    return make_evaluation(home.baselines, request, rows, shown)


def begin_drift(home: Home, run: Run, part: DataPart) -> Evaluation:
    """Let a run's base and tuned model read new rows, and as many known ones beside them. Nothing is generated.

    The rows of `part` have the source "new"; the run's held-out rows (else its training rows) the source "known".

    Raises:
        StudioError: the new data cannot be read, or the run does not write or has no result.
    """
    if run.recipe.task.peft_type != "CAUSAL_LM":
        raise StudioError(f"{run.name} does not write answers, so new data cannot be read with it. Choose another run.")
    wanted_by(Voice.of_run(str(run.path)))
    try:
        prepared = prepare_part(part, home)
        if prepared.report.errors:
            raise StudioError(*prepared.report.errors)
    except StudioError as error:
        columns = run.source().get("columns", [])
        alike = f"It is read as the data of {run.name} was, whose columns are {names(columns)}."
        raise StudioError(*error.problems, *([alike] if columns else [])) from None
    every = prepared.train.joined([prepared.held_out]) if len(prepared.held_out) else prepared.train
    new, new_are = drawn(every, DRIFT_ROWS, "new row")
    held_out = run.examples("held_out")
    part_name = "held-out row" if len(held_out) else "training row"
    known, known_are = drawn(held_out if len(held_out) else run.examples("train"), max(len(new), 1), part_name)
    if not len(new):
        raise StudioError(f"{prepared.name} holds no rows that can be read. Choose a file with rows.")
    folder = str(run.path)
    request = Request(
        kind="drift",
        title=prepared.name,
        contestants=(
            Contestant(name=BASE_NAME, voice=Voice.of_run(folder, BASE)),
            Contestant(name=TUNED, voice=Voice.of_run(folder)),
        ),
        rows_are=f"{new_are} of {prepared.name}, and {known_are} of {run.name}",
    )
    rows = _from_source(new, "new").joined([_from_source(known, "known")])
    return make_evaluation(run.path / EVALUATIONS, request, rows)


def drawn(examples: Examples, most: int, what: str) -> tuple[Examples, str]:
    """At most so many rows from all over the examples, one by chance out of each stretch, and in words which they are.

    The same examples give the same rows.
    """
    total = len(examples)
    if total <= most:
        return examples, f"all {counted(total, what)}"
    edges = np.linspace(0, total, most + 1)
    chance = np.random.default_rng(SEED).random(most)
    places = np.minimum((edges[:-1] + chance * np.diff(edges)).astype(np.int64), total - 1)
    return examples.take(places), f"{most:,} of {counted(total, what)}, drawn evenly"


def _refuse(run: str, task: AnyTask, held_out: Examples) -> None:
    """`run` is empty before any training."""
    if isinstance(task, MaskedLanguageModeling):
        raise StudioError(
            f"The run {run} learned to fill gaps, which has no right answers to score. "
            "Look at its held-out loss instead, or classify with the model that came out of it."
        )
    if not len(held_out):
        who = f"The run {run} held no rows out" if run else "This recipe holds no rows out"
        raise StudioError(
            f"{who}, so there is nothing to score it by. "
            f"{'Train again with' if run else 'Set'} a held-out share (0.1 is usual) or a held-out file."
        )
    if not isinstance(task, SequenceClassification) and not any(example.asked for example in held_out):
        raise StudioError(
            "The held-out rows are plain text: they ask nothing, so there is no answer to judge. Look at the held-out "
            "loss instead, or hold out rows with questions and answers from a file of their own."
        )


def _bases(voice: Voice, shots: int) -> list[Contestant]:
    plain = Contestant(name=BASE_NAME, voice=voice)
    return [plain, Contestant(name=FEW_SHOT, voice=voice, shots=shots)] if shots else [plain]


def _checkpoint(run: Run, step: int) -> Contestant:
    name = f"checkpoint-{step}"
    return Contestant(name=name, voice=Voice.of_run(str(run.path), name))


def _others(home: Home, run: Run, names: Sequence[str]) -> list[Run]:
    found = list(dict.fromkeys(find_run(home, name) for name in names))
    for other in found:
        if other.recipe.task.peft_type != run.recipe.task.peft_type:
            raise StudioError(
                f"{other.name} does another task than {run.name}, so the same rows do not judge both. Choose a run of "
                "the same task."
            )
    return [other for other in found if other != run]


def _shown(train: Examples, shots: int) -> tuple[Examples | None, tuple[str, ...]]:
    """Training rows to take examples from, and why there are none where some were wanted."""
    if not shots:
        return None, ()
    pool, _ = drawn(train, POOL, "training row")
    try:
        shots_of(pool, 1, ANY_ROOM)
    except StudioError:
        return None, (
            "Nobody answers with examples before the question: the training rows are plain text, or speak with tools.",
        )
    return pool, ()


def _most_frequent(train: Examples) -> str:
    counts = Counter(str(text).strip() for text in train.column("completion").to_pylist())
    return counts.most_common(1)[0][0]


def _from_source(examples: Examples, source: str) -> Examples:
    return examples.replaced(source=[source] * len(examples))
