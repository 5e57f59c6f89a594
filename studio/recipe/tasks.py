"""What the tuned model is to do with a text: go on writing, write what people prefer, name its class, or fill gaps.

Any method can be used for any task. How a task trains is in `studio/run/tasks`, one file each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Union

from pydantic import Field

from studio.knob import Part, knob
from studio.recipe.model_folder import ModelKind


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
    kinds: ClassVar[tuple[ModelKind, ...]]
    """The sorts of base model that can learn it; one that does not say what it is may try."""
    unfit: ClassVar[str]
    """What to do about a base of another sort."""

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
    kinds: ClassVar[tuple[ModelKind, ...]] = ("decoder",)
    unfit: ClassVar[str] = (
        "Language modeling needs a decoder, a model that writes token by token. Set the task to classification or "
        "masked language modeling, or choose a decoder such as the starter or Qwen/Qwen3-0.6B."
    )

    name: Literal["language-modeling"] = "language-modeling"  # type: ignore[assignment]


class DirectPreference(LanguageModeling):
    """Direct preference optimisation (DPO): a model that writes learns which of two answers people prefer."""

    title: ClassVar[str] = "Preferences (DPO: write what is preferred)"
    when: ClassVar[str] = (
        "For taste and tone that are easier to judge than to write down. Rows are a prompt, a better and a worse "
        "answer, such as blind votes leave them. First teach the task itself by language modeling."
    )
    source: ClassVar[str] = "Rafailov et al. 2023, arXiv 2305.18290, section 4"
    unfit: ClassVar[str] = (
        "Preferences are learned by a decoder, a model that writes token by token. Choose a decoder such as the "
        "starter or Qwen/Qwen3-0.6B."
    )

    name: Literal["direct-preference"] = "direct-preference"  # type: ignore[assignment]
    beta: float = knob(
        0.1,
        "How short the leash to the base is: small lets the answers move far away from it, large keeps them near. Try "
        "0.1; 0.3 to 0.5 when answers become odd or ever longer.",
        label="Beta",
        bounds=(0.01, 1.0),
        scale="log",
        what="Every answer has a reward: beta times how much likelier the model finds it than the model did before "
        "this run. Training wants the better answer's reward to be above the worse one's, and stops pushing once it is "
        "well above. With a small beta it takes a large change to get there, with a large beta a small one.",
        picture="preference",
    )
    loss: Literal["sigmoid", "robust", "ipo", "hinge"] = knob(
        "sigmoid",
        "What is made small: sigmoid is DPO's own loss, try it first; robust reckons with pairs that are the wrong way "
        "round; ipo does not push pairs apart without end; hinge lets pairs be that are a margin apart.",
        label="Preference loss",
        what="All four push the better answer up and the worse one down, and differ in when they stop. Sigmoid pushes "
        "ever more gently, and robust (arXiv 2403.00409) is sigmoid for votes of which some are mistakes. Ipo (arXiv "
        "2310.12036) aims for a gap of 1 / (2 beta) a token and no more. Hinge (arXiv 2305.10425) stops at a margin of "
        "1. Their numbers cannot be compared with each other: compare the accuracy on held-out pairs.",
        picture="preference",
    )
    wrong_share: float = knob(
        0.1,
        "The share of the pairs that you believe to be the wrong way round. Only the robust loss reads it. Try 0.1; "
        "0.2 where several people voted and often disagreed.",
        label="Wrong pairs",
        bounds=(0.0, 0.45),
        step=0.01,
        unit="share of the pairs",
        advanced=True,
        what="People slip, and tastes differ, so some votes are the wrong way round. The robust loss takes off what "
        "that many wrong pairs add to the gradient on average. Half of them wrong would mean that there is nothing to "
        "learn, so the share stays below that.",
        picture="label-smoothing",
    )
    sft_share: float = knob(
        0.0,
        "Also learns the better answers by heart a little, which keeps them from becoming unlikely. 0: off; try 0.2 "
        "when the reward of the better answers falls below 0.",
        label="Share of plain learning",
        bounds=(0.0, 2.0),
        step=0.05,
        unit="times the plain loss",
        advanced=True,
        what="Only the gap between the two answers counts in DPO, so both may become less likely as long as the worse "
        "one does so faster. This adds the usual loss on the better answer, so many times (Pang et al. 2024, arXiv "
        "2404.19733, equation 1). Look at the two rewards in the Run tab to see whether you need it.",
        picture="preference",
    )
    begin_from: str = knob(
        "",
        "The name of a run of the LoRA family on the same base, with the method's options as they were there: its "
        "adapter is trained further, and the result is one adapter. Empty: a new adapter.",
        label="Go on with the adapter of run",
        advanced=True,
        what="A run that taught the task has left an adapter beside its base. Here that very adapter is the start, and "
        "what it says now is what the rewards are measured against. The run that it comes from keeps its own. To put a "
        "new adapter on top instead, leave this empty and choose run:NAME as the base model.",
        picture="init",
    )


class SequenceClassification(Task):
    """Sequence classification: a new head on the base names one of a fixed set of classes."""

    title: ClassVar[str] = "Classification (label a text)"
    when: ClassVar[str] = (
        "For sorting texts into a fixed set of classes, such as topics or spam. The prompt is the text, the completion "
        "is its class. Much faster and surer than writing the class out, and every answer comes with a probability."
    )
    source: ClassVar[str] = "Devlin et al. 2018, arXiv 1810.04805, section 4.1"
    peft_type: ClassVar[str | None] = "SEQ_CLS"
    kinds: ClassVar[tuple[ModelKind, ...]] = ("decoder", "encoder")
    unfit: ClassVar[str] = (
        "Classification puts a head on a decoder or on an encoder. Choose one of these as the base model."
    )

    name: Literal["sequence-classification"] = "sequence-classification"  # type: ignore[assignment]
    balance: bool = knob(
        False,
        "A class with few rows counts for as much as one with many. Try it when the rare class is the one you look "
        "for; leave it off when all mistakes cost the same.",
        label="Balance the classes",
        what="When 95 of 100 rows are of one class, a model does well by always naming that class. Balancing makes "
        "a mistake on a row of a rare class cost more, in proportion to how rare it is. The model then finds more of "
        "the rare class, and raises more false alarms. Look at the macro F1 of the held-out rows, which counts every "
        "class alike, to see which of the two you got.",
        picture="classes",
    )
    most_classes: int = knob(
        200,
        "How many different labels there may be. More than this is most likely a column of free text.",
        label="Classes at most",
        bounds=(2, 10_000),
        step=1,
        unit="classes",
        advanced=True,
        what="The classes are the different texts in the completion column. A column of free text has a different "
        "text in nearly every row, and a model cannot learn a class that it saw once. This limit stops such a run "
        "before it begins. Raise it when you really have more classes, with a good number of rows for each.",
        picture="classes",
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
    kinds: ClassVar[tuple[ModelKind, ...]] = ("encoder",)
    unfit: ClassVar[str] = (
        "Masked language modeling needs an encoder such as google-bert/bert-base-uncased. To teach a decoder the "
        "language of your field, set the task to language modeling and give it plain text."
    )

    name: Literal["masked-language-modeling"] = "masked-language-modeling"  # type: ignore[assignment]
    masked_share: float = knob(
        0.15,
        "How many of the tokens are hidden. Too few and there is little to learn from, too many and nothing is left to "
        "guess from. Try 0.15; large encoders learn well with 0.3.",
        label="Hidden tokens",
        bounds=(0.05, 0.6),
        step=0.01,
        unit="share of the tokens",
        what="The model reads a text in which some tokens are hidden, and guesses them from what stands around them. "
        "Of the chosen tokens eight in ten are replaced by a mask, one by a random token, and one stays as it is, so "
        "that the model cannot rely on seeing the mask. Which ones are hidden is drawn anew each time a row comes by; "
        "for the held-out rows it is drawn once, so that their losses can be compared.",
        picture="masking",
    )


TASKS: tuple[type[Task], ...] = (LanguageModeling, DirectPreference, SequenceClassification, MaskedLanguageModeling)

if TYPE_CHECKING:
    AnyTask = Task
else:
    AnyTask = Annotated[Union[TASKS], Field(discriminator="name")]  # noqa: UP007 (a tuple cannot be written with |)


def why_not(task: type[Task], kind: ModelKind) -> str:
    """Why a base model of this kind cannot learn the task, and what to choose instead; empty where it can."""
    if kind == "unknown" or kind in task.kinds:
        return ""
    article = "a" if kind == "decoder" else "an"
    return f"The base model is {article} {kind}. {task.unfit}"


def task_named(name: str) -> type[Task]:
    """The task class whose `name` field is `name`. Raises KeyError for one that does not exist."""
    return {str(task.model_fields["name"].default): task for task in TASKS}[name]
