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
FAMILY = "STUDIO_FAMILY"
"""The variable that all processes of one trainer inherit (see studio.run.family)."""
DEVICES = "STUDIO_DEVICES"
"""The variable that says what a trainer was given (see studio.run.devices)."""
AFTER_NAME = 20  # place of the start in /proc/PID/stat, counted from the end of the name


class Owner(BaseModel):
    """The process that does a run.

    `started` is its start time in seconds since the epoch. `ticks`, the kernel's clock ticks from `boot` to its start,
    is what tells it apart, since no change of the clock moves it; 0 where the system does not say. `family` marks the
    processes that are there for this run alone; empty where the run is done in a process that does more. `devices` is
    what it was given; None where that is not known. `folder` is the run's own.
    """

    model_config = ConfigDict(frozen=True)
    pid: int
    started: float
    command: list[str]
    python: str
    versions: dict[str, str]
    host: str
    ticks: int = 0
    boot: str = ""
    family: str = ""
    devices: tuple[str, ...] | None = None
    folder: str = ""
    inode: int = 0

    def alive(self) -> bool:
        """Whether that very process still runs."""
        if self.pid <= 0:
            return False
        try:
            process = psutil.Process(self.pid)
            if self.ticks:
                same = (ticks_of(self.pid), boot()) == (self.ticks, self.boot)
            else:
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
        ticks=ticks_of(os.getpid()),
        boot=boot(),
        family=os.environ.get(FAMILY, ""),
        devices=tuple(os.environ[DEVICES].split(",")) if os.environ.get(DEVICES) else None,
        folder=str(path.parent),
        inode=path.parent.stat().st_ino,
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
    """Who claimed the run, or None while nobody has. In the copy of a run's folder it is nobody who lives."""
    try:
        owner = Owner.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return owner.model_copy(update={"pid": 0, "family": ""}) if _of_another(owner, path.parent) else owner


def ticks_of(pid: int) -> int:
    """The kernel's clock ticks from its boot to the start of a process; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[AFTER_NAME - 1])
    except (OSError, IndexError, ValueError):
        return 0


def boot() -> str:
    """Which boot of the machine this is; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _of_another(owner: Owner, folder: Path) -> bool:
    """Whether this is the copy of another run's folder. One that was moved is still the same."""
    if not owner.folder or owner.folder == str(folder):
        return False
    try:
        return folder.stat().st_ino != owner.inode and os.path.realpath(owner.folder) != os.path.realpath(folder)
    except OSError:
        return False


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
