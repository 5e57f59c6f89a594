"""A resumed run says again only what is new."""

from __future__ import annotations

from studio.run.directory import Run
from studio.run.events import Decision, Metrics, Warned
from studio.run.retold import OnceTold


def test_decisions_and_warnings_are_told_once_and_all_else_always(tmp_path):
    run = Run(tmp_path)
    for step in (0, 5):
        with OnceTold(run) as events:
            events.write(Decision(step=step, choice="precision bf16", reason="this GPU has it"))
            events.write(Warned(step=step, message="1 row cut"))
            events.write(Metrics(step=step, values={"loss": 1.0}))
    with OnceTold(run) as events:
        events.write(Decision(choice="precision bf16", reason="this CPU is faster with it"))
    assert [event.kind for event in run.events()[0]] == ["decision", "warning", "metrics", "metrics", "decision"]
