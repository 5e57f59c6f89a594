"""What an evaluation is asked: who answers, which rules and judge count besides the metrics. Written once."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.answer.voice import Voice

BASE, FEW_SHOT, TUNED = "base", "few-shot", "tuned"
SHOTS = 5  # training rows before a question, where few-shot is asked for


class Contestant(BaseModel):
    """One who answers every row. `shots` training rows go before each question (Brown et al. 2020, section 2)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    """"base", "few-shot", "tuned", a checkpoint's folder, or another run's name; unique in one evaluation."""
    voice: Voice
    shots: int = Field(default=0, ge=0, le=32)


class Rule(BaseModel):
    """A user's own check of an answer, in [0, 1]: it holds or it does not. Nothing of it is executed.

    `text` is a regular expression, a piece of text, or a JSON schema; `inverted` turns "must" into "must not".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["regex", "contains", "json-schema"]
    text: str = Field(min_length=1, max_length=20_000)
    title: str = ""
    inverted: bool = False


class Judge(BaseModel):
    """A model behind an OpenAI-compatible endpoint that marks answers. Off unless a user names one.

    The key is never written: `key_from` names the environment variable that holds it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    url: str
    model: str
    key_from: str = "STUDIO_JUDGE_KEY"
    instructions: str = ""
    """What is a good answer, in the user's words; empty: the studio's own wording."""


class Request(BaseModel):
    """All that an evaluation was asked. Its rows lie beside it, in `rows.jsonl` as a run's rows do."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["scores", "baseline", "drift"] = "scores"
    title: str = ""
    task: Literal["text", "classes"] = "text"
    contestants: tuple[Contestant, ...]
    against: str = BASE
    """The contestant that the others are compared with."""
    metrics: tuple[str, ...] = ()
    """Names of metrics; empty: chosen from the rows, with the reason in the result."""
    rules: tuple[Rule, ...] = ()
    judge: Judge | None = None
    own: str = ""
    """A Python file with a user's own metric. Taken from the command line only, never from the page."""
    rows_are: str = ""
    """Where the rows came from, in words: "24 of 120 held-out rows"."""
    notes: tuple[str, ...] = ()
    """What was decided when it was asked, such as why nobody answers with examples. They begin the result's notes."""
    usual_class: str = ""
    """Of classes: the most frequent one of the training rows, which stands for a base that has no head for them."""
