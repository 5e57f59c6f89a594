"""Guards of a training: it ends before an update with what is no number, and says when it goes wrong or nowhere."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import torch
from accelerate import DistributedType
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from studio.run.events import Event, EventWriter, Warned
from studio.run.gap import gap
from studio.run.mean import KEPT, Mean
from studio.run.stopping import held_out_losses, without_progress
from studio.run.trouble import Trouble

SETTLED = 20  # steps before the smoothed loss says anything
RISE, RISE_SHARE = 0.5, 0.5  # nats and share of the best by which the smoothed loss is "well above" it
HELD = 5  # steps in a row that it must be
PLATEAU = 3  # held-out checks without progress
SKIPS = 30  # steps in a row that a gradient scaler may skip: by then its scale is a billionth


class NotANumber(Trouble):
    """A loss or gradient was none, and no update was made with it. `values` is what was measured of that step."""

    def __init__(self, step: int, epoch: float, where: str, values: dict[str, float]) -> None:
        super().__init__(
            "not-a-number",
            f"{where[:1].upper()}{where[1:]} was no longer a number at step {step:,} (epoch {epoch:.2f}), so that step "
            "was not taken. Lower the learning rate to a third of what you set, or switch gradient clipping on.",
        )
        self.step = step
        self.values = values


class Guarded:
    """A trainer that looks at its loss and gradients before each update: to be put before a trainer's class.

    It looks before clipping, which would spread what is no number over all of them. Where a gradient scaler leaves
    such steps out by itself, only many of them in a row end the run.
    """

    args: TrainingArguments
    state: TrainerState
    model: Any
    accelerator: Any
    _tr_loss: torch.Tensor
    _skips = 0

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = self._look()
        if not self._plain:
            return super()._clip_grad_norm(model)  # type: ignore[misc]
        torch.nn.utils.clip_grads_with_norm_(self._learning, self.args.max_grad_norm, norm)
        return norm

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        if grad_norm is None:  # else it was looked at before it was clipped
            norm = self._look()
            grad_norm = norm if self._plain else None
        return super()._get_grad_norm(model, grad_norm)  # type: ignore[misc]

    @cached_property
    def _learning(self) -> list[torch.Tensor]:
        """The weights that learn. Looking for them among all at each step takes as long as the norm itself."""
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    @property
    def _plain(self) -> bool:
        """Whether the gradients are whole, unscaled and all here, so that the norm looked at is the one to clip by."""
        return self.accelerator.distributed_type == DistributedType.NO and self.accelerator.scaler is None

    def _look(self) -> torch.Tensor:
        gradients = [weight.grad for weight in self._learning if weight.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients) if gradients else torch.zeros(())
        alone = self.args.world_size == 1  # else the loss is this process's own, and all have to end at once
        looked_at = norm + self._tr_loss.to(norm.device) if alone else norm
        if bool(looked_at.isfinite()):
            self._skips = 0
            return norm
        scaler = self.accelerator.scaler
        if scaler is not None and scaler.is_enabled() and self._skips < SKIPS:
            self._skips += 1
            return norm
        step = self.state.global_step + 1
        values = {"loss": float(self._tr_loss), "grad_norm": float(norm)}
        raise NotANumber(step, self.state.epoch or 0.0, _where(self.model, values["loss"]), values)


def _where(model: Any, loss: float) -> str:
    """What was no number first: the loss, or the gradient of the module that the backward pass came to first."""
    trained = [(name, weight.grad) for name, weight in model.named_parameters() if weight.grad is not None]
    bad = [name for name, gradient in trained if not bool(gradient.isfinite().all())]
    if not math.isfinite(loss):
        return f"the loss (and the gradient of {len(bad):,} of {len(trained):,} trained tensors)" if bad else "the loss"
    return f"the gradient ({len(bad):,} of {len(trained):,} trained tensors, first in {_module(bad[-1])})"


def _module(parameter: str) -> str:
    """The module's name as the base has it: layers.1.self_attn.q_proj."""
    parts = [part for part in parameter.split(".") if part not in {"base_model", "model", "default", "weight"}]
    return ".".join(parts)


def all_numbers(model: Any) -> bool:
    """Whether the trained weights are numbers: the last update can spoil them after its loss was measured."""
    return all(bool(weight.isfinite().all()) for weight in model.parameters() if weight.requires_grad)


class Rise:
    """The smoothed training loss, and since when it is well above its best."""

    def __init__(self) -> None:
        self._mean = Mean()
        self._seen = self._above = 0
        self._best = (math.inf, 0)
        self.told = False

    def after(self, step: int, loss: float) -> str:
        """What to warn of once the loss of a step is known; empty nearly always."""
        if not math.isfinite(loss):
            return ""
        if self._seen:  # one bad batch is no rise
            loss = min(loss, self._mean.value + 2 * _well_above(self._mean.value))
        self._mean = self._mean.plus(loss, KEPT)
        self._seen += 1
        smoothed = self._mean.value
        if self._seen < SETTLED:
            return ""
        self._best = min(self._best, (smoothed, step))
        best, since = self._best
        self._above = self._above + 1 if smoothed > best + _well_above(best) else 0
        if self._above < HELD or self.told:
            return ""
        self.told = True
        return (
            f"The training loss has been rising since step {since:,}: smoothed it was {best:.3g} there and is "
            f"{smoothed:.3g} at step {step:,}. Lower the learning rate, or branch from a checkpoint before that step."
        )


def _well_above(loss: float) -> float:
    return max(RISE, RISE_SHARE * abs(loss))


def plateau(losses: dict[int, float], smallest: float) -> str:
    """What to warn of where the held-out loss by step has just stopped falling; empty elsewhere."""
    finite = {step: loss for step, loss in losses.items() if math.isfinite(loss)}
    if without_progress([*finite.values()], smallest) != PLATEAU:
        return ""
    step = min(finite, key=lambda step: (finite[step], step))
    by = f" by more than {smallest:g}" if smallest else ""
    return (
        f"The held-out loss has not fallen{by} for {PLATEAU} checks: its best was {finite[step]:.4g} at step {step:,}. "
        "Going on mostly learns the rows by heart; early stopping would end here, and keep the best would keep it."
    )


class Watch(TrainerCallback):  # type: ignore[misc]
    """Warns once of a loss that rises, and once of a held-out loss that no longer falls or that rises while rows are
    learned by heart. It goes by the trainer's own history, so that a resumed run does not say again what was said."""

    def __init__(self, events: EventWriter, smallest: float, early_stopping: bool) -> None:
        self._events = events
        self._smallest = smallest
        self._rise = Rise()
        self._flat = self._by_heart = early_stopping  # which says by itself that nothing falls any more

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._rise = Rise()
        for step, loss in _losses(state.log_history):
            self._rise.after(step, loss)
        checks = [*held_out_losses(state).items()]
        before = [dict(checks[:count]) for count in range(1, len(checks) + 1)]
        self._flat |= any(plateau(some, self._smallest) for some in before)
        self._by_heart |= any(_overfitting(state, some) for some in before)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if logs and "loss" in logs:
            self._warn("divergence", state.global_step, self._rise.after(state.global_step, float(logs["loss"])))

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        held_out = held_out_losses(state)
        if not self._by_heart and (words := _overfitting(state, held_out)):
            self._by_heart = self._flat = True  # which says all that the other would
            self._warn("overfitting", state.global_step, words)
        if not self._flat and (words := plateau(held_out, self._smallest)):
            self._flat = True
            self._warn("plateau", state.global_step, words)

    def _warn(self, cause: Any, step: int, words: str) -> None:
        if words:
            warning: Event = Warned(step=step, cause=cause, message=words)
            self._events.write(warning)


def _overfitting(state: TrainerState, held_out: dict[int, float]) -> str:
    """What to warn of where the held-out loss rises while the training loss falls; empty elsewhere."""
    found = gap([each for each in _losses(state.log_history) if each[0] <= max(held_out, default=0)], held_out)
    return found.words if found and found.since is not None else ""


def _losses(history: Iterable[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(int(entry["step"]), float(entry["loss"])) for entry in history if "loss" in entry]
