"""What the tuned model is to do with a text: go on writing, name its class, or fill gaps.

Any method can be used for any task. How a task trains is in `studio/run/tasks`, one file each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Union

from pydantic import Field

from studio.knob import Part, knob


class Task(Part):
    """One thing that a model can learn to do."""

    title: ClassVar[str]
    """Its name on the page."""
    when: ClassVar[str]
    """When to choose it, and what the rows must hold."""
    source: ClassVar[str]
    """Paper and section."""
    peft_type: ClassVar[str | None]
    """PEFT's task type; None where it has none that fits."""

    name: str


class LanguageModeling(Task):
    """Causal language modeling: the model learns which token comes next. Instructions, chats and plain text alike."""

    title: ClassVar[str] = "Language modeling (write)"
    when: ClassVar[str] = (
        "For answers, chats, styles, formats and new knowledge. Rows are prompts with completions, conversations, or "
        "plain text for continued pretraining."
    )
    source: ClassVar[str] = "Ouyang et al. 2022, arXiv 2203.02155, section 3.5"
    peft_type: ClassVar[str | None] = "CAUSAL_LM"

    name: Literal["language-modeling"] = "language-modeling"  # type: ignore[assignment]


class SequenceClassification(Task):
    """Sequence classification: a new head on the base names one of a fixed set of classes."""

    title: ClassVar[str] = "Classification (label a text)"
    when: ClassVar[str] = (
        "For sorting texts into a fixed set of classes, such as topics or spam. The prompt is the text, the completion "
        "is its class. Much faster and surer than writing the class out, and every answer comes with a probability."
    )
    source: ClassVar[str] = "Devlin et al. 2018, arXiv 1810.04805, section 4.1"
    peft_type: ClassVar[str | None] = "SEQ_CLS"

    name: Literal["sequence-classification"] = "sequence-classification"  # type: ignore[assignment]
    most_classes: int = knob(
        200,
        "How many different labels there may be. More than this is most likely a column of free text.",
        label="Classes at most",
        bounds=(2, 10_000),
        step=1,
        unit="classes",
        advanced=True,
    )


class MaskedLanguageModeling(Task):
    """Masked language modeling: an encoder learns to guess the tokens that were hidden from it."""

    title: ClassVar[str] = "Masked language modeling (fill gaps)"
    when: ClassVar[str] = (
        "To teach an encoder (BERT and its kin) the language of your field before it learns to classify. Rows are "
        "plain text."
    )
    source: ClassVar[str] = "Devlin et al. 2018, arXiv 1810.04805, section 3.1"
    peft_type: ClassVar[str | None] = None

    name: Literal["masked-language-modeling"] = "masked-language-modeling"  # type: ignore[assignment]
    masked_share: float = knob(
        0.15,
        "How many of the tokens are hidden. Too few and there is little to learn from, too many and nothing is left to "
        "guess from. Try 0.15; large encoders learn well with 0.3.",
        label="Hidden tokens",
        bounds=(0.05, 0.6),
        step=0.01,
        unit="share of the tokens",
    )


TASKS: tuple[type[Task], ...] = (LanguageModeling, SequenceClassification, MaskedLanguageModeling)

if TYPE_CHECKING:
    AnyTask = Task
else:
    AnyTask = Annotated[Union[TASKS], Field(discriminator="name")]  # noqa: UP007 (a tuple cannot be written with |)


def task_named(name: str) -> type[Task]:
    """The task class whose `name` field is `name`. Raises KeyError for one that does not exist."""
    return {str(task.model_fields["name"].default): task for task in TASKS}[name]
