"""A recipe as a program of its own: transformers, PEFT, TRL and datasets, and nothing of the studio.

What the studio would hand to the libraries is made here and written out, without the options that are as the library
has them; what a method does by itself comes from its own source (`standalone`). So a new method or option follows by
itself, and the program gives the losses of the run: on a CPU in float32 to the last bit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.home import ASSETS
from studio.recipe.models import STARTER_ID
from studio.recipe.recipe import Recipe
from studio.share.naming import public_base
from studio.share.spelled import Code, call, differing, spelled
from studio.share.standalone import HOOKS, Standalone, standalone

if TYPE_CHECKING:
    from studio.run.base import Precision

Form = Literal["pairs", "trl", "tokens"]
"""What a row of the files holds: a prompt and a completion as texts; the fields of a type of TRL's; or ids and labels,
where TRL has no words for what the recipe wants of its rows."""

PACKAGES = ("torch", "transformers", "peft", "trl", "datasets", "accelerate", "bitsandbytes")
ON_ITS_MACHINE = {
    "output_dir": Code('str(HERE / "checkpoints")'),
    "seed": Code("SEED"),
    "use_cpu": Code("not torch.cuda.is_available()"),
    "dataloader_pin_memory": Code("torch.cuda.is_available()"),
}
"""Arguments that the program works out where it runs."""
ALWAYS = ("learning_rate", "num_train_epochs", "per_device_train_batch_size", "seed", "bf16", "use_cpu")
"""Arguments that are written out even where they are as usual."""
LEFT_AWAY = ("disable_tqdm", "save_total_limit", "save_strategy", "do_eval", "activation_checkpointing")
NOTES = {
    "warmup_steps": "below 1: a share of the steps",
    "logging_nan_inf_filter": "a loss that is no number is shown as such",
    "eval_on_start": "the loss before anything was learned",
}


@dataclass(frozen=True)
class Known:
    """What the program has to know beside the recipe.

    `rows` are those trained on, `checked` the held-out ones that the loss is measured on, `folder` is that of the base
    model (None: it is not on this machine), `plain` whether the base has no chat template, `name` the run's.
    """

    rows: int = 1000
    checked: int = 64
    form: Form = "pairs"
    folder: Path | None = None
    plain: bool = False
    precision: Precision | None = None
    name: str = ""
    classes: tuple[str, ...] = ()


def script(recipe: Recipe, known: Known | None = None) -> str:
    """The program's text. Imports the training libraries, so a page asks for it in another process.

    Raises:
        StudioError: the base model cannot be used for the recipe's task.
    """
    import jinja2

    known = known or Known()
    if known.precision is None:
        from studio.run.train import precision_of

        known = replace(known, precision=precision_of(recipe))
    shelf = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS / "script"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Python, not HTML; everything of a user's goes through `spelled`
    )
    return shelf.get_template(f"{recipe.task.name}.py.jinja").render(_Words(recipe, known).all())


@dataclass(frozen=True)
class _Words:
    """What the template asks for."""

    recipe: Recipe
    known: Known

    def all(self) -> dict[str, Any]:
        recipe, known, own = self.recipe, self.known, self.own
        base = public_base(recipe.model.id)
        packages = self._packages()
        return {
            "base": base,
            "title": recipe.method.title,
            "task_title": recipe.task.title,
            "of_run": f", as in the studio's run {known.name}" if known.name else "",
            "packages": packages,
            "versions": ", ".join(f"{name} {version(name)}" for name in packages),
            "default_base": 'str(HERE / "starter")' if self._is_starter else spelled(base.name),
            "seed": recipe.training.seed,
            "classes": spelled(list(known.classes)),
            "plain_template": _plain_template() if known.plain else "",
            "imports": _import_lines(self._imports()),
            "definitions": list(own.definitions.values()) if own else [],
            "own": {hook: bool(own and hook in own.hooks) for hook in HOOKS},
            "has_own": own is not None,
            "method_class": type(recipe.method).__name__,
            "trainer": self.trainer,
            "load": self._load(),
            "quantized": self.quantization is not None,
            "peft_config": self._peft_call() if self.peft is not None else "",
            "checkpointing": recipe.training.gradient_checkpointing,
            "form": known.form,
            "checked": known.checked,
            "arguments": call(type(self.arguments).__name__, self._arguments(), NOTES, inside=2),
            "callbacks": [*(["*method.callbacks()"] if own and "callbacks" in own.hooks else []), "Print()"],
            "fp16": self.precision.autocast == "fp16",
        }

    @cached_property
    def own(self) -> Standalone | None:
        return standalone(self.recipe.method)

    @cached_property
    def precision(self) -> Precision:
        assert self.known.precision is not None
        return self.known.precision

    @cached_property
    def quantization(self) -> Any:
        return self.recipe.method.quantization(self.precision.compute)

    @cached_property
    def peft(self) -> Any:
        """The adapter's configuration, chosen with the base's shape in sight but without its weights."""
        from studio.recipe.methods.method import Situation
        from studio.run.steps import steps_of

        steps = steps_of(self.recipe.training, self.known.rows)
        model = _without_weights(self.model_class, self.known.folder) if self.known.folder else None
        return self.recipe.method.peft_config(Situation(self.recipe.task.peft_type, steps, self._base, model))

    @cached_property
    def arguments(self) -> Any:
        """The trainer's configuration as the studio makes it."""
        from studio.run.arguments import training_arguments
        from studio.run.tasks.language_modeling import sft_config

        counts = (self.known.rows, self.known.checked)
        given = training_arguments(self.recipe, self.precision, Path("checkpoints"), *counts)
        return sft_config(self.recipe.training, given)

    @property
    def trainer(self) -> str:
        return "SFTTrainer"

    @property
    def model_class(self) -> str:
        return "AutoModelForCausalLM"

    @property
    def _is_starter(self) -> bool:
        return self.recipe.model.id.strip() == STARTER_ID

    @property
    def _base(self) -> str:
        """What a configuration names where it means the base."""
        return str(self.known.folder or self.recipe.model.id)

    def _packages(self) -> list[str]:
        imports = "\n".join(self._imports())
        needed = {"peft": "peft" in imports, "trl": "trl" in imports, "bitsandbytes": self.quantization is not None}
        return [name for name in PACKAGES if needed.get(name, True)]

    def _imports(self) -> list[str]:
        lines = [
            "import json", "import sys", "from pathlib import Path", "import torch", "from datasets import Dataset",
            "from transformers import AutoTokenizer, TrainerCallback, set_seed",
            f"from transformers import {self.model_class}",
            f"from {'trl' if self.trainer == 'SFTTrainer' else 'transformers'} import {self.trainer}",
            f"from {type(self.arguments).__module__.partition('.')[0]} import {type(self.arguments).__name__}",
        ]  # fmt: skip
        if self.peft is not None:
            lines.append(f"from peft import get_peft_model, {type(self.peft).__name__}")
        if self.quantization is not None:
            lines.append(f"from transformers import {type(self.quantization).__name__}")
        return [*lines, *(self.own.imports if self.own else ())]

    def _load(self) -> str:
        options: dict[str, Any] = {
            "dtype": self.precision.weights,
            "attn_implementation": "sdpa",
            "device_map": Code('{"": 0} if torch.cuda.is_available() else None'),
        }
        if self.quantization is not None:
            kind = type(self.quantization)
            usual = kind().to_dict()
            given = {key: value for key, value in self.quantization.to_dict().items() if usual.get(key) != value}
            given = {key: value for key, value in given.items() if not key.startswith("_")}
            options["quantization_config"] = Code(call(kind.__name__, given, inside=2))
        return call(f"{self.model_class}.from_pretrained", options, first="BASE", inside=1)

    def _peft_call(self) -> str:
        given = differing(self.peft, type(self.peft)())
        given = {key: Code("BASE") if value == self._base else value for key, value in given.items()}
        return call(type(self.peft).__name__, given, inside=1)

    def _arguments(self) -> dict[str, Any]:
        made = self.arguments
        found = differing(made, type(made)(output_dir="checkpoints", use_cpu=made.use_cpu, bf16=False))
        found |= {name: getattr(made, name) for name in ("output_dir", *ALWAYS)}
        if self.known.form != "tokens":
            found.pop("dataset_kwargs", None)
        if self.known.form == "trl" and self.recipe.data.mapped.train_on == "every answer":
            found["assistant_only_loss"] = True
        for name in LEFT_AWAY:
            found.pop(name, None)
        found["save_strategy"] = "no"
        if self.recipe.training.save_steps:
            found |= {"save_strategy": "steps", "save_steps": self.recipe.training.save_steps}
            found["save_total_limit"] = self.recipe.training.saves_kept
        order = [each.name for each in fields(made)]
        return {key: ON_ITS_MACHINE.get(key, found[key]) for key in sorted(found, key=order.index)}


def _without_weights(model_class: str, folder: Path) -> Any:
    """The base as a skeleton: its modules and their shapes."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    with torch.device("meta"):
        return getattr(transformers, model_class).from_config(config, trust_remote_code=False)


def _plain_template() -> str:
    from studio.run.tokenizer import PLAIN_TEMPLATE

    return spelled(PLAIN_TEMPLATE.read_text("utf-8"))


def _import_lines(lines: Iterable[str]) -> str:
    """Import lines in order, the standard library first, the names of one module together."""
    modules: dict[str, set[str]] = {}
    for line in lines:
        words = line.split(None, 3)
        if words[0] == "from":
            modules.setdefault(words[1], set()).update(name.strip() for name in words[3].split(","))
        else:
            modules.setdefault(line, set())
    written = [f"from {each} import {', '.join(sorted(names))}" if names else each for each, names in modules.items()]
    written.sort(key=lambda line: (line.startswith("from"), line))
    own = [line for line in written if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    return "\n".join([*own, "", *(line for line in written if line not in own)])
