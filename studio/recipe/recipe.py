"""The recipe: everything that was asked of a run, in one YAML file.

Every option is declared once, here, in `training`, `looks`, `launch`, `tasks` or `methods`, and read once, in the stage
that it names.
"""

from __future__ import annotations

import yaml
from pydantic import Field

from studio.data.part import DataPart
from studio.knob import Part, knob
from studio.recipe.launch import LaunchPart
from studio.recipe.looks import LooksPart
from studio.recipe.methods.every import Method
from studio.recipe.methods.low_rank import Lora
from studio.recipe.tasks import AnyTask, LanguageModeling
from studio.recipe.training import TrainingPart

__all__ = ["LaunchPart", "LooksPart", "ModelPart", "Recipe", "TrainingPart"]


class ModelPart(Part):
    """Which base model is tuned."""

    id: str = knob(
        "starter",
        "The bundled starter (`starter`), an id on the Hugging Face Hub (`owner/name`) or a local folder.",
        label="Base model",
    )


class Recipe(Part):
    """All that was asked of a run."""

    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    task: AnyTask = Field(default_factory=LanguageModeling)
    method: Method = Field(default_factory=Lora)
    training: TrainingPart = TrainingPart()
    looks: LooksPart = LooksPart()
    launch: LaunchPart = LaunchPart()

    def to_yaml(self) -> str:
        """The recipe as a YAML text that `read.read_recipe` reads back to an equal recipe."""
        return yaml.dump(self.model_dump(), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """YAML whose texts with unusual line ends, such as a column's name may have, are read back as they were."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if set(text) & {"\x85", "\u2028", "\u2029"} else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
