"""A model in memory, and the adapters that stand on it: each kind on modules of its own, over one copy of the weights.

All plain LoRA adapters are in one PEFT model, where every row of a batch names its own. Any other adapter has a PEFT
model by itself, so nothing is ever switched on or off, and no adapter can touch what the base or another one says.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import torch
from peft import LoraConfig, PeftConfig, PeftModel, PeftType
from peft.utils import load_peft_weights
from safetensors import SafetensorError

from studio.answer.checkpoint import write_adapter
from studio.answer.mix import mix
from studio.answer.skeleton import for_a_pass, skeleton
from studio.answer.strength import Dial
from studio.answer.voices import Model
from studio.answer.wanted import Learned, Mix
from studio.errors import StudioError
from studio.recipe.tasks import SequenceClassification
from studio.run.base_mark import refuse_other_base

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MOST_ADAPTERS = 8  # kept on a base; the one that was not used for longest goes first
IN_PLACE = ("pissa", "olora", "corda", "loftq", "eva", "lora_ga")  # starts for which PEFT writes into the base


@dataclass(eq=False)
class Adapter:
    """An adapter in memory, under its name in the PEFT model `on`. `named`: the rows of a batch can name it."""

    of: Learned | Mix
    name: str
    on: PeftModel
    named: bool
    dial: Dial

    @property
    def pads(self) -> bool:
        """Whether prompts of different lengths can be in one batch, with the texts that separate runs would give.

        Padding stands between the virtual tokens of prompt tuning and P-tuning and the prompt, and PEFT counts it as
        places, so the prompt would be further away than in training. Prefix tuning's places are in the cache, before
        it.
        """
        config = self._config
        return not config.is_prompt_learning or config.peft_type == PeftType.PREFIX_TUNING

    @property
    def takes(self) -> int:
        """The tokens of the context that it takes for itself."""
        return int(self._config.num_virtual_tokens) if self._config.is_prompt_learning else 0

    @property
    def _config(self) -> Any:
        return self.on.peft_config[self.name]


class Loaded:
    """A model in memory with its adapters. The model itself stays as it was loaded.

    `folder` is where its weights came from, `new_modules` what they lack, `dial` its own where it was tuned whole.
    """

    def __init__(self, model: PreTrainedModel, folder: Path, new_modules: tuple[str, ...] = ()) -> None:
        self.model = model
        self.folder = folder
        self.new_modules = new_modules
        self.dial: Dial | None = None
        self._adapters: dict[str, Adapter] = {}  # in the order of their last use
        self._group: PeftModel | None = None

    @property
    def exact(self) -> bool:
        """Whether rows keep their greedy texts whatever else is in the batch, or batches are what the device is for.

        On a CPU bfloat16 rounds a product otherwise for another number of rows. 8-bit weights pick the columns that
        they compute in 16 bits by all rows together.
        """
        eight_bits = getattr(self.model, "is_loaded_in_8bit", False)
        return not eight_bits and (self.model.dtype == torch.float32 or self.model.device.type != "cpu")

    def tree(self, adapter: str = "") -> Model:
        """Modules that nobody else has: the model, or the one that speaks as this adapter."""
        if not adapter:
            return for_a_pass(self.model)
        found = self._adapters[adapter]
        tree = for_a_pass(found.on)
        if found.named and tree.active_adapter != adapter:
            tree.set_adapter(adapter, inference_mode=True)
        return tree

    def holds(self, adapter: str) -> bool:
        """Whether the adapter of that name is in memory."""
        return adapter in self._adapters

    def adapter(self, name: str) -> Adapter:
        """The adapter of that name, which is in memory."""
        return self._adapters[name]

    def find(self, of: Learned | Mix, strength: float, used: Container[str]) -> Adapter | None:
        """The adapter at that strength, where it is in memory. One that is not `used` is turned to it."""
        alike = [adapter for adapter in self._adapters.values() if adapter.of == of]
        ready = [adapter for adapter in alike if adapter.dial.strength == strength]
        free = [adapter for adapter in alike if adapter.name not in used]
        for adapter in (ready or free)[:1]:
            adapter.dial.turn(strength)
            self._adapters[adapter.name] = self._adapters.pop(adapter.name)
            return adapter
        return None

    def bring(self, of: Learned | Mix, strength: float, used: Container[str], name: str = "") -> Adapter:
        """Load an adapter, under that name or a new one; others that are not `used` may go for it.

        Raises:
            StudioError: it cannot be put on this model, mixed or turned.
        """
        name = name or f"adapter_{uuid4().hex}"  # none begins another: PEFT looks for names in names
        if isinstance(of, Mix):
            on, named = self._mixed(of, name, used), True
        else:
            on, named = self._learned(of, name)
        heads = isinstance(_run_of(of).recipe.task, SequenceClassification)
        adapter = Adapter(of, name, on.eval(), named, Dial(on, name, keep_heads=heads))
        self._adapters[name] = adapter
        adapter.dial.turn(strength)
        self._thin([*_names(self._adapters, used), name])
        return adapter

    def _learned(self, of: Learned, name: str) -> tuple[PeftModel, bool]:
        if not of.is_checkpoint:
            refuse_other_base(of.folder, self.folder, of.run.name, of.run.recipe.model.id)
            return self._put(of, of.folder, name)
        with TemporaryDirectory(prefix="atelier-checkpoint-") as made:
            write_adapter(of.run, of.folder, self.model, self.new_modules, Path(made))
            return self._put(of, Path(made), name)

    def _put(self, of: Learned, folder: Path, name: str) -> tuple[PeftModel, bool]:
        try:
            config = PeftConfig.from_pretrained(str(folder))
            load_peft_weights(str(folder), device="cpu")  # damaged files show before anything was put anywhere
            named = may_be_named(config)
            if not named:
                tree = skeleton(self.model, own=lambda weight: _writes(config, weight))
                return PeftModel.from_pretrained(tree, str(folder), adapter_name=name), False
            if self._group is None:
                self._group = PeftModel.from_pretrained(skeleton(self.model), str(folder), adapter_name=name)
            else:
                self._group.load_adapter(str(folder), adapter_name=name)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            self._forget(name)
            if isinstance(error, RuntimeError) and "size mismatch" not in str(error):
                raise  # memory, most likely: not the adapter's fault
            raise StudioError(
                f"The adapter of {of.name} cannot be put on its base ({type(error).__name__}: {error!s:.300}). "
                "Its files are damaged, or the base model was changed since: train again."
            ) from error
        return self._group, True

    def _mixed(self, of: Mix, name: str, used: Container[str]) -> PeftModel:
        names: list[str] = []
        for part, _ in of.parts:
            taken = [*_names(self._adapters, used), *names]
            found = self.find(part, 1.0, taken) or self.bring(part, 1.0, taken)
            if not found.named:
                raise StudioError(f"{part.name} cannot be part of a mix: its adapter does more than add to the base.")
            names.append(found.name)
        assert self._group is not None
        try:
            mix(self._group, names, [weight for _, weight in of.parts], of.how, of.density, name)
        except StudioError:
            self._forget(name)
            raise
        return self._group

    def _thin(self, used: Container[str]) -> None:
        """Let go of adapters, the longest unused first."""
        for name in [name for name in self._adapters if name not in used]:
            if len(self._adapters) <= MOST_ADAPTERS:
                return
            self._forget(name)

    def _forget(self, name: str) -> None:
        """Take an adapter away, be it only half there. The group goes with its last one."""
        adapter = self._adapters.pop(name, None)
        if self._group is None or (adapter is not None and not adapter.named):
            return
        if any(each.named for each in self._adapters.values()):
            if name in self._group.peft_config:
                self._group = skeleton(self._group)  # who asked for a tree before goes on with what is in it
                self._group.delete_adapter(name)
                for each in self._adapters.values():
                    each.on = self._group if each.named else each.on
        else:
            self._group = None


def may_be_named(config: PeftConfig) -> bool:
    """Whether the rows of a batch can name the adapter, with the texts that separate runs would give.

    This is the one place that says so. PEFT mixes rows exactly for LoRA; for DoRA it raises, and for other kinds of
    adapters the base's row is wrong without a word.
    """
    if not isinstance(config, LoraConfig) or config.peft_type != PeftType.LORA:  # AdaLoRA's is one by inheritance
        return False
    alone = config.use_dora or config.target_parameters or config.alora_invocation_tokens or config.layer_replication
    return not alone and not _writes_somewhere(config)


def _writes_somewhere(config: Any) -> bool:
    """Whether PEFT writes into the base when it loads such an adapter: trained biases, starts taken out of weights."""
    return getattr(config, "bias", "none") != "none" or _starts_in_place(config)


def _writes(config: Any, weight: str) -> bool:
    """Whether it writes into the parameter of that name."""
    if _starts_in_place(config):
        return True
    return getattr(config, "bias", "none") != "none" and weight.endswith("bias")


def _starts_in_place(config: Any) -> bool:
    return str(getattr(config, "init_lora_weights", True)).startswith(IN_PLACE)


def _run_of(of: Learned | Mix) -> Any:
    return of.run if isinstance(of, Learned) else of.parts[0][0].run


def _names(adapters: dict[str, Adapter], used: Container[str]) -> list[str]:
    return [name for name in adapters if name in used]
