"""`chat RUN`: base, tuned model and others side by side, asked once."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.answer.wire import Asked
    from studio.run.directory import Run


def add(verbs: Any, common: argparse.ArgumentParser) -> None:
    """Add the verb to the command line."""
    chatting = verbs.add_parser("chat", parents=[common], help="ask base and tuned model, and others, the same thing")
    chatting.add_argument("run")
    chatting.add_argument("--prompt", required=True)
    chatting.add_argument("--system", default="", help="said to all before the prompt")
    chatting.add_argument("--with", dest="others", action="append", default=[], metavar="RUN", help="another run too")
    chatting.add_argument(
        "--checkpoint", action="append", default=[], type=int, metavar="STEP", help="the run's checkpoint of a step too"
    )
    chatting.add_argument(
        "--few-shot", type=int, default=0, metavar="K", help="the base too, with K training rows before the prompt"
    )
    chatting.add_argument(
        "--strength", type=float, default=1.0, help="of what was learned: 0 is the base, 1 as trained, up to 1.5"
    )
    chatting.add_argument("--temperature", type=float, default=0.0)
    chatting.add_argument("--top-p", type=float, default=0.95)
    chatting.add_argument("--max-new-tokens", type=int, default=256)
    chatting.add_argument("--seed", type=int, default=42)
    chatting.set_defaults(verb=chat)


def chat(options: argparse.Namespace) -> int:
    """Print all answers."""
    from pydantic import ValidationError

    from studio.answer.chat import ChatHost
    from studio.answer.settings import Settings
    from studio.errors import StudioError

    try:
        settings = Settings(
            temperature=options.temperature,
            top_p=options.top_p,
            max_new_tokens=options.max_new_tokens,
            seed=options.seed,
        )
        panes = _panes(options)
    except ValidationError as error:
        raise StudioError(*(f"--{_flag(problem)}: {problem['msg']}." for problem in error.errors())) from None
    host, began = ChatHost(), time.monotonic()
    try:
        *_, told = host.ask(panes, settings, notify=_say)
    finally:
        host.close()
    if options.json:
        measures = {pane: measure._asdict() for pane, measure in told.measures.items()}
        print(json.dumps({"answers": told.texts, "seconds": time.monotonic() - began, "measures": measures}))
    else:
        print("\n\n".join(f"{pane}:\n{text}" for pane, text in told.texts.items()))
    return 0


def _panes(options: argparse.Namespace) -> dict[str, Asked]:
    """Base and tuned model, and whoever else is wanted."""
    from studio.answer.few_shot import few_shot
    from studio.answer.voice import BASE, Voice
    from studio.answer.wire import Asked
    from studio.data.tokens.encode import prompt_messages
    from studio.home import open_home
    from studio.run.directory import find_run

    home, run = open_home(options.home), _run(options)
    folder, question = str(run.path), prompt_messages(options.prompt, options.system)
    panes = {
        "base": Asked(Voice.of_run(folder, BASE), question),
        "tuned": Asked(Voice.of_run(folder, strength=options.strength), question),
    }
    for step in options.checkpoint:
        panes[f"checkpoint-{step}"] = Asked(Voice.of_run(folder, f"checkpoint-{step}"), question)
    for name in options.others:
        panes[name] = Asked(Voice.of_run(str(find_run(home, name).path)), question)
    if options.few_shot:
        shots = few_shot(run, options.few_shot, options.prompt)
        _say(shots.note)
        panes["few-shot"] = Asked(Voice.of_run(folder, BASE), [*question[:-1], *shots.messages, question[-1]])
    return panes


def _run(options: argparse.Namespace) -> Run:
    from studio.home import open_home
    from studio.run.directory import find_run

    return find_run(open_home(options.home), options.run)


def _say(note: str) -> None:
    print(note, file=sys.stderr)


def _flag(problem: Any) -> str:
    return str(problem["loc"][0]).replace("_", "-")
