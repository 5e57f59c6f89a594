"""F32: the memory is not enough for an answer: words that say what to lower, and the host goes on."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import pytest

from studio.answer.line import WaitingLine
from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.wire import Ask, Asked, Done, Failed, Reply

pytestmark = pytest.mark.usefixtures("one_thread")

NO_MEMORY = {
    "processor": "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried "
    "to allocate 1099511627776 bytes. Error code 12 (Cannot allocate memory)",
    "gpu": "CUDA out of memory. Tried to allocate 2.00 GiB.",
}


class Page:
    """What the host hears from the page and says to it."""

    def __init__(self) -> None:
        self.line = WaitingLine()
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self.reply = self.replies.put

    def stopped(self, question: int) -> bool:
        return False


def ends(page: Page) -> Done | Failed:
    """The last line of the question that is on its way."""
    while True:
        match page.replies.get(timeout=30):
            case Done() | Failed() as last:
                return last


@pytest.mark.parametrize("where", NO_MEMORY)
def test_it_is_said_what_to_lower_and_the_next_question_is_answered(
    where: str, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import LlamaForCausalLM

    from studio.answer.engine import Engine
    from studio.answer.host import Host

    kind = torch.OutOfMemoryError if where == "gpu" else RuntimeError
    page, engine = Page(), Engine()
    host: Any = Host(page, engine)  # type: ignore[arg-type]
    pane = Asked(Voice.of_model(str(tiny_base)), [{"role": "user", "content": "Hi."}])
    ask = Ask(id=1, asker="page", panes={"one": pane, "two": pane}, settings=Settings(max_new_tokens=3))

    def full(*_: Any, **__: Any) -> None:
        raise kind(NO_MEMORY[where])

    with monkeypatch.context() as patch:
        patch.setattr(LlamaForCausalLM, "forward", full)
        host._take(ask)
    failed = ends(page)
    assert isinstance(failed, Failed)
    assert failed.message.startswith("The memory was not enough to answer.")
    for way_out in ("Clear the conversation", "shorter answer", "close a pane", "smaller base model"):
        assert way_out in failed.message
    host._take(ask.model_copy(update={"id": 2}))
    done = ends(page)
    assert isinstance(done, Done)
    assert done.id == 2
    assert {measure.tokens for measure in done.measures.values()} == {3}
