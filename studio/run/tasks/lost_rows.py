"""What is said of rows that a task cannot use, or not whole, and of held-out rows that are not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.data.wording import counted
from studio.errors import StudioError
from studio.run.events import Decision, Event, EventWriter, Warned
from studio.run.tasks.runner import RowsPart

if TYPE_CHECKING:
    from studio.data.example import Examples
    from studio.data.tokens.encoded import Encoded
    from studio.recipe.training import TrainingPart

NAMED_ROWS = 10  # row numbers that a warning lists before it only counts


def tell_of_lost(encoded: Encoded, part: RowsPart, max_length: int, events: EventWriter) -> None:
    """Write a warning for each way in which rows were lost or cut."""
    for event in _losses(encoded, part.replace("_", "-"), max_length):
        events.write(event)


def nothing_left(encoded: Encoded, max_length: int) -> StudioError:
    """Why no training row is left, and what to do."""
    if encoded.dropped:
        return StudioError(
            f"No training row is left: in every row the prompt alone fills the longest row ({max_length} tokens). "
            "Raise the longest row."
        )
    reasons = "; ".join(encoded.refused) or "there are none"
    return StudioError(
        f"No training row is left: {reasons:.300}. Choose other rows, or a base model whose chat template takes these."
    )


def checked_rows(training: TrainingPart) -> int:
    """How many held-out rows the loss is measured on while training."""
    return training.evaluation_rows if training.evaluations else 0


def checked(examples: Examples, training: TrainingPart, events: EventWriter) -> Examples:
    """The held-out rows that the loss is measured on while training."""
    chosen = checked_rows(training)
    if len(examples) <= chosen:
        return examples
    if chosen:
        reason = f"{len(examples)} are held out; scoring after the run takes them all"
        events.write(Decision(choice=f"held-out loss on the first {chosen} rows", reason=reason))
    return examples[:chosen]


def named(rows: list[int]) -> str:
    """Rows by their number, and the first of them by name."""
    some = ", ".join(str(row) for row in rows[:NAMED_ROWS])
    more = f" and {len(rows) - NAMED_ROWS} more" if len(rows) > NAMED_ROWS else ""
    return f"{counted(len(rows), 'row')} ({some}{more})"


def _losses(encoded: Encoded, part: str, max_length: int) -> list[Event]:
    events: list[Event] = []
    for reason, rows in encoded.refused.items():
        events.append(Warned(message=f"{named(rows)} of the {part} part left out: {reason}."))
    if encoded.cut:
        events.append(
            Warned(
                message=f"{named(encoded.cut)} of the {part} part cut at {max_length} tokens: raise the longest row."
            )
        )
    if encoded.dropped:
        events.append(
            Warned(
                message=f"{named(encoded.dropped)} of the {part} part left out: the prompt alone fills {max_length} "
                "tokens. Raise the longest row."
            )
        )
    return [*events, *(Warned(message=note) for note in encoded.notes if part == "train")]
