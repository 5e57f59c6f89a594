"""`score RUN`, `baseline RECIPE`: held-out rows answered and judged, in an evaluation that can be gone on with."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from studio.cli.train import add_changes, asked_recipe
from studio.errors import StudioError

if TYPE_CHECKING:
    from studio.answer.evaluation.folder import Evaluation
    from studio.answer.evaluation.request import Judge, Rule
    from studio.answer.evaluation.result import MetricResult, Result
    from studio.home import Home
    from studio.run.directory import Run

TICK = 0.3  # seconds between looks
NOT = "not-"  # before a rule's kind: it must not hold


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    scoring = verbs.add_parser("score", parents=[common], help="held-out scores of base, tuned model and others")
    scoring.add_argument("run")
    scoring.add_argument("--limit", type=int, metavar="N", help="at most so many rows, drawn evenly (else 200)")
    _add_shots(scoring, 0)
    scoring.add_argument("--with", dest="others", action="append", default=[], metavar="RUN", help="another run too")
    scoring.add_argument(
        "--checkpoint", action="append", default=[], type=int, metavar="STEP", help="the run's checkpoint of a step too"
    )
    scoring.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="KIND:TEXT",
        help="a check of your own too: regex:^\\d+$, contains:please, json-schema:{...}; not-... turns it round",
    )
    scoring.add_argument(
        "--own", default="", metavar="FILE.py", help="judge by a metric of your own too: the file is run"
    )
    scoring.add_argument(
        "--judge", default="", metavar="URL", help="an OpenAI-compatible endpoint that marks the answers"
    )
    scoring.add_argument("--judge-model", default="", metavar="NAME", help="the model that marks there")
    scoring.set_defaults(verb=score)
    basing = verbs.add_parser(
        "baseline", parents=[common], help="what a recipe's base does before any training: do you need to tune?"
    )
    basing.add_argument("recipe", help="a YAML file or the name of a preset")
    add_changes(basing)
    basing.add_argument("--limit", type=int, metavar="N", help="at most so many held-out rows, drawn evenly (else 48)")
    _add_shots(basing, 5)
    basing.set_defaults(verb=baseline)


def score(options: argparse.Namespace) -> int:
    """Print the scores; the answers themselves are kept in the run's evaluations/."""
    from studio.answer.evaluation.begin import begin_scores
    from studio.home import open_home
    from studio.run.directory import find_run

    home = open_home(options.home)
    run = find_run(home, options.run)
    evaluation = begin_scores(
        home,
        run,
        shots=options.few_shot,
        limit=_at_least_one(options.limit),
        checkpoints=options.checkpoint,
        others=options.others,
        rules=[rule_of(text) for text in options.rule],
        judge=_judge(options),
        own=_own(options.own),
    )
    return _done(_gone_on_with(evaluation, run), run.name, options)


def baseline(options: argparse.Namespace) -> int:
    """Print how the base does; the answers are kept in the home's baselines/."""
    from studio.answer.evaluation.begin import begin_baseline
    from studio.home import open_home

    home: Home = open_home(options.home)
    recipe = asked_recipe(options)
    evaluation = begin_baseline(home, recipe, sample=_at_least_one(options.limit), shots=options.few_shot)
    return _done(evaluation, recipe.model.id, options)


def see_through(evaluation: Evaluation, tell: Callable[[str], None]) -> Result:
    """Have the evaluation done in a child and wait for its end; Ctrl-C cancels it. `tell` hears how far it is.

    Raises:
        StudioError: it failed or was cancelled.
        KeyboardInterrupt: it was interrupted, and what was answered is kept.
    """
    from studio.answer.evaluation.child import Child
    from studio.answer.evaluation.examiner import TAKEN
    from studio.run.directory import Status
    from studio.run.last_words import last_lines

    child = Child(evaluation, may_execute=bool(evaluation.request.own))
    try:
        while child.status() is None or (child.status() == TAKEN and not evaluation.status().over):
            progress = evaluation.progress()
            left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
            tell(f"{progress.what}: {progress.done} of {progress.of}{left}" if progress.of else progress.what)
            time.sleep(TICK)
    except KeyboardInterrupt:
        evaluation.cancel()
        tell("Cancelled; what was answered is kept. The same command goes on with it.")
        child.wait()
        raise
    finally:
        child.end()
    status, result = evaluation.status(), evaluation.result()
    if status is Status.FINISHED and result is not None:
        return result
    said = " · ".join(last_lines(evaluation.log_path))
    raise StudioError(
        evaluation.error()
        or f"The evaluation {evaluation.id} is {status.value}. The same command goes on with it. {said}".strip()
    )


def rule_of(text: str) -> Rule:
    """The rule that KIND:TEXT means.

    Raises:
        StudioError: there is no such kind, or no text.
    """
    from studio.answer.evaluation.request import Rule

    kinds = get_args(Rule.model_fields["kind"].annotation)
    kind, _, rest = text.partition(":")
    if kind.removeprefix(NOT) not in kinds or not rest:
        raise StudioError(
            f"You set --rule to {text!r:.80}, but a rule is KIND:TEXT, where KIND is one of {', '.join(kinds)}, each "
            f"also with {NOT} before it. Set it to contains:please, for example."
        )
    return Rule(kind=kind.removeprefix(NOT), text=rest, inverted=kind.startswith(NOT))  # type: ignore[arg-type]


def _add_shots(verb: argparse.ArgumentParser, usual: int) -> None:
    verb.add_argument(
        "--few-shot",
        type=int,
        default=usual,
        metavar="K",
        help=f"the base too, with K training rows before each question (else {usual})",
    )


def _judge(options: argparse.Namespace) -> Judge | None:
    from studio.answer.evaluation.request import Judge

    if bool(options.judge) != bool(options.judge_model):
        raise StudioError("A judge is an endpoint and a model there. Set both --judge and --judge-model, or neither.")
    return Judge(url=options.judge, model=options.judge_model) if options.judge else None


def _own(path: str) -> str:
    if path and not Path(path).is_file():
        raise StudioError(f"You set --own to {path}, but there is no such file.")
    return str(Path(path).resolve()) if path else ""


def _at_least_one(limit: int | None) -> int | None:
    if limit is not None and limit < 1:
        raise StudioError(f"You set --limit to {limit}, but at least one row is needed.")
    return limit


def _gone_on_with(evaluation: Evaluation, run: Run) -> Evaluation:
    """An earlier one that asks the very same and was not finished, in place of the new one."""
    from studio.answer.evaluation.folder import evaluations_of, remove

    for earlier in evaluations_of(run):
        if earlier != evaluation and earlier.asks_the_same(evaluation) and not earlier.finished_or_under_way():
            remove(evaluation)
            earlier.go_on()
            print(f"Going on with {earlier.id}.", file=sys.stderr)
            return earlier
    return evaluation


def _done(evaluation: Evaluation, name: str, options: argparse.Namespace) -> int:
    said = ""

    def tell(words: str) -> None:
        nonlocal said
        if words != said:
            print(f"\r{words:<{len(said)}}", end="", file=sys.stderr, flush=True)
            said = words

    try:
        result = see_through(evaluation, tell)
    finally:
        print(file=sys.stderr)
    print(json.dumps(_facts(evaluation, name, result)) if options.json else _table(name, result))
    return 0


def _facts(evaluation: Evaluation, name: str, result: Result) -> dict[str, Any]:
    scores = result.scores
    who = list(dict.fromkeys(each for metric in scores.metrics for each in metric.figures))
    return {
        "run": name,
        "evaluation": str(evaluation.path),
        "n": scores.n,
        "rows": evaluation.request.rows_are,
        "main": scores.main,
        "headline": scores.headline,
        "scores": {each: {m.name: m.figures[each].value for m in scores.metrics if each in m.figures} for each in who},
        "intervals": {
            each: {m.name: [m.figures[each].low, m.figures[each].high] for m in scores.metrics if each in m.figures}
            for each in who
        },
        "differences": {
            each: {m.name: m.differences[each].model_dump() for m in scores.metrics if each in m.differences}
            for each in who
            if each != scores.against
        },
        "why": scores.why,
        "skipped": result.skipped,
        "notes": result.notes,
        "max_new_tokens": result.max_new_tokens,
        "seconds": result.seconds,
        "answers_per_second": result.answers_per_second,
    }


def _table(name: str, result: Result) -> str:
    scores = result.scores
    who = list(dict.fromkeys(each for metric in scores.metrics for each in metric.figures))
    title = max((len(metric.title) for metric in scores.metrics), default=0) + 2
    head = f"{'':{title}}" + "".join(f"{each[:24]:>26}" for each in who)
    lines = [f"{name}: {scores.n} rows", "", head, *(_line(metric, who, title) for metric in scores.metrics), ""]
    told = [f"{each}: {words.words}" for each, words in _main(result).differences.items()] if scores.metrics else []
    return "\n".join([*lines, scores.headline, *told, *result.notes])


def _line(metric: MetricResult, who: list[str], title: int) -> str:
    cells = []
    for each in who:
        figure = metric.figures.get(each)
        cells.append(
            f"{figure.text} ({_number(metric, figure.low)} to {_number(metric, figure.high)})" if figure else ""
        )
    return f"{metric.title:{title}}" + "".join(f"{cell:>26}" for cell in cells)


def _number(metric: MetricResult, value: float) -> str:
    return f"{value:.0%}" if metric.unit == "share" else f"{value:.3g}"


def _main(result: Result) -> MetricResult:
    metrics = result.scores.metrics
    return next((metric for metric in metrics if metric.name == result.scores.main), metrics[0])
