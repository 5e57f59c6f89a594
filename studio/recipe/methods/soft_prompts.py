"""Soft prompts: the model stays as it is, and learned numbers in front of every text make it do the task."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from studio.errors import StudioError
from studio.knob import knob
from studio.recipe.methods.method import Family, Situation, TuningMethod

if TYPE_CHECKING:
    import peft

WITH_PROMPTS = ("language-modeling", "direct-preference", "sequence-classification")
"""PEFT puts no soft prompt before masked texts."""


class PromptTuning(TuningMethod):
    """Prompt tuning: a few made-up tokens in front of every text are all that is learned."""

    title: ClassVar[str] = "Prompt tuning"
    family: ClassVar[Family] = "Soft prompts"
    source: ClassVar[str] = "Lester et al. 2021, arXiv 2104.08691, sections 2 and 3.2"
    when: ClassVar[str] = (
        "For one narrow task on a large base: the result is a file of some kilobytes. On bases below a few billion "
        "weights it learns clearly less than LoRA, and it needs more steps."
    )
    first: ClassVar[str] = "20 virtual tokens that start from a text which says what to do, and a high learning rate."
    good_at: ClassVar[str] = "tiny files, large bases"
    rate: ClassVar[float] = 20.0
    tasks: ClassVar[tuple[str, ...]] = WITH_PROMPTS

    name: Literal["prompt-tuning"] = "prompt-tuning"  # type: ignore[assignment]
    virtual_tokens: int = knob(
        20,
        "How many made-up tokens stand in front of every text. Try 20; the paper finds little gain beyond that.",
        label="Virtual tokens",
        bounds=(1, 512),
        step=1,
        unit="tokens",
        what="A model turns each token into a list of numbers. A virtual token is such a list that belongs to no word: "
        "training looks for numbers that make the model do your task, as a good instruction would. They stand in front "
        "of every text and take up that much of its length.",
        picture="soft-prompt",
    )
    start: Literal["text", "vocabulary", "random"] = knob(
        "vocabulary",
        "What the virtual tokens are before the first step: those of a text, random words of the vocabulary, or random "
        "numbers. Try a text that says what to do; random numbers learn slowest.",
        label="Start from",
        what="Learning has to begin somewhere. Numbers of real words are a place that the model knows, so it learns "
        "sooner from there than from numbers that no word has.",
        picture="init",
    )
    text: str = knob(
        "",
        "The text to start from, such as: Answer the customer politely. Used when the start is a text; repeated or cut "
        "until it has as many tokens as you set.",
        label="Start text",
        what="Write here what you would ask of the model in words. Its tokens become the first virtual tokens, and "
        "training improves on them.",
        picture="soft-prompt",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        """Raises StudioError where the start is a text and there is none."""
        from peft import PromptTuningConfig, PromptTuningInit

        if self.start == "text" and not self.text.strip():
            raise StudioError(
                "You set the virtual tokens to start from a text, but the start text is empty. Write one, or start "
                "from the vocabulary."
            )
        starts = {
            "text": PromptTuningInit.TEXT,
            "vocabulary": PromptTuningInit.SAMPLE_VOCAB,
            "random": PromptTuningInit.RANDOM,
        }
        return PromptTuningConfig(
            task_type=situation.task_type,
            num_virtual_tokens=self.virtual_tokens,
            prompt_tuning_init=starts[self.start],
            prompt_tuning_init_text=self.text if self.start == "text" else None,
            tokenizer_name_or_path=situation.tokenizer if self.start == "text" else None,
        )


class PTuning(TuningMethod):
    """P-tuning: virtual tokens in front of every text, made by a small network that is trained in their place."""

    title: ClassVar[str] = "P-tuning"
    family: ClassVar[Family] = "Soft prompts"
    source: ClassVar[str] = "Liu et al. 2021, arXiv 2103.10385, section 2"
    when: ClassVar[str] = (
        "Where prompt tuning learns too slowly or not at all: the small network ties the virtual tokens together. It "
        "is thrown away after training, so the result is as small as prompt tuning's."
    )
    first: ClassVar[str] = "20 virtual tokens and an MLP of 128."
    good_at: ClassVar[str] = "tiny files, steadier than prompt tuning"
    rate: ClassVar[float] = 1.0
    tasks: ClassVar[tuple[str, ...]] = WITH_PROMPTS

    name: Literal["p-tuning"] = "p-tuning"  # type: ignore[assignment]
    virtual_tokens: int = knob(
        20,
        "How many made-up tokens stand in front of every text. Try 20.",
        label="Virtual tokens",
        bounds=(1, 512),
        step=1,
        unit="tokens",
        what="A model turns each token into a list of numbers. A virtual token is such a list that belongs to no word, "
        "learned so that the model does your task. They stand in front of every text and take up that much of its "
        "length.",
        picture="soft-prompt",
    )
    encoder: Literal["mlp", "lstm"] = knob(
        "mlp",
        "The small network that makes the virtual tokens. The MLP is simple and quick; the LSTM, which the paper used, "
        "reads them in order.",
        label="Encoder",
        what="Instead of learning each virtual token by itself, a small network turns simple starting numbers into all "
        "of them. An MLP treats each token alone. An LSTM goes through them one after another, so that each can depend "
        "on its neighbours.",
        picture="soft-prompt",
    )
    encoder_width: int = knob(
        128,
        "How many numbers the small network works with inside. Try 128; more for a large base.",
        label="Encoder width",
        bounds=(8, 4096),
        step=8,
        unit="numbers",
        advanced=True,
        what="A wider network can make more different virtual tokens and takes more memory while training. The saved "
        "result is the same size whatever you set.",
        picture="bottleneck",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import PromptEncoderConfig

        return PromptEncoderConfig(
            task_type=situation.task_type,
            num_virtual_tokens=self.virtual_tokens,
            encoder_reparameterization_type=self.encoder.upper(),
            encoder_hidden_size=self.encoder_width,
        )


class PrefixTuning(TuningMethod):
    """Prefix tuning: in every layer attention also looks at learned numbers that stand before the text."""

    title: ClassVar[str] = "Prefix tuning"
    family: ClassVar[Family] = "Soft prompts"
    source: ClassVar[str] = "Li and Liang 2021, arXiv 2101.00190, section 4"
    when: ClassVar[str] = (
        "When prompt tuning is too weak but the base must stay untouched and the file small: it acts in every layer "
        "and not just in front of the first. Does not work under gradient checkpointing."
    )
    first: ClassVar[str] = "20 virtual tokens with projection, which start from random numbers."
    good_at: ClassVar[str] = "small files, stronger than prompt tuning"
    rate: ClassVar[float] = 5.0
    works_with_checkpointing: ClassVar[bool] = False
    tasks: ClassVar[tuple[str, ...]] = WITH_PROMPTS

    name: Literal["prefix-tuning"] = "prefix-tuning"  # type: ignore[assignment]
    virtual_tokens: int = knob(
        20,
        "How many learned positions every layer sees before the text. Try 20; up to 200 for long texts.",
        label="Virtual tokens",
        bounds=(1, 512),
        step=1,
        unit="tokens",
        what="In each layer every word looks back at the words before it. Prefix tuning puts made-up positions there "
        "that are learned, a set of its own for each layer, and leaves all weights of the model alone.",
        picture="prefix",
    )
    start: Literal["random", "zero"] = knob(
        "random",
        "What the learned positions hold before the first step. Random numbers learn sooner; zeros disturb the model "
        "less at first.",
        label="Start from",
        what="At the start the learned positions know nothing. With zeros they only draw a little attention away from "
        "the text. With random numbers they first talk nonsense into every layer, but training finds its way out of "
        "that sooner than out of zeros.",
        picture="init",
    )
    projection: bool = knob(
        True,
        "Learns the positions through a small network, as the paper did: more weights while training, the same small "
        "file. Keep it; without it the learning rate must be several times higher.",
        label="Projection",
        what="Instead of learning all numbers of the prefix by themselves, a small network makes them out of fewer. "
        "The paper found this steadier. After training only what it made is kept.",
        picture="prefix",
    )
    projection_width: int = knob(
        128,
        "How many numbers that network works with inside; used with projection. Try 128.",
        label="Projection width",
        bounds=(8, 4096),
        step=8,
        unit="numbers",
        advanced=True,
        what="A wider network can make more different prefixes and takes more memory while training. The saved result "
        "is the same size whatever you set.",
        picture="bottleneck",
    )

    def peft_config(self, situation: Situation) -> peft.PeftConfig:
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(
            task_type=situation.task_type,
            num_virtual_tokens=self.virtual_tokens,
            prefix_projection=self.projection,
            encoder_hidden_size=self.projection_width,
            init_weights="zero" if self.start == "zero" else None,
        )
