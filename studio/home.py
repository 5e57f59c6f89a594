"""Where the studio keeps what it makes: runs, uploads and what spares it work, under one folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from studio.errors import StudioError

CHECKOUT = Path(__file__).resolve().parent.parent
ASSETS = CHECKOUT / "assets"
PRESETS = CHECKOUT / "presets"
STARTER = ASSETS / "starter"
SPACE_DISK = Path("/data")  # the persistent disk of a Hugging Face Space, where one was bought


@dataclass(frozen=True)
class Home:
    """The studio's folder. `runs` holds one folder a run, `uploads` one folder an uploaded file,
    `searches` one folder a search, `baselines` one folder an evaluation of a base before any training.

    `cache` holds what can be made again at any time (see studio.run.study.caches).
    """

    root: Path

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def uploads(self) -> Path:
        return self.root / "uploads"

    @property
    def searches(self) -> Path:
        return self.root / "searches"

    @property
    def baselines(self) -> Path:
        return self.root / "baselines"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def queue_lock(self) -> Path:
        """Held by the one process that may start runs from this home."""
        return self.root / "queue.lock"


def open_home(path: str | Path | None = None) -> Home:
    """The home at `path`, else at `$STUDIO_HOME`, else on a Space's disk, else `~/atelier`; made where it is missing.

    Raises:
        StudioError: the folder cannot be made or written to.
    """
    root = Path(path or os.environ.get("STUDIO_HOME") or _default_root()).expanduser().resolve()
    home = Home(root)
    try:
        for folder in (home.runs, home.uploads, home.cache):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            f"The studio's home is {root}, but it cannot be made ({error.strerror}). "
            "Set STUDIO_HOME (or --home) to a folder that you may write to."
        ) from error
    if not all(os.access(folder, os.W_OK) for folder in (home.root, home.runs, home.uploads)):
        raise StudioError(
            f"The studio's home is {root}, but it is read-only. "
            "Set STUDIO_HOME (or --home) to a folder that you may write to."
        )
    return home


def _default_root() -> Path:
    if os.access(SPACE_DISK, os.W_OK) and "SPACE_ID" in os.environ:
        return SPACE_DISK / "atelier"
    return Path.home() / "atelier"
