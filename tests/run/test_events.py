"""Events: what is written is read back, by cursor or whole, whatever else is in the file."""

from __future__ import annotations

import json
import math
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.run.events import (
    Decision,
    Ended,
    EventWriter,
    Metrics,
    Phase,
    Resumed,
    Started,
    Warned,
    read_events,
    that_count,
)

STEPS = st.integers(0, 10**6)
NUMBERS = st.floats(allow_nan=False)
EVENTS = st.one_of(
    st.builds(Started, step=STEPS, steps=STEPS, epochs=st.floats(0, 50), rows=STEPS, held_out_rows=STEPS,
              trainable_parameters=STEPS, parameters=STEPS),
    st.builds(Phase, phase=st.sampled_from(["loading", "preparing", "training", "saving"])),
    st.builds(Decision, choice=st.text(), reason=st.text()),
    st.builds(Warned, message=st.text()),
    st.builds(Resumed, step=STEPS),
    st.builds(Metrics, step=STEPS, values=st.dictionaries(st.text(max_size=9), NUMBERS, max_size=4)),
    st.builds(Ended, kind=st.sampled_from(["finished", "stopped", "failed"]), message=st.text()),
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("events") / "events.jsonl"


def write(path, *events):
    with EventWriter(path) as writer:
        for event in events:
            writer.write(event)


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENTS, max_size=8))
def test_what_is_written_is_read_back(scratch, events):
    scratch.unlink(missing_ok=True)
    write(scratch, *events)
    assert read_events(scratch) == (events, scratch.stat().st_size if events else 0)
    assert len(scratch.read_bytes().splitlines()) == len(events)


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENTS, max_size=6), st.lists(st.floats(0, 1), max_size=6))
def test_a_reader_that_comes_often_sees_the_same_as_one_that_comes_late(scratch, events, looks):
    """The file grows by any number of bytes between two looks, also within a character."""
    scratch.unlink(missing_ok=True)
    write(scratch, *events)
    whole = scratch.read_bytes()
    seen, cursor = [], 0
    for end in [*sorted(int(look * len(whole)) for look in looks), len(whole)]:
        scratch.write_bytes(whole[:end])
        new, cursor = read_events(scratch, cursor)
        seen += new
    assert seen == events
    assert read_events(scratch, cursor) == ([], cursor)


def test_not_a_number_and_infinity_stay_what_they_are(path):
    write(path, Metrics(step=3, values={"loss": math.nan, "up": math.inf, "down": -math.inf}))
    ((event,), _) = read_events(path)
    assert math.isnan(event.values["loss"])
    assert (event.values["up"], event.values["down"]) == (math.inf, -math.inf)


def test_each_event_carries_step_and_time(path):
    write(path, Phase(phase="training"), Metrics(step=4, values={"loss": 1}))
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [line["step"] for line in lines] == [0, 4]
    assert all(line["time"] > 1.7e9 for line in lines)


def test_kinds_and_lines_that_are_not_known_are_skipped(path):
    write(path, Phase(phase="loading"))
    with path.open("ab") as file:
        file.write(
            b'{"kind": "weather", "sky": "blue"}\n\nnot json\n\xff\xfe\n[]\n{"kind": "phase", "phase": "lunch"}\n'
        )
    write(path, Warned(message="still here"))
    events, cursor = read_events(path)
    assert [event.kind for event in events] == ["phase", "warning"]
    assert cursor == path.stat().st_size


def test_a_torn_last_line_waits_for_its_end(path):
    write(path, Phase(phase="loading"), Phase(phase="training"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    events, cursor = read_events(path)
    assert [event.phase for event in events] == ["loading"]
    path.write_bytes(whole)
    assert [event.phase for event in read_events(path, cursor)[0]] == ["training"]


def test_a_torn_line_takes_no_other_with_it(path):
    """A full disk or a kill tears a line; the next writer must not write on within it."""
    write(path, Phase(phase="loading"))
    path.write_bytes(path.read_bytes() + b'{"kind":"metr')
    write(path, Ended(kind="failed", message="the disk was full"))
    assert [event.kind for event in read_events(path)[0]] == ["phase", "failed"]


def test_a_line_torn_by_a_full_disk_takes_no_other_with_it(path, monkeypatch):
    real, room = os.write, [20]

    def short_write(descriptor, text):
        if room and room[0] == 0:
            room.clear()
            raise OSError(28, "No space left on device")
        written = real(descriptor, text[: room[0]] if room else text)
        if room:
            room[0] -= written
        return written

    with EventWriter(path) as writer:
        monkeypatch.setattr(os, "write", short_write)
        with pytest.raises(OSError, match="No space"):
            writer.write(Phase(phase="loading"))
        writer.write(Ended(kind="failed", message="the disk was full"))
    assert [event.kind for event in read_events(path)[0]] == ["failed"]


def test_a_file_that_is_not_there_yet_has_no_events(path):
    assert read_events(path) == ([], 0)
    assert read_events(path, 12) == ([], 12)


def test_what_was_measured_after_the_step_gone_on_from_does_not_count():
    measured = [Metrics(step=step, values={"loss": float(step)}) for step in (1, 2, 3)]
    again = [Metrics(step=step, values={"loss": -1.0}) for step in (3, 4)]
    ended, back = Ended(kind="stopped", step=3), Resumed(step=2)
    assert that_count([*measured, ended, back, *again]) == [*measured[:2], back, *again]
    assert that_count(measured) == measured
    once_more = Resumed(step=3)
    assert that_count([*measured, back, *again, once_more])[-2:] == [again[0], once_more]
