"""What a page asks: panes with their conversations. Runs come by their names and leave as folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from studio.answer.settings import Settings
from studio.answer.voice import RESULT, STRONGEST, Ingredient, Merge, Source, Voice
from studio.errors import StudioError
from studio.home import Home
from studio.ui.routes import run_of

GONE = "This run is no longer there. Choose another one."
MOST_PANES = 6
MOST_MIXED = 4
MOST_MESSAGES = 400
MOST_LETTERS = 400_000  # of one message; a context of 100,000 tokens holds about as many

Part = Annotated[str, StringConstraints(pattern=r"^(result|base|checkpoint-[0-9]{1,12})$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Sent(BaseModel):
    """Something that a page sends: what is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=Sent)


class AskedMessage(Sent):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Annotated[str, StringConstraints(max_length=MOST_LETTERS)]


class AskedIngredient(Sent):
    """An adapter of a mix."""

    run: str
    part: Part = RESULT
    weight: float = Field(default=0.5, ge=-2, le=2)


class AskedVoice(Sent):
    """Who answers in a pane: a part of a run, or several mixed."""

    run: str = ""
    part: Part = RESULT
    strength: float = Field(default=1.0, ge=0, le=STRONGEST)
    mixed: tuple[AskedIngredient, ...] = Field(default=(), max_length=MOST_MIXED)
    how: Merge = "linear"
    density: float = Field(default=0.5, gt=0, le=1)

    def voice(self, home: Home) -> Voice:
        """As the chat host is asked for it. Raises StudioError where a run is no longer there."""
        if self.mixed:
            mixed = tuple(
                Ingredient(run=folder_of(home, each.run), part=each.part, weight=each.weight) for each in self.mixed
            )
            return Voice(mixed=mixed, how=self.how, density=self.density, strength=self.strength)
        source = Source(run=folder_of(home, self.run), part=self.part)
        return Voice(source=source, strength=self.strength)


class AskedPane(Sent):
    """A pane: who answers, and the conversation so far, the question last."""

    voice: AskedVoice
    messages: Annotated[tuple[AskedMessage, ...], Field(min_length=1, max_length=MOST_MESSAGES)]

    def conversation(self) -> list[dict[str, str]]:
        """The messages in plain form."""
        return [message.model_dump() for message in self.messages]


class Question(Sent):
    """One question to several panes, by page and pane names that mean nothing here."""

    asker: Name
    panes: Annotated[dict[Name, AskedPane], Field(min_length=1, max_length=MOST_PANES)]
    settings: Settings = Settings()


def question_of(sent: Mapping[str, Any]) -> Question:
    """The question that a page sent.

    Raises:
        StudioError: it has too much in it, or something out of bounds.
    """
    return _read(Question, sent)


def voice_of(sent: Mapping[str, Any]) -> AskedVoice:
    """One voice that a page sent. Raises StudioError as `question_of` does."""
    return _read(AskedVoice, sent)


def warmed(sent: Mapping[str, Any], home: Home) -> tuple[str, list[Voice]]:
    """Who will ask, and whom: nobody known yet where no voices are sent. Raises StudioError as `question_of` does."""
    voices = sent.get("voices")
    some = voices[:MOST_PANES] if isinstance(voices, list) else []
    return str(sent.get("asker", ""))[:64], [voice_of(each).voice(home) for each in some]


def folder_of(home: Home, name: str) -> str:
    """The folder of the run of that name. Raises StudioError where there is none."""
    run = run_of(home, name) if name else None
    if run is None:
        raise StudioError(f"The run {name!r:.80} is no longer there. Choose another one, or drop its pane.")
    return str(run.path)


def _read(kind: type[S], sent: Mapping[str, Any]) -> S:
    try:
        return kind.model_validate(sent)
    except ValidationError as error:
        raise StudioError(*_in_words(error)) from error


def _in_words(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = " → ".join(str(part) for part in each["loc"])
        if each["loc"] == ("panes",):
            yield f"At most {MOST_PANES} panes answer at once, and at least one. Drop or add a pane, then send again."
        else:
            yield f"The question cannot be asked: {place:.80}: {each['msg']}. Change it and send again."
