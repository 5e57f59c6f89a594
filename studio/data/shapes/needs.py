"""What a file lacks whose rows were not recognised."""

from __future__ import annotations

from studio.data.shapes.seen import Seen
from studio.data.shapes.usual import COMPLETIONS, CONVERSATIONS, PROMPTS
from studio.data.wording import names, quoted, sentence


def needs(seen: Seen) -> str:
    """One sentence or two on what a file lacks that was not recognised."""
    columns = list(seen.table.columns)
    talk = seen.first(CONVERSATIONS)
    if talk and seen.holds(talk, lambda cell: isinstance(cell, list) and all(isinstance(each, str) for each in cell)):
        return (
            f"{quoted(talk)} holds questions and nobody answers them (as in MT-bench), so there is nothing to learn "
            "from. Add the answers, as a list of messages with role and content, or ask these questions of a tuned "
            "model instead."
        )
    if len(columns) < 2:
        return (
            f"The only column is {names(columns)}, and a pair needs two: one with what is asked, one with what is "
            "answered. Add the other one, or choose plain text as the shape to train on this one as it is."
        )
    prompt, completion = seen.first(PROMPTS), seen.first(COMPLETIONS)
    found = ""
    if prompt or completion:
        found = f"{quoted(prompt or completion or '')} looks like the {'prompt' if prompt else 'completion'}, but "
    what = "prompt or completion" if not (prompt or completion) else "completion" if prompt else "prompt"
    why = sentence(f"{found}none of the columns {names(columns)} has a usual name for the {what}.")
    nested = f" Lists or objects are in {names(seen.table.nested)}." if seen.table.nested else ""
    return f"{why}{nested} Choose the two columns by hand."
