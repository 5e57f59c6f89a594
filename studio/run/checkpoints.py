"""Saving and loading a run on its way: the weights that move, the optimiser, the random numbers, the place in the data.

One way for all methods: what moves is kept by name and put back in place, so that a resumed run goes on exactly.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from studio.recipe.methods.method import TuningMethod
from studio.run.accelerated.ranks import agreed, all_or_none, is_sharded, this_rank, wait_for_all
from studio.run.accelerated.shards import gathered, put, writable
from studio.run.branch import parent_of
from studio.run.cancel import GONE
from studio.run.chance import Chance
from studio.run.directory import Run, step_of
from studio.run.disk import SPARE, is_full, room, size
from studio.run.events import Event, Phase, Saved, Warned
from studio.run.guards import Guarded, NotANumber, all_numbers
from studio.run.manifest import RECIPE, of_run, seal, sync
from studio.run.phases import heed_cancel
from studio.run.row_losses.keep import KeepsRowLosses
from studio.run.stopping import held_out_losses
from studio.run.wish import Interrupted, Wish

WEIGHTS = "trained.safetensors"
OF_METHOD = "method:"  # before the names of what the method keeps by itself
DRAFT = ".partial"
SLOW = 1.0  # seconds of a save that are told of


class Saves(KeepsRowLosses, Guarded):
    """A trainer's saving and loading, its method's optimiser and its plain checks: to be put before a trainer's class.

    A checkpoint is written elsewhere and renamed when whole. `tell` hears of checkpoints; `checkpoint_bytes` is how
    large one will be, about.
    """

    control: TrainerControl
    optimizer: Any
    lr_scheduler: Any
    tell: Callable[[Event], None] = staticmethod(lambda event: None)
    run: Run | None = None
    checkpoint_bytes = 0
    _save_seconds = 0.0
    _no_room_told = False
    _begun_from: dict[str, str] | None = None
    _settled: Chance | None = None
    """Where the random numbers stood when the last step was wholly over."""
    _checked: Chance | None = None
    """Where they stood after a check that was made up for, of which the checkpoint knows nothing."""

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
        """Whether to save now: at a new best, and where a checkpoint is due anyway. A check that was broken off has no
        metrics."""
        better = bool(metrics) and super()._determine_best_metric(metrics, trial)  # type: ignore[misc]
        return better or self.control.should_save

    def _evaluate(self, trial: Any, ignore_keys_for_eval: Any, skip_scheduler: bool = False) -> dict[str, float]:
        """A held-out check. The run may be asked to end meanwhile: it is made up for when the run is resumed."""
        missed = skip_scheduler and self.state.global_step > 0
        if missed:  # it counts as any other, and what it draws comes after what the checkpoint drew
            super()._load_rng_state(self._begun_at)  # type: ignore[misc]
        before = Chance.now()
        try:
            metrics: dict[str, float] = super()._evaluate(  # type: ignore[misc]
                trial, ignore_keys_for_eval, skip_scheduler=skip_scheduler and not missed
            )
        except Interrupted as asked:
            if asked.wish is Wish.CANCEL:
                raise
            before.restore()
            self.control.should_training_stop, self.control.should_evaluate = True, False
            self.control.should_save = not skip_scheduler
            return {}
        if missed:
            self._determine_best_metric(metrics, trial)
            self._name_best()
            self._checked = Chance.now()
        return metrics

    def train(self, resume_from_checkpoint: str | None = None, **options: Any) -> Any:
        """Train, from a checkpoint or from the start."""
        self._begun_at = resume_from_checkpoint
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **options)  # type: ignore[misc]

    def _run_epoch(self, *arguments: Any, **options: Any) -> None:
        """One pass over the rows; none where the run ended before it, or was to end when it was saved."""
        if self.control.should_training_stop or self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
        else:
            super()._run_epoch(*arguments, **options)  # type: ignore[misc]

    def _maybe_log_save_evaluate(self, *arguments: Any, **options: Any) -> None:
        super()._maybe_log_save_evaluate(*arguments, **options)  # type: ignore[misc]
        self._settled = Chance.now()

    def prediction_step(self, *arguments: Any, **options: Any) -> Any:
        """One batch of a held-out check: its plain loss, whatever is trained on, so that runs can be compared."""
        with _plain_loss(self):
            return super().prediction_step(*arguments, **options)  # type: ignore[misc]

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """What a checkpoint keeps of the model."""
        if not (self.args.should_save or is_sharded()):
            return
        kept = weights_of(self.model, self.method)
        if self.args.should_save:
            folder = Path(output_dir or str(self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            save_file(kept, folder / WEIGHTS)

    def keep_last_good(self) -> None:
        """Save as it was when the last step was over, after the next one went wrong; nothing where that is kept."""
        run, step = self._run(), self.state.global_step
        if step and self._settled and all_numbers(self.model) and self._folder() not in run.checkpoints():
            self._settled.restore()
            self._save_checkpoint(self.model, None)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Write a checkpoint; leave it out where the disk has no room, so that older ones and the run go on."""
        run, step, began = self._run(), self.state.global_step, time.monotonic()
        heed_cancel(run)
        if not agreed(all_numbers(self.model)):
            raise NotANumber(step, self.state.epoch or 0.0, "a trained weight", {})
        if not agreed(self._has_room(run)):
            return
        if self._save_seconds > SLOW:
            self.tell(Phase(phase="saving", step=step))
        try:
            self._write_checkpoint(model, trial, began)
        except Exception as error:
            shutil.rmtree(run.path / "checkpoints" / DRAFT, ignore_errors=True)
            if not is_full(error):
                raise
            self._no_room(f"The disk was full when the checkpoint of step {step:,} was written")
            return
        if not this_rank().first:
            return
        self._thin(run)
        told, self._save_seconds = self._save_seconds > SLOW, time.monotonic() - began
        if told:
            self.tell(Phase(phase="training", step=step))

    def _write_checkpoint(self, model: Any, trial: Any, began: float) -> None:
        final, limit = Path(str(self.args.output_dir)), self.args.save_total_limit
        whole, run = self._folder(), self._run()
        draft = final / DRAFT
        for left in (draft, *final.glob(f"{GONE}*")) if this_rank().first else ():
            shutil.rmtree(left, ignore_errors=True)
        wait_for_all()  # nobody writes into what is cleared away
        with all_or_none():
            try:
                self.args.output_dir, self.args.save_total_limit = str(draft), None
                super()._save_checkpoint(model, trial)  # type: ignore[misc]
            finally:
                self.args.output_dir, self.args.save_total_limit = str(final), limit
        self._name_best()
        if not this_rank().first:
            return
        self.state.save_to_json(str(draft / whole.name / TRAINER_STATE_NAME))
        shutil.copy(run.path / RECIPE, draft / whole.name / RECIPE)
        self._begun_from = self._begun_from or of_run(run)
        seal(draft / whole.name, run, self._begun_from)
        heed_cancel(run)
        self.checkpoint_bytes = sum(path.stat().st_size for path in (draft / whole.name).iterdir())
        seconds = time.monotonic() - began
        self.tell(Saved(step=self.state.global_step, bytes=self.checkpoint_bytes, seconds=seconds))
        discard(whole)  # said before it is there: a resumed run takes back what was said of steps beyond its own
        (draft / whole.name).rename(whole)
        sync(final)
        shutil.rmtree(draft)  # what else a trainer wrote, such as its model card

    def _has_room(self, run: Run) -> bool:
        free, needed = room(run.path), self.checkpoint_bytes + SPARE
        if free < needed:
            self._no_room(f"The disk has {size(free)} left and a checkpoint needs {size(needed)}")
        return free >= needed

    def _no_room(self, what: str) -> None:
        if not self._no_room_told:
            self._no_room_told = True
            words = f"{what}, so it was left out. The run goes on with the checkpoints that it has. Free some space."
            self.tell(Warned(step=self.state.global_step, cause="disk", message=words))

    def _thin(self, run: Run) -> None:
        """Throw the oldest checkpoints away, but never the newest or the best."""
        found, best = run.checkpoints(), Path(self.state.best_model_checkpoint or "").name
        spare = [path for path in found[:-1] if path.name != best]
        for path in spare[: max(0, len(found) - (self.args.save_total_limit or len(found)))]:
            discard(path)

    def _run(self) -> Run:
        return self.run or Run(Path(str(self.args.output_dir)).parent)

    def _folder(self) -> Path:
        """The checkpoint of this step."""
        return self._run().path / "checkpoints" / f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}"

    def _name_best(self) -> None:
        if best := self.state.best_global_step:
            self.state.best_model_checkpoint = str(self._folder().with_name(f"{PREFIX_CHECKPOINT_DIR}-{best}"))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if self._checked is None:
            super()._load_rng_state(checkpoint)  # type: ignore[misc]
        else:
            self._checked.restore()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        read_weights(model or self.model, self.method, Path(resume_from_checkpoint) / WEIGHTS)

    def _load_callback_state(self) -> None:
        """Comes right after the trainer's state was read. What it says of places and of times of checks may be of the
        folder's old place, or of the run that this one branched from."""
        super()._load_callback_state()  # type: ignore[misc]
        self.state.compute_steps(self.args, self.state.max_steps)  # type: ignore[no-untyped-call]
        self._name_best()

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """The optimiser's memory and the place in the schedule. A branch has rates and decays of its own."""
        branched = checkpoint is not None and parent_of(self._run()) is not None
        own = [_settings(group) for group in self.optimizer.param_groups] if branched else []
        bases = getattr(self.lr_scheduler, "base_lrs", None) if branched else None
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[misc]
        for group, settings in zip(self.optimizer.param_groups, own, strict=branched):
            group.update(settings)
        if bases is not None:
            _turn(self.lr_scheduler, bases)

    def _load_best_model(self) -> None:
        best = Path(str(self.state.best_model_checkpoint))
        if best.is_dir():
            read_weights(self.model, self.method, best / WEIGHTS)
            return
        self.state.best_model_checkpoint = None
        words = (
            f"There was no room for the best weights (step {self.state.best_global_step:,}): the last ones are kept."
        )
        self.tell(Warned(step=self.state.global_step, cause="disk", message=words))


def discard(folder: Path) -> None:
    """Remove a checkpoint or result: gone under its name at once, never there in half."""
    if folder.exists():
        gone = folder.with_name(f"{GONE}{folder.name}")
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


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


def make_room(run: Run, needed: int) -> str:
    """Throw old checkpoints away, but never the newest, until the disk has `needed` bytes; say so in words."""
    gone = []
    for path in run.checkpoints()[:-1]:
        if room(run.path) >= needed + SPARE:
            break
        discard(path)
        gone.append(str(step_of(path)))
    if not gone:
        return ""
    return f"The checkpoints of the steps {', '.join(gone)} were thrown away: the result needed their room on the disk."


class ByLength(LengthGroupedSampler):  # type: ignore[misc]
    """Rows of about equal length together, in an order drawn from the seed and the epoch."""

    def __init__(self, sampler: LengthGroupedSampler, seed: int) -> None:
        super().__init__(sampler.batch_size, lengths=sampler.lengths, generator=torch.Generator())
        self._seed = seed
        self.set_epoch(0)

    def set_epoch(self, epoch: int) -> None:
        """Draw the order of this epoch next. The trainer says so."""
        self.generator.manual_seed(self._seed + epoch)


def weights_of(model: Any, method: TuningMethod) -> dict[str, torch.Tensor]:
    """All weights of `model` that move, and what the method needs beside them."""
    kept = {name: gathered(weight) for name, weight in model.named_parameters() if weight.requires_grad}
    kept |= {OF_METHOD + name: value for name, value in method.state(model).items()}
    return {name: value.contiguous().cpu().clone() for name, value in kept.items()}


def write_weights(model: Any, method: TuningMethod, path: Path) -> None:
    """Keep what `weights_of` the model are in a file."""
    save_file(weights_of(model, method), path)


def read_weights(model: Any, method: TuningMethod, path: Path) -> None:
    """Put back what `write_weights` kept. Raises KeyError where the model has other weights."""
    kept = load_file(path)
    weights = dict(model.named_parameters())
    with torch.no_grad(), writable(weights.values()):
        for name in [name for name in kept if not name.startswith(OF_METHOD)]:
            put(kept[name], weights[name])
    method.restore(model, {name.removeprefix(OF_METHOD): kept[name] for name in kept if name.startswith(OF_METHOD)})


class SaveAt(TrainerCallback):  # type: ignore[misc]
    """Saves every so many steps and, where `at_end`, at the last one, so that the run can be gone on with."""

    def __init__(self, every: int, at_end: bool) -> None:
        self._every = every
        self._at_end = at_end

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        due = self._every > 0 and state.global_step % self._every == 0
        if due or (self._at_end and state.global_step >= state.max_steps):
            control.should_save = True

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._at_end and control.should_training_stop:  # the check ended it early
            control.should_save = True


def lacks_check(checkpoint: Path, every: float | None) -> bool:
    """Whether the held-out loss was to be measured at the step of this checkpoint, and was not."""
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    return bool(every) and state.global_step % every == 0 and state.global_step not in held_out_losses(state)
