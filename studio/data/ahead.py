"""Work done in a thread a little ahead of whoever needs it, for work that leaves the interpreter to others: Arrow's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 1  # item waiting while the next one is fetched


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Each item with what `work` makes of it, in their order. Never more than a few items are held at a time."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        for item in items:
            waiting.append((item, thread.submit(work, item)))
            if len(waiting) > AT_ONCE:
                first, made = waiting.popleft()
                yield first, made.result()
        while waiting:
            first, made = waiting.popleft()
            yield first, made.result()
