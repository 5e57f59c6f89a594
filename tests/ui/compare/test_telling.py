"""A question ends when nobody listens any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.wire import Asked
from studio.ui.compare import telling
from studio.ui.compare.telling import Telling
from tests.ui.compare.echo import EchoHost

T = TypeVar("T")
ASKED = {"base": Asked(Voice.of_model("starter"), [{"role": "user", "content": "Hi"}])}


def run(coroutine: Coroutine[None, None, T]) -> T:
    """In a thread of its own: the browser tests have left a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def test_the_answer_ends_when_the_browser_goes_away():
    chat = EchoHost(endless=True)

    async def leave() -> int:
        lines = Telling(chat).lines("page1", ASKED, Settings())
        heard = 0
        async for line in lines:
            heard += json.loads(line)["kind"] == "said"
            if heard == 3:
                break
        await lines.aclose()
        return heard

    assert run(leave()) == 3
    assert chat.stopped.is_set()
    assert chat.over.wait(10), "the host is no longer asked for more"


def test_a_whole_answer_is_not_stopped():
    chat = EchoHost()

    async def hear() -> list[str]:
        return [json.loads(line)["kind"] async for line in Telling(chat).lines("page1", ASKED, Settings())]

    assert run(hear()) == ["note", "said", "said", "done"]


def test_more_questions_than_there_are_threads_for_are_refused_in_words(monkeypatch):
    monkeypatch.setattr(telling, "MOST_OPEN", 1)
    chat = EchoHost(endless=True)

    async def crowd() -> dict[str, str]:
        host = Telling(chat)
        first = host.lines("page1", ASKED, Settings())
        await anext(first)
        refused = [json.loads(line) async for line in host.lines("page2", ASKED, Settings())]
        await first.aclose()
        return refused[0]

    refused = run(crowd())
    assert (refused["kind"], "in a minute" in refused["error"]) == ("failed", True)
