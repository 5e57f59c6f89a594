"""The timeline's entries: what they say, and at which time of the work."""

from __future__ import annotations

import pytest

from studio.progress import Progress
from studio.run.events import (
    AnyEvent,
    Branched,
    Decision,
    Ended,
    Metrics,
    Phase,
    Resumed,
    Saved,
    Started,
    Warned,
)
from studio.ui.story import told

EVENTS: list[AnyEvent] = [
    Phase(phase="loading", time=100),
    Decision(choice="precision bf16", reason="this GPU has it", time=102),
    Metrics(step=1, values={"loss": 1.0}, time=105),
    Saved(step=4, bytes=3 * 2**20, seconds=0.25, time=110),
    Ended(kind="paused", message="Paused at step 4.", step=4, time=111),
    Resumed(step=4, time=5000),
    Phase(phase="loading", time=5060),
    Warned(message="The loss rises.", cause="divergence", step=5, time=5070),
    Ended(kind="finished", step=9, time=5080),
]


def test_entries_keep_the_time_of_the_work_over_a_resume() -> None:
    story = told(EVENTS, Progress())["story"]
    assert [(entry["kind"], entry["at"]) for entry in story] == [
        ("decision", 2),
        ("saved", 10),
        ("paused", 11),
        ("resumed", 11),
        ("warning", 21),
        ("finished", 31),
    ]


@pytest.mark.parametrize("cut", range(len(EVENTS)))
def test_a_story_that_goes_on_is_the_same_as_one_told_at_once(cut: int) -> None:
    first, rest = told(EVENTS[:cut], Progress()), told(EVENTS[cut:], Progress().after(EVENTS[:cut]))
    assert first.get("story", []) + rest.get("story", []) == told(EVENTS, Progress())["story"]


def test_what_is_said() -> None:
    start = Started(steps=1200, epochs=3, rows=40, held_out_rows=4, trainable_parameters=5, parameters=100)
    story = told([start, Branched(run="calm-heron", step=7), *EVENTS], Progress())["story"]
    words = [(entry["text"], entry.get("why", "")) for entry in story]
    assert words[0] == ("1,200 steps over 40 rows, with 4 rows held out", "5 of 100 weights are trained (5 %)")
    assert words[1][0] == "Branched from calm-heron at its step 7"
    assert ("Checkpoint of step 4", "3.0 MiB in 0.25 s") in words
    assert ("Paused", "Paused at step 4.") in words


def test_how_it_ended_last_is_what_counts() -> None:
    assert told(EVENTS[:5], Progress())["ended"] == "Paused at step 4."
    assert told(EVENTS, Progress())["ended"] == ""
    assert told([], Progress()) == {}
