"""What to change in a recipe whose run failed or does badly: each a change that a button makes."""

from __future__ import annotations

from typing import Any

from studio.data.division.mix import GENERAL
from studio.data.part import Mix
from studio.recipe.methods.low_rank import Lora
from studio.recipe.models import STARTER_ID
from studio.recipe.problem import Move
from studio.recipe.recipe import Recipe

SHORTEST = 64  # tokens of a row, below which cutting loses more than it saves
CLIPPED = 1.0  # gradient norm: the usual bound
DROPPED = 0.1  # share of an adapter's inputs: the usual dropout
REMINDED = 0.1  # general rows for each row of the task: a tenth
LOWER = 3.0  # the rate is divided by it where the loss ran away: half a decade


def ways_out(cause: str, recipe: Recipe) -> tuple[Move, ...]:
    """The changes that would help against `cause` (see `studio.run.events.Cause`), the first one to try first. Empty
    where nothing in the recipe helps."""
    if cause == "memory":
        return _less_memory(recipe)
    if cause in {"not-a-number", "divergence"}:
        return _calmer(recipe)
    if cause == "plateau":
        return _less_waste(recipe)
    if cause == "forgetting":
        return _less_forgotten(recipe)
    if cause == "overfitting":
        return _less_by_heart(recipe)
    return ()


def _less_forgotten(recipe: Recipe) -> tuple[Move, ...]:
    """General rows mixed in (rehearsal: Robins 1995, Connection Science 7(2)), and a lower rate (Biderman et
    al. 2024, arXiv 2405.09673: what is learned and what is forgotten grow together)."""
    training, moves = recipe.training, []
    others = [mix for mix in recipe.data.mix if mix.path != GENERAL]
    now = sum(mix.weight for mix in recipe.data.mix if mix.path == GENERAL)
    share = max(REMINDED, 2 * now)
    if recipe.model.id == STARTER_ID and share <= 1:
        mixed = [*others, Mix(path=GENERAL, weight=share, held_out=False)]
        changes: dict[str, Any] = {"data.mix": [mix.model_dump() for mix in mixed]}
        moves.append(Move(f"{share:.0%} general data mixed in", changes))
    rate = float(f"{training.learning_rate / LOWER:.2g}")
    moves.append(Move(f"Learning rate {rate:g}", {"training.learning_rate": rate}))
    if recipe.method.name == "full":
        moves.append(Move("LoRA in place of full fine-tuning", {"method.name": Lora().name}))
    return tuple(moves)


def _less_memory(recipe: Recipe) -> tuple[Move, ...]:
    training, moves = recipe.training, []
    if training.batch_size > 1:
        half = training.batch_size // 2
        steps = -(-training.batch_size * training.gradient_accumulation // half)
        changes: dict[str, Any] = {"training.batch_size": half, "training.gradient_accumulation": steps}
        moves.append(Move(f"Batch {half}, accumulated {steps} times: the same effective batch", changes))
    if not training.gradient_checkpointing:
        moves.append(Move("Gradient checkpointing on", {"training.gradient_checkpointing": True}))
    if training.max_length > SHORTEST:
        half = training.max_length // 2
        moves.append(Move(f"Longest row {half:,} tokens", {"training.max_length": half}))
    if recipe.method.name == "full":
        moves.append(Move("LoRA in place of full fine-tuning", {"method.name": Lora().name}))
    return tuple(moves)


def _calmer(recipe: Recipe) -> tuple[Move, ...]:
    training = recipe.training
    rate = float(f"{training.learning_rate / LOWER:.2g}")
    moves = [Move(f"Learning rate {rate:g}", {"training.learning_rate": rate})]
    if not 0 < training.max_grad_norm <= CLIPPED:
        moves.append(Move(f"Gradient clipping at {CLIPPED:g}", {"training.max_grad_norm": CLIPPED}))
    if not training.warmup and not training.warmup_steps:
        moves.append(Move("Warm-up over a tenth of the steps", {"training.warmup": 0.1}))
    return tuple(moves)


def _less_waste(recipe: Recipe) -> tuple[Move, ...]:
    training = recipe.training
    moves = []
    if not training.early_stopping:
        moves.append(Move("Early stopping after 3 checks", {"training.early_stopping": 3}))
    if training.epochs > 1:
        moves.append(Move(f"Epochs {training.epochs / 2:g}", {"training.epochs": training.epochs / 2}))
    return tuple(moves)


def _less_by_heart(recipe: Recipe) -> tuple[Move, ...]:
    training, method = recipe.training, recipe.method
    moves = []
    if not training.early_stopping:
        moves.append(Move("Early stopping after 3 checks, which keeps the best", {"training.early_stopping": 3}))
    if training.epochs > 1:
        moves.append(Move(f"Epochs {training.epochs / 2:g}", {"training.epochs": training.epochs / 2}))
    if getattr(method, "dropout", DROPPED) < DROPPED:
        moves.append(Move(f"Dropout {DROPPED:g}", {"method.dropout": DROPPED}))
    return tuple(moves)
