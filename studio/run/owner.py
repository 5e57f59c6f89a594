"""process.json: which process does a run, told apart from a later process that got the same number."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from studio.errors import StudioError

START_TIME_SLACK = 1.0  # seconds: the kernel's clock ticks differ by rounding
PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets")


class Owner(BaseModel):
    """The process that does a run. `started` is its start time in seconds since the epoch."""

    model_config = ConfigDict(frozen=True)
    pid: int
    started: float
    command: list[str]
    python: str
    versions: dict[str, str]
    host: str

    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < START_TIME_SLACK
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


def claim(path: Path) -> Owner:
    """Write this process as the run's owner.

    Raises:
        StudioError: another process has claimed the run, living or dead.
    """
    owner = Owner(
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        command=[sys.executable, *sys.argv],
        python=platform.python_version(),
        versions={name: version for name in PACKAGES if (version := _version(name))},
        host=platform.node(),
    )
    draft = path.with_name(f"{path.name}.{owner.pid}")
    draft.write_text(owner.model_dump_json(indent=1), "utf-8")
    try:
        os.link(draft, path)  # fails where the name is taken, and never shows half a file
    except FileExistsError:
        raise StudioError(f"The run {path.parent.name} was already started. Start a new run from its recipe.") from None
    finally:
        draft.unlink()
    return owner


def read_owner(path: Path) -> Owner | None:
    """Who claimed the run, or None while nobody has."""
    try:
        return Owner.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
