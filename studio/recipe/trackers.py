"""Where a run's curves can be sent beside the studio: names, packages and places. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Tracker:
    """One tracker. Any of `packages` will do; the first is what to install. `calls_out` is whether it may send
    anything to another machine, with an account that its own command or variable names: never a recipe."""

    title: str
    packages: tuple[str, ...]
    calls_out: bool = False

    @property
    def installed(self) -> bool:
        """Whether this Python has it."""
        return any(find_spec(package) is not None for package in self.packages)


TRACKERS: dict[str, Tracker] = {
    "tensorboard": Tracker("TensorBoard", ("tensorboard", "tensorboardX")),
    "wandb": Tracker("Weights & Biases", ("wandb",), calls_out=True),
    "trackio": Tracker("Trackio", ("trackio",)),
    "mlflow": Tracker("MLflow", ("mlflow",)),
}
