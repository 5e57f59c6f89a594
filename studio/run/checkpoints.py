"""Saving and loading a run on its way: the weights that move, the optimiser, the random numbers, the place in the data.

One way for all methods: what moves is kept by name and put back in place, so that a resumed run goes on exactly.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR, rotate_checkpoints

from studio.recipe.methods.method import TuningMethod
from studio.run.branch import parent_of
from studio.run.directory import Run
from studio.run.manifest import seal
from studio.run.stopping import held_out_losses

WEIGHTS = "trained.safetensors"
OF_METHOD = "method:"  # before the names of what the method keeps by itself
DRAFT = ".partial"


class Saves:
    """A trainer's saving and loading, its method's optimiser and its plain checks: to be put before a trainer's class.

    A checkpoint is written elsewhere and renamed when whole.
    """

    args: TrainingArguments
    state: TrainerState
    control: TrainerControl
    model: Any
    optimizer: Any
    lr_scheduler: Any

    def __init__(self, *arguments: Any, method: TuningMethod, **options: Any) -> None:
        self.method = method
        super().__init__(*arguments, **options)

    def create_optimizer(self, model: Any = None) -> Any:
        """The method's own optimiser, or the one that the recipe asks for."""
        trained = self.model if model is None else model
        if self.optimizer is None:
            kind, options = self.get_optimizer_cls_and_kwargs(self.args, trained)  # type: ignore[attr-defined]
            self.optimizer = self.method.optimizer(trained, kind, options | {"weight_decay": self.args.weight_decay})
        return super().create_optimizer(model)  # type: ignore[misc]

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """The order of the rows. Where they are grouped by length it depends on seed and epoch alone, so that a resumed
        run goes on in the same order."""
        sampler = super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        return ByLength(sampler, self.args.seed) if isinstance(sampler, LengthGroupedSampler) else sampler

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Whether to save now: at a new best, and where a checkpoint is due anyway."""
        return super()._determine_best_metric(metrics, trial) or self.control.should_save  # type: ignore[misc]

    def prediction_step(self, *arguments: Any, **options: Any) -> Any:
        """One batch of a held-out check: its plain loss, whatever is trained on, so that runs can be compared."""
        with _plain_loss(self):
            return super().prediction_step(*arguments, **options)  # type: ignore[misc]

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """What a checkpoint keeps of the model."""
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        write_weights(self.model, self.method, folder / WEIGHTS)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        final = Path(str(self.args.output_dir))
        name, limit = f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}", self.args.save_total_limit
        draft = final / DRAFT
        shutil.rmtree(draft, ignore_errors=True)
        try:
            self.args.output_dir, self.args.save_total_limit = str(draft), None
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
        finally:
            self.args.output_dir, self.args.save_total_limit = str(final), limit
        if self.state.best_global_step:
            self.state.best_model_checkpoint = str(final / f"{PREFIX_CHECKPOINT_DIR}-{self.state.best_global_step}")
            self.state.save_to_json(str(draft / name / TRAINER_STATE_NAME))
        seal(draft / name, Run(final.parent))
        shutil.rmtree(final / name, ignore_errors=True)
        (draft / name).rename(final / name)
        shutil.rmtree(draft)  # what else a trainer wrote, such as its model card
        rotate_checkpoints(
            output_dir=str(final),
            save_total_limit=limit,
            best_model_checkpoint=self.state.best_model_checkpoint,
            use_mtime=True,
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        read_weights(model or self.model, self.method, Path(resume_from_checkpoint) / WEIGHTS)

    def _load_callback_state(self) -> None:
        """Comes right after the trainer's state was read. What it says of places and of times of checks may be of the
        folder's old place, or of the run that this one branched from."""
        super()._load_callback_state()  # type: ignore[misc]
        self.state.compute_steps(self.args, self.state.max_steps)  # type: ignore[no-untyped-call]
        if best := self.state.best_global_step:
            name = f"{PREFIX_CHECKPOINT_DIR}-{best}"
            self.state.best_model_checkpoint = str(Path(str(self.args.output_dir)) / name)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """The optimiser's memory and the place in the schedule. A branch has rates and decays of its own."""
        run = Run(Path(str(self.args.output_dir)).parent)
        branched = checkpoint is not None and parent_of(run) is not None
        own = [_settings(group) for group in self.optimizer.param_groups] if branched else []
        bases = getattr(self.lr_scheduler, "base_lrs", None) if branched else None
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
        for group, settings in zip(self.optimizer.param_groups, own, strict=branched):
            group.update(settings)
        if bases is not None:
            _turn(self.lr_scheduler, bases)

    def _load_best_model(self) -> None:
        read_weights(self.model, self.method, Path(str(self.state.best_model_checkpoint)) / WEIGHTS)


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    """What the recipe says of a group of weights, without the weights and without where the schedule stands."""
    return {name: value for name, value in group.items() if name not in {"params", "lr"}}


def _turn(scheduler: Any, bases: list[float]) -> None:
    """Let the schedule go by these rates from where it stands."""
    scheduler.base_lrs = bases
    shares = getattr(scheduler, "lr_lambdas", None)
    if shares is not None:
        rates = [base * share(scheduler.last_epoch) for base, share in zip(bases, shares, strict=True)]
        for group, rate in zip(scheduler.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        scheduler._last_lr = rates


@contextmanager
def _plain_loss(trainer: Any) -> Iterator[None]:
    smoother, loss_type = trainer.label_smoother, getattr(trainer.args, "loss_type", None)
    trainer.label_smoother = None
    if loss_type:
        trainer.args.loss_type = "nll"
    try:
        yield
    finally:
        trainer.label_smoother = smoother
        if loss_type:
            trainer.args.loss_type = loss_type


class ByLength(LengthGroupedSampler):  # type: ignore[misc]
    """Rows of about equal length together, in an order drawn from the seed and the epoch."""

    def __init__(self, sampler: LengthGroupedSampler, seed: int) -> None:
        super().__init__(sampler.batch_size, lengths=sampler.lengths, generator=torch.Generator())
        self._seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of this epoch next. The trainer says so."""
        self.generator.manual_seed(self._seed + epoch)


def write_weights(model: Any, method: TuningMethod, path: Path) -> None:
    """Keep all weights of `model` that move, and what the method needs beside them."""
    kept = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
    kept |= {OF_METHOD + name: value for name, value in method.state(model).items()}
    save_file({name: value.contiguous().cpu().clone() for name, value in kept.items()}, path)


def read_weights(model: Any, method: TuningMethod, path: Path) -> None:
    """Put back what `write_weights` kept. Raises KeyError where the model has other weights."""
    kept = load_file(path)
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for name in [name for name in kept if not name.startswith(OF_METHOD)]:
            weights[name].copy_(kept[name])
    method.restore(model, {name.removeprefix(OF_METHOD): kept[name] for name in kept if name.startswith(OF_METHOD)})


class SaveAt(TrainerCallback):  # type: ignore[misc]
    """Saves every so many steps, and when the run is stopped, so that it can be resumed."""

    def __init__(self, run: Run, every: int) -> None:
        self._run = run
        self._every = every

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        due = self._every > 0 and state.global_step % self._every == 0
        if due or self._run.asked_to_stop():
            control.should_save = True


def lacks_check(checkpoint: Path, every: float | None) -> bool:
    """Whether the held-out loss was to be measured at the step of this checkpoint, and was not."""
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    return bool(every) and state.global_step % every == 0 and state.global_step not in held_out_losses(state)


def newest(run: Run) -> Path | None:
    """The newest checkpoint of a run."""
    found = run.checkpoints()
    return found[-1] if found else None
