"""A recipe as a program of its own: transformers, PEFT, TRL and datasets, and nothing of the studio.

What the studio would hand to the libraries is made here and written out, without the options that are as the library
has them; what a method does by itself comes from its own source (`standalone`). So a new method or option follows by
itself, and the program gives the losses of the run: on a CPU in float32 to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.home import ASSETS
from studio.recipe.models import STARTER_ID
from studio.recipe.recipe import Recipe
from studio.share.naming import public_base
from studio.share.script_tasks import TASK_PARTS, TaskParts
from studio.share.spelled import Code, call, differing, import_lines, needed, spelled
from studio.share.standalone import HOOKS, Standalone, standalone

if TYPE_CHECKING:
    from studio.run.base import Precision

Form = Literal["pairs", "trl", "texts", "tokens"]
"""What a row of the files holds: a prompt and a completion as texts; the fields of a type of TRL's; a text (and its
class); or ids and labels, where TRL has no words for what the recipe wants of its rows."""

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
    model (None: it is not on this machine), `plain` whether the base has no chat template, `name` the run's, and
    `begin_from` the folder of an adapter that is trained further (None: a new one).
    """

    rows: int = 1000
    checked: int = 64
    form: Form = "pairs"
    folder: Path | None = None
    plain: bool = False
    precision: Precision | None = None
    name: str = ""
    classes: tuple[str, ...] = ()
    begin_from: Path | None = None


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
            "base": replace(base, name=_in_docstring(base.name), where=_in_docstring(base.where)),
            "title": recipe.method.title,
            "task_title": recipe.task.title,
            "tuner": bool(own and "optimizer" in own.hooks) or self.by_length or self.plain_checks,
            "by_length": self.by_length,
            "plain_checks": self.plain_checks,
            "has_head": self.task.has_head,
            "other_classes": self._other_classes(),
            "balance": getattr(recipe.task, "balance", False),
            "masked_share": getattr(recipe.task, "masked_share", 0),
            "max_length": recipe.training.max_length,
            "of_run": f", as in the studio's run {known.name}" if known.name else "",
            "packages": packages,
            "versions": ", ".join(f"{name} {version(name)}" for name in packages),
            "default_base": 'str(HERE / "starter")' if self._is_starter else spelled(base.name),
            "seed": recipe.training.seed,
            "classes": spelled(list(known.classes)),
            "plain_template": _plain_template() if known.plain else "",
            "imports": import_lines(self._imports()),
            "definitions": list((self.house.definitions | (own.definitions if own else {})).values()),
            "own": {hook: bool(own and hook in own.hooks) for hook in HOOKS},
            "has_own": own is not None,
            "method_class": type(recipe.method).__name__,
            "trainer": self.task.trainer,
            "starts_apart": self.recipe.method.family == "Soft prompts",
            "begin_from": self.known.begin_from is not None,
            "load": self._load(),
            "quantized": self.quantization is not None,
            "peft_config": self._peft_call() if self.peft is not None else "",
            "checkpointing": recipe.training.gradient_checkpointing,
            "form": known.form,
            "checked": known.checked,
            "arguments": call(type(self.arguments).__name__, self._arguments(), NOTES, inside=2),
            "callbacks": self._callbacks(),
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
        return self.recipe.method.peft_config(Situation(self.recipe.task.peft_type, steps, self._base, self.skeleton))

    @cached_property
    def skeleton(self) -> Any:
        """The base's modules and their shapes; None where it is not on this machine."""
        if self.known.folder is None:
            return None
        import torch
        import transformers

        config = transformers.AutoConfig.from_pretrained(
            self.known.folder, trust_remote_code=False, local_files_only=True
        )
        with torch.device("meta"):
            return getattr(transformers, self.task.model).from_config(config, trust_remote_code=False)

    def _attention(self) -> str:
        return "sdpa" if getattr(self.skeleton, "_supports_sdpa", True) else "eager"

    @cached_property
    def arguments(self) -> Any:
        """The trainer's configuration as the studio makes it."""
        from studio.run.arguments import training_arguments
        from studio.run.tasks.direct_preference import dpo_config
        from studio.run.tasks.language_modeling import sft_config

        counts = (self.known.rows, self.known.checked)
        given = training_arguments(self.recipe, self.precision, Path("checkpoints"), *counts)
        if self.task.trainer == "SFTTrainer":
            return sft_config(self.recipe.training, given)
        if self.task.trainer == "PreferenceTrainer":
            return dpo_config(self.recipe, given)
        from transformers import TrainingArguments

        return TrainingArguments(**given, label_names=["labels"])

    @property
    def task(self) -> TaskParts:
        return TASK_PARTS[self.recipe.task.name]

    @property
    def by_length(self) -> bool:
        return self.recipe.training.group_by_length

    @property
    def plain_checks(self) -> bool:
        """Whether what is trained on is not the plain loss, which held-out checks always are."""
        return self.recipe.training.label_smoothing > 0 or self.recipe.training.loss_type != "nll"

    @cached_property
    def house(self) -> Standalone:
        """What the studio's own trainer for the task does, as source."""
        found = Standalone()
        module = import_module(f"studio.run.tasks.{self.recipe.task.name.replace('-', '_')}")
        for name in self.task.of_house:
            found.need(name, module)
        if getattr(self.recipe.task, "balance", False):
            found.need("class_weights", module)
        if self._other_classes():
            found.need("_head", module)
        if self.task.has_head:
            found.need("_names", import_module("studio.run.base"))
        checkpoints = import_module("studio.run.checkpoints")
        for name, wanted in (("ByLength", self.by_length), ("_plain_loss", self.plain_checks)):
            if wanted:
                found.need(name, checkpoints)
        if self.recipe.training.early_stopping:
            found.need("EarlyStopping", import_module("studio.run.stopping"))
        return found

    def _other_classes(self) -> bool:
        """Whether the base has a head for other classes than the rows have."""
        if not self.task.has_head or self.known.folder is None:
            return False
        from studio.run.tasks.sequence_classification import saved_classes

        return bool(saved := saved_classes(self.known.folder)) and saved != self.known.classes

    def _callbacks(self) -> list[str]:
        training = self.recipe.training
        own = ["*method.callbacks()"] if self.own and "callbacks" in self.own.hooks else []
        stopping = [f"EarlyStopping({training.early_stopping}, {training.smallest_improvement})"]
        return [*own, *(stopping if training.early_stopping else []), "Print()"]

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
            f"from transformers import {self.task.model}",
            *self.task.imports,
            f"from {type(self.arguments).__module__.partition('.')[0]} import {type(self.arguments).__name__}",
        ]  # fmt: skip
        if self.known.begin_from is not None:
            lines.append("from peft import PeftModel")
        elif self.peft is not None:
            lines.append(f"from peft import get_peft_model, {type(self.peft).__name__}")
        if self.quantization is not None:
            lines.append(f"from transformers import {type(self.quantization).__name__}")
        return [*lines, *self.house.imports, *(self.own.imports if self.own else ())]

    def _load(self) -> str:
        options: dict[str, Any] = {
            "dtype": self.precision.weights,
            "attn_implementation": self._attention(),
            "device_map": Code('{"": 0} if torch.cuda.is_available() else None'),
        }
        if self.quantization is not None:
            kind = type(self.quantization)
            usual = kind().to_dict()
            given = {key: value for key, value in self.quantization.to_dict().items() if usual.get(key) != value}
            given = {key: value for key, value in given.items() if not key.startswith("_")}
            options["quantization_config"] = Code(call(kind.__name__, given, inside=2))
        options |= self.task.load
        return call(f"{self.task.model}.from_pretrained", options, first="BASE", inside=1)

    def _peft_call(self) -> str:
        given = {key: Code("BASE") if value == self._base else value for key, value in needed(self.peft).items()}
        if self.task.has_head and hasattr(self.peft, "modules_to_save"):
            given["modules_to_save"] = Code("new")
        return call(type(self.peft).__name__, given, inside=1)

    def _arguments(self) -> dict[str, Any]:
        made = self.arguments
        found = differing(made, type(made)(output_dir="checkpoints", use_cpu=made.use_cpu, bf16=False))
        found |= {name: getattr(made, name) for name in ("output_dir", *ALWAYS)}
        if self.known.form != "tokens":
            found.pop("dataset_kwargs", None)
        learns_answers = self.task.trainer == "SFTTrainer" and self.recipe.data.mapped.train_on == "every answer"
        if self.known.form == "trl" and learns_answers:
            found["assistant_only_loss"] = True
        if self.recipe.training.packing and self.known.form != "tokens":
            found["eval_packing"] = False
        for name in LEFT_AWAY:
            found.pop(name, None)
        found["save_strategy"] = made.save_strategy
        if self.recipe.training.save_steps and not made.load_best_model_at_end:
            found |= {"save_strategy": "steps", "save_steps": self.recipe.training.save_steps}
        if (
            str(found["save_strategy"].value if hasattr(found["save_strategy"], "value") else found["save_strategy"])
            != "no"
        ):
            found["save_total_limit"] = made.save_total_limit
        order = [each.name for each in fields(made)]
        return {key: ON_ITS_MACHINE.get(key, found[key]) for key in sorted(found, key=order.index)}


def _in_docstring(text: str) -> str:
    """What a user wrote, so that it neither ends a docstring nor says anything in one but itself."""
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")


def _plain_template() -> str:
    from studio.run.tokenizer import PLAIN_TEMPLATE

    return spelled(PLAIN_TEMPLATE.read_text("utf-8"))
