"""What differs from task to task in a stand-alone program, beside the text of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.share.spelled import Code


@dataclass(frozen=True)
class TaskParts:
    """Which classes of the libraries a task takes. `of_house` is taken over from the studio as source."""

    model: str
    trainer: str
    imports: tuple[str, ...]
    of_house: tuple[str, ...] = ()
    load: Mapping[str, Any] = field(default_factory=dict)
    has_head: bool = False


TASK_PARTS = {
    "language-modeling": TaskParts("AutoModelForCausalLM", "SFTTrainer", ("from trl import SFTTrainer",)),
    "direct-preference": TaskParts("AutoModelForCausalLM", "PreferenceTrainer", (), ("PreferenceTrainer",)),
    "sequence-classification": TaskParts(
        "AutoModelForSequenceClassification",
        "ClassTrainer",
        ("from transformers import DataCollatorWithPadding, Trainer",),
        ("ClassTrainer", "_scores", "_named_class", "_begin_anew"),
        {
            "id2label": Code("dict(enumerate(CLASSES))"),
            "label2id": Code("{name: number for number, name in enumerate(CLASSES)}"),
            "problem_type": "single_label_classification",
            "ignore_mismatched_sizes": True,
            "output_loading_info": True,
        },
        has_head=True,
    ),
    "masked-language-modeling": TaskParts(
        "AutoModelForMaskedLM",
        "MaskTrainer",
        ("from transformers import DataCollatorForTokenClassification, Trainer",),
        ("MaskTrainer", "Masking"),
    ),
}
