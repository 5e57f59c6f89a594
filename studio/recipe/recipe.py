"""The recipe: everything that was asked of a run, in one YAML file.

Every option is declared once, here or in `methods`, and read once, in the stage that it names.
"""

from __future__ import annotations

from typing import Literal

import yaml
from pydantic import Field

from studio.data.part import DataPart
from studio.knob import Part, knob
from studio.recipe.methods.every import Method
from studio.recipe.methods.low_rank import Lora
from studio.recipe.tasks import AnyTask, LanguageModeling


class ModelPart(Part):
    """Which base model is tuned."""

    id: str = knob(
        "starter",
        "The bundled starter (`starter`), an id on the Hugging Face Hub (`owner/name`) or a local folder.",
        label="Base model",
    )


class TrainingPart(Part):
    """How it learns."""

    learning_rate: float = knob(
        2e-4,
        "How far each step moves the weights. Too high and the loss jumps, too low and nothing happens. Try 2e-4 for "
        "LoRA on a model of 1 B parameters or more; tiny models like the starter want ten to thirty times that.",
        label="Learning rate",
        bounds=(1e-6, 1e-1),
        scale="log",
    )
    epochs: float = knob(
        3.0,
        "How often each row is seen. Try 3; fewer with thousands of rows, more with dozens.",
        label="Epochs",
        bounds=(0.1, 50.0),
        step=0.1,
        unit="passes",
    )
    max_steps: int = knob(
        0,
        "Ends after this many steps whatever the epochs say; 0: the epochs decide.",
        label="Steps at most",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
        advanced=True,
    )
    batch_size: int = knob(
        8,
        "Rows that are learned from at once. More is steadier and takes more memory. Try 8.",
        label="Batch size",
        bounds=(1, 128),
        step=1,
        unit="rows",
    )
    gradient_accumulation: int = knob(
        1,
        "Batches that are added up before the weights move: the effect of a larger batch without its memory. "
        "Raise this when you must lower the batch size.",
        label="Gradient accumulation",
        bounds=(1, 128),
        step=1,
        unit="batches",
        advanced=True,
    )
    warmup: float = knob(
        0.05,
        "Share of the steps over which the learning rate rises from 0 to its full height, so that the first steps do "
        "no harm. Try 0.05.",
        label="Warm-up",
        bounds=(0.0, 0.5),
        step=0.01,
        unit="share of the steps",
    )
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup"] = knob(
        "cosine",
        "How the learning rate falls after the warm-up. Cosine and linear end at 0 and are safe; constant is for "
        "trying things out.",
        label="Schedule",
    )
    max_length: int = knob(
        512,
        "Rows longer than this are cut at the end; the data tab says which. Memory grows with it. Try the longest row "
        "you care about.",
        label="Longest row",
        bounds=(16, 32_768),
        step=16,
        unit="tokens",
    )
    weight_decay: float = knob(
        0.0,
        "Pulls the trained weights towards 0 a little in each step, against learning by heart. Try 0, then 0.01.",
        label="Weight decay",
        bounds=(0.0, 0.5),
        step=0.01,
        advanced=True,
    )
    max_grad_norm: float = knob(
        1.0,
        "A step larger than this is shortened to it (gradient clipping), so that one odd row cannot spoil the model. "
        "Try 1; 0 switches it off.",
        label="Gradient clipping",
        bounds=(0.0, 100.0),
        step=0.1,
        unit="norm",
        advanced=True,
    )
    seed: int = knob(
        42,
        "Decides the order of the rows and the adapter's first values: the same seed repeats the run.",
        label="Seed",
        bounds=(0, 2**31 - 1),
        advanced=True,
    )
    precision: Literal["auto", "bfloat16", "float16", "float32"] = knob(
        "auto",
        "How numbers are held in the computation. Auto takes bfloat16 where this machine is faster with it.",
        label="Precision",
        advanced=True,
    )
    gradient_checkpointing: bool = knob(
        False,
        "Computes parts again instead of keeping them: much less memory, about a third slower. "
        "Switch it on when memory runs out.",
        label="Gradient checkpointing",
        advanced=True,
    )
    evaluations: int = knob(
        8,
        "How often the held-out loss is measured in the course of the run. 0: never.",
        label="Held-out checks",
        bounds=(0, 100),
        step=1,
        unit="times",
        advanced=True,
    )
    evaluation_rows: int = knob(
        64,
        "Held-out rows used for each of those checks at most, so that checking does not take longer than training. "
        "Scoring after the run takes them all.",
        label="Rows per held-out check",
        bounds=(1, 10_000),
        step=1,
        unit="rows",
        advanced=True,
    )
    save_steps: int = knob(
        0,
        "A checkpoint is written each time after so many steps, so that a run that breaks off can go on from there. "
        "0: only when the run is stopped.",
        label="Checkpoint every",
        bounds=(0, 100_000),
        step=1,
        unit="steps",
        group="Checkpoints",
    )
    saves_kept: int = knob(
        2,
        "Older checkpoints are removed; the best one stays where it is needed. Each is about three times what moves.",
        label="Checkpoints kept",
        bounds=(1, 100),
        step=1,
        unit="checkpoints",
        group="Checkpoints",
    )


class Recipe(Part):
    """All that was asked of a run."""

    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    task: AnyTask = Field(default_factory=LanguageModeling)
    method: Method = Field(default_factory=Lora)
    training: TrainingPart = TrainingPart()

    def to_yaml(self) -> str:
        """The recipe as a YAML text that `read.read_recipe` reads back to an equal recipe."""
        return yaml.dump(self.model_dump(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """YAML whose texts with unusual line ends, such as a column's name may have, are read back as they were."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
