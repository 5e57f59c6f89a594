"""`chat RUN`, `score RUN`: base and tuned model side by side, asked once or over all held-out rows."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.answer.score import Score
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verbs to the command line."""
    chatting = verbs.add_parser("chat", parents=[common], help="ask base and tuned model the same thing")
    chatting.add_argument("run")
    chatting.add_argument("--prompt", required=True)
    chatting.add_argument("--system", default="", help="said to both before the prompt")
    chatting.add_argument("--temperature", type=float, default=0.0)
    chatting.add_argument("--top-p", type=float, default=0.95)
    chatting.add_argument("--max-new-tokens", type=int, default=256)
    chatting.add_argument("--seed", type=int, default=42)
    chatting.set_defaults(verb=chat)
    scoring = verbs.add_parser("score", parents=[common], help="held-out scores of base and tuned model")
    scoring.add_argument("run")
    scoring.add_argument("--limit", type=int, help="only the first so many rows")
    scoring.set_defaults(verb=score)


def chat(options: argparse.Namespace) -> int:
    """Print both answers."""
    from pydantic import ValidationError

    from studio.answer.chat import ChatHost
    from studio.answer.settings import Settings
    from studio.data.tokens.encode import prompt_messages
    from studio.errors import StudioError

    run = _run(options)
    try:
        settings = Settings(
            temperature=options.temperature,
            top_p=options.top_p,
            max_new_tokens=options.max_new_tokens,
            seed=options.seed,
        )
    except ValidationError as error:
        raise StudioError(*(f"--{_flag(problem)}: {problem['msg']}." for problem in error.errors())) from None
    host, began, answers = ChatHost(), time.monotonic(), {}
    try:
        stream = host.open(run).stream(prompt_messages(options.prompt, options.system), settings=settings, notify=_say)
        for answers in stream:  # noqa: B007 (the last one is exact)
            pass
    finally:
        host.close()
    if options.json:
        print(json.dumps({"answers": answers, "seconds": time.monotonic() - began}))
    else:
        print("\n\n".join(f"{who}:\n{text}" for who, text in answers.items()))
    return 0


def score(options: argparse.Namespace) -> int:
    """Print the scores; the answers themselves are kept in the run's evaluations/."""
    from studio.answer.score import score as score_run

    result = score_run(_run(options), options.limit, _progress)
    print(file=sys.stderr)
    print(result.model_dump_json(exclude={"rows"}) if options.json else _table(result))
    return 0


def _run(options: argparse.Namespace) -> Run:
    from studio.home import open_home
    from studio.run.directory import find_run

    return find_run(open_home(options.home), options.run)


def _say(note: str) -> None:
    print(note, file=sys.stderr)


def _progress(done: int, total: int) -> None:
    print(f"\r{done} of {total} answers", end="", file=sys.stderr, flush=True)


def _flag(problem: Any) -> str:
    return str(problem["loc"][0]).replace("_", "-")


def _table(result: Score) -> str:
    lines = [f"{result.run}: {result.n} held-out rows", f"{'':18}{'base':>24}{'tuned':>24}"]
    for metric in result.scores["base"]:
        cells = []
        for who in ("base", "tuned"):
            low, high = result.intervals[who][metric]
            cells.append(f"{result.scores[who][metric]:8.1%} ({low:.0%} to {high:.0%})".rjust(24))
        lines.append(f"{metric:18}{''.join(cells)}")
    return "\n".join([*lines, *[f"base: {result.base_is}"] * bool(result.base_is)])
