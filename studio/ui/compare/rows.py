"""The rows of a run as prompts: one at a time, with the reference answer and what comes before the question."""

from __future__ import annotations

import threading
from typing import Literal

from studio.data.example import Examples
from studio.errors import StudioError
from studio.run.directory import Run
from studio.ui.routes import Json

Part = Literal["held_out", "train"]
MOST_KEPT = 4  # sets of rows that are looked at again and again


class Rows:
    """Sets of rows, read once. For any number of threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Run, Part, int], Examples] = {}
        self._guard = threading.Lock()

    def one(self, run: Run, part: Part, at: int) -> Json:
        """The row at place `at` of that part, counted round and round.

        Raises:
            StudioError: there is none, or it asks nothing.
        """
        examples = self._examples(run, part)
        if not len(examples):
            rows = "held-out" if part == "held_out" else "training"
            raise StudioError(f"This run has no {rows} rows. Type a prompt of your own.")
        example = examples[at % len(examples)]
        *before, question = example.asked or [{"content": example.completion}]  # plain text: its beginning is asked
        return {
            "row": example.row,
            "prompt": str(question.get("content") or ""),
            "completion": example.completion if example.asked else "",
            "before": [{"role": each["role"], "content": str(each.get("content") or "")} for each in before],
            "of": len(examples),
        }

    def _examples(self, run: Run, part: Part) -> Examples:
        try:
            key = run, part, (run.path / "data" / f"{part}.jsonl").stat().st_mtime_ns
            with self._guard:
                examples = self._kept.pop(key, None)
                self._kept[key] = examples = run.examples(part) if examples is None else examples
                if len(self._kept) > MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                return examples
        except (OSError, ValueError, KeyError) as error:
            raise StudioError(
                f"The rows of {run.name} cannot be read ({type(error).__name__}). Type a prompt of your own."
            ) from error
