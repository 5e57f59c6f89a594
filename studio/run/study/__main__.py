"""The child that studies rows: `python -m studio.run.study`, questions on standard input, one JSON object a line.

It loads tokenizers and never a model. It ends when its standard input closes, so it never outlives the page. What it
and its libraries print goes to standard error.
"""

from __future__ import annotations

import os
import resource
import traceback
from collections import OrderedDict
from typing import TYPE_CHECKING

import psutil

from studio.data.example import Example
from studio.errors import StudioError
from studio.home import Home, open_home
from studio.recipe.models import fetch_tokenizer, locate
from studio.run.pipe import Pipe
from studio.run.study.caches import Cache
from studio.run.study.wire import (
    REQUEST,
    Doing,
    Examine,
    Examined,
    Failed,
    Prepare,
    Prepared,
    Reply,
    Request,
    Show,
    Shown,
)
from studio.run.submit import prepare_part

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_TOKENIZERS = 3
ROOM = 4 * 2**30  # bytes that tokenising may take beyond what the process has: a template can be made to swell
SHARE = 0.6  # of the memory that is free, where that is less
ENVIRONMENT = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TOKENIZERS_PARALLELISM": "true"}


class Worker:
    """Answers one question after the other; one that fails leaves it ready for the next."""

    def __init__(self, pipe: Pipe[Request, Reply], home: Home) -> None:
        self._pipe = pipe
        self._home = home
        self._tokenizers: OrderedDict[str, PreTrainedTokenizerBase] = OrderedDict()
        self._said: dict[int, list[str]] = {}

    def work(self) -> None:
        """Answer until the page goes away."""
        while True:
            request = self._pipe.next()
            try:
                self._pipe.reply(self._answer(request))
            except BrokenPipeError:
                return
            except Exception as error:
                traceback.print_exc()  # the whole story for the log; words for the page
                self._pipe.reply(Failed(id=request.id, problems=_in_words(error)))

    def _answer(self, request: Request) -> Reply:
        def tell(what: str, done: int, total: int) -> None:
            self._pipe.reply(Doing(id=request.id, what=what, done=done, total=total))

        match request:
            case Prepare(part=part):
                prepare_part(part, self._home, tell)
                return Prepared(id=request.id)
            case Examine(part=part):
                from studio.run.study.study import examine
                from studio.run.study.tokens import Encoding

                prepared = prepare_part(part, self._home, tell)
                tell("Loading the tokenizer", 0, 0)
                tokenizer = self._tokenizer(request.model)
                how = Encoding.of(part, tokenizer, request.max_length)
                found = examine(prepared, how, request.max_length, Cache(self._home.cache), tell)
                return Examined(id=request.id, thorough=found)
            case Show():
                return self._shown(request)

    def _shown(self, request: Show) -> Shown:
        from studio.run.study.look import look_at
        from studio.run.study.tokens import Encoding

        tokenizer = self._tokenizer(request.model)
        self._pipe.reply(Doing(id=request.id, what="Rendering the row"))  # from here on it is the template's time
        notes = self._notes(tokenizer)
        how = Encoding.of(request.part, tokenizer, request.max_length)
        look = look_at(Example(request.row, **request.texts), request.type, how, request.max_length)
        return Shown(id=request.id, look=look.model_copy(update={"notes": [*look.notes, *notes]}))

    def _tokenizer(self, model: str) -> PreTrainedTokenizerBase:
        """The tokenizer of a base model. A changed folder is loaded anew."""
        from studio.run.tokenizer import load_tokenizer

        folder = fetch_tokenizer(locate(model))
        files = [path for pattern in ("*token*", "*.jinja") for path in sorted(folder.glob(pattern))]
        key = f"{folder} {[(path.name, path.stat().st_mtime_ns) for path in files]}"
        if key not in self._tokenizers:
            tokenizer, _ = load_tokenizer(folder)
            _bound_memory()
            self._tokenizers[key] = tokenizer
            if len(self._tokenizers) > MOST_TOKENIZERS:
                self._tokenizers.popitem(last=False)
        self._tokenizers.move_to_end(key)
        return self._tokenizers[key]

    def _notes(self, tokenizer: PreTrainedTokenizerBase) -> list[str]:
        """What is to be said of a tokenizer's template, found out once."""
        from studio.run.study.templates import template_notes

        known = {id(each) for each in self._tokenizers.values()}
        self._said = {key: notes for key, notes in self._said.items() if key in known}
        if id(tokenizer) not in self._said:
            self._said[id(tokenizer)] = template_notes(tokenizer)
        return self._said[id(tokenizer)]


def _bound_memory() -> None:
    """From here on a template that swells without end meets a MemoryError, and the machine goes on."""
    used = psutil.Process().memory_info().data
    room = min(ROOM, int(SHARE * psutil.virtual_memory().available))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + room, most))


def _in_words(error: Exception) -> list[str]:
    if isinstance(error, StudioError):
        return list(error.problems)
    text = f"{type(error).__name__}: {error}"[:300]
    if isinstance(error, MemoryError):
        return [
            "The memory was not enough to see the rows as the model does. Its chat template may swell without end: "
            f"choose another base model, or fewer and shorter rows. ({text})"
        ]
    return [f"Looking at the rows met an error that it did not expect: {text}. The log study.log has the details."]


def main() -> None:
    """Answer the page."""
    pipe: Pipe[Request, Reply] = Pipe.standard(REQUEST.validate_json)
    os.environ.update(ENVIRONMENT)
    Worker(pipe, open_home()).work()


if __name__ == "__main__":
    main()
