"""The recipe's data part: which rows are read, how, what is mended in them, and which are held out."""

from __future__ import annotations

from typing import Any, Literal

from studio.data.mends.every import Mend
from studio.knob import Part, knob

Chunking = Literal["whole", "tokens", "sentence", "paragraph"]


class Reading(Part):
    """How a file's bytes become cells. Empty values are detected."""

    encoding: str = knob(
        "",
        "How the file's bytes are letters. Leave it empty unless letters look wrong; then try windows-1252.",
        label="Encoding",
    )
    delimiter: str = knob(
        "", "What parts the cells of a CSV. Leave it empty unless columns look wrong.", label="Delimiter"
    )
    quote: Literal["", '"', "'", "none"] = knob(
        "",
        'What stands around a CSV cell that holds the delimiter; usually ". None: every quote is part of the text.',
        label="Quotes",
    )
    sheet: str = knob("", "The sheet of an Excel workbook; empty: the first one with rows.", label="Sheet")
    subset: str = knob("", "The subset (configuration) of a Hub dataset; empty: its default.", label="Subset")
    split: str = knob("train", "The split of a Hub dataset that is read.", label="Split")


class Mapped(Part):
    """Which columns are what, where their names do not say it. Empty values are recognised."""

    shape: Literal["auto", "prompt-completion", "conversation", "preference", "text"] = knob(
        "auto",
        "What a row is: a prompt with its completion, a conversation of several turns, a prompt with a better and a "
        "worse answer (preference), or plain text to go on pretraining with. Auto: recognised from the columns.",
        label="Shape",
    )
    prompt_template: str = knob(
        "",
        "Makes the prompt out of several columns, such as {question} and {context}, each name in braces. "
        "Empty: the prompt column as it is.",
        label="Prompt template",
    )
    completion_template: str = knob(
        "", "Makes the completion out of several columns, in the same way.", label="Completion template"
    )
    messages_column: str = knob("", "The column that holds the conversation.", label="Conversation column")
    text_column: str = knob("", "The column that holds plain text.", label="Text column")
    chosen_column: str = knob("", "The column that holds the better answer.", label="Chosen column")
    rejected_column: str = knob("", "The column that holds the worse answer.", label="Rejected column")
    system_column: str = knob("", "The column that holds a row's system prompt.", label="System prompt column")
    system_prompt: str = knob(
        "",
        "Put before every row that has none of its own. Use the same text when you chat with the tuned model.",
        label="System prompt",
    )
    label_column: str = knob(
        "", "The column that holds a row's class, for balance and for a stratified split.", label="Label column"
    )
    group_column: str = knob(
        "", "The column that says which rows belong together, such as a customer or a document.", label="Group column"
    )
    train_on: Literal["every answer", "last answer"] = knob(
        "every answer",
        "Which answers of a conversation are learned from. Rows that give a weight of 0 to an answer are obeyed.",
        label="Learn from",
    )


class Chunks(Part):
    """How long plain text is cut into rows for continued pretraining."""

    by: Chunking = knob(
        "whole",
        "Where long text is cut. Whole: not at all, so what is beyond the longest row is lost. Tokens: every so many "
        "tokens, nothing is wasted. Sentence or paragraph: at the last end that fits, which reads better. Try "
        "paragraph for prose and tokens for everything else.",
        label="Cut long text",
    )
    length: int = knob(
        256, "Tokens of one chunk at most. Try the longest row of the recipe.", label="Chunk length",
        bounds=(16, 32_768), step=16, unit="tokens",
    )  # fmt: skip
    overlap: int = knob(
        0,
        "Tokens repeated from the chunk before, so that no thought begins in the middle. Try 0, then a tenth.",
        label="Overlap",
        bounds=(0, 4096),
        step=8,
        unit="tokens",
    )


class Mix(Part):
    """A further set of rows, trained on together with the main one."""

    path: str
    weight: float = knob(
        0.1,
        "Rows of this set for each row of the main set: 1 is as many, 0.1 a tenth. A set that has fewer rows is "
        "repeated.",
        label="Weight",
        bounds=(0.0, 10.0),
        step=0.05,
        unit="rows per row",
    )
    held_out: bool = True
    """Whether its share of held-out rows is scored too. Off for general data, so that scores speak of the task."""


class DataPart(Part):
    """Which examples it learns from, and which are held out to judge it."""

    path: str = knob(
        "",
        "A file (CSV, TSV, JSON, JSONL, Parquet, XLSX, text; also gzipped), a folder of such files, or a dataset of "
        "the Hugging Face Hub (`hf://datasets/owner/name`).",
        label="Training data",
    )
    reading: Reading = Reading()
    prompt_column: str = knob("", "The column that holds the prompt; empty: recognised by name.", label="Prompt column")
    completion_column: str = knob(
        "", "The column that holds the completion; empty: recognised by name.", label="Completion column"
    )
    mapped: Mapped = Mapped()
    mends: tuple[Mend, ...] = ()
    """What is mended, applied in this order to the examples. The file itself is never changed."""
    held_out_path: str = knob(
        "", "A file of held-out rows of its own; the share is then not used.", label="Held-out file"
    )
    held_out_share: float = knob(
        0.1,
        "Share of the rows that is kept out of training, to see whether the model learned the task or only the rows. "
        "Try 0.1; more when you have few rows.",
        label="Held-out share",
        bounds=(0.0, 0.5),
        step=0.01,
    )
    split_seed: int = knob(
        42,
        "Decides which rows are held out: the same seed gives the same rows.",
        label="Split seed",
        bounds=(0, 2**31 - 1),
    )
    split_by: Literal["prompt", "group", "label"] = knob(
        "prompt",
        "What the split respects. Prompt: the same prompt stays on one side. Group: so do all rows of one group. "
        "Label: every class is held out by the same share. Near-duplicates stay together in each case.",
        label="Split by",
    )
    mix: tuple[Mix, ...] = ()
    """Further sets, trained on together with this one."""
    chunks: Chunks = Chunks()

    def for_other_rows(self, path: str, **options: Any) -> DataPart:
        """A part for the rows at `path`. What was said of the old ones (columns, mends, groups, sets mixed in) does not
        hold for them; what is a matter of taste does."""
        kept = {"held_out_share": self.held_out_share, "split_seed": self.split_seed}
        return DataPart.model_validate({"path": path, **kept, **options})
