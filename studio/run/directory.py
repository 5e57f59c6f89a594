"""A run is a folder, and the folder is all there is to know of it."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from studio.data.dataset import Prepared
from studio.data.example import Examples
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.home import Home
from studio.recipe.read import load_recipe
from studio.recipe.recipe import Recipe
from studio.run import owner
from studio.run.events import AnyEvent, Ended, read_events
from studio.run.manifest import torn
from studio.run.names import new_name
from studio.run.rows import read_rows, write_rows
from studio.run.wish import Wish, read_wish, write_wish

CROWDED = 100  # names tried before a number is added: a day has about 1,700 of them
BEGUN_FROM = "begun_from"  # the folder of the adapter that a run goes on with
NEW = ".new-"  # begins the name of a draft; behind it comes its maker's process
TAIL_BYTES = 8192  # more than the last event ever takes


class Status(StrEnum):
    """Computed from the folder at each look, never stored."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"

    @property
    def active(self) -> bool:
        """Whether such a run is being trained."""
        return self in {Status.RUNNING, Status.STOPPING}

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to such a run."""
        return self not in {Status.WAITING, Status.RUNNING, Status.STOPPING}


UNBEGUN = {
    None: Status.WAITING,
    Wish.STOP: Status.STOPPED,
    Wish.PAUSE: Status.PAUSED,
    Wish.CANCEL: Status.CANCELLED,
}
"""What a run that nobody has begun is, by what was asked of it."""


@dataclass(frozen=True)
class Run:
    """One run directory. Holds its path and nothing else, so that no two views of a run can differ."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def recipe(self) -> Recipe:
        """What was asked. Raises StudioError where the file was damaged."""
        return load_recipe(self.path / "recipe.yaml")

    @property
    def events_path(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def owner_path(self) -> Path:
        return self.path / "process.json"

    @property
    def log_path(self) -> Path:
        return self.path / "output.log"

    @property
    def adapter(self) -> Path:
        """The finished adapter: whole, or absent."""
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """The finished model, where the method keeps a whole one: whole, or absent."""
        return self.path / "model"

    @property
    def result(self) -> Path | None:
        """What came out: `adapter` or `model`, or None while there is none."""
        return next((path for path in (self.adapter, self.model) if path.is_dir() and not torn(path)), None)

    @property
    def stop_path(self) -> Path:
        return self.path / "stop"

    def checkpoints(self) -> list[Path]:
        """The whole checkpoints, oldest first."""
        found = [path for path in self.path.glob("checkpoints/checkpoint-*") if path.name[11:].isdigit()]
        return sorted(found, key=step_of)

    def events(self, cursor: int = 0) -> tuple[list[AnyEvent], int]:
        """What happened after byte `cursor`, and the next cursor."""
        return read_events(self.events_path, cursor)

    def examples(self, part: str) -> Examples:
        """The rows of `part` ("train" or "held_out") as they were when the run was made."""
        return read_rows(self.path / "data" / f"{part}.jsonl", self.source().get("type", "prompt-completion"))

    def source(self) -> dict[str, Any]:
        """Where the rows came from: file name, fingerprint, columns, counts."""
        return dict(json.loads((self.path / "data" / "source.json").read_text("utf-8")))

    def ask(self, wish: Wish) -> None:
        """Ask the run to end so. A waiting run is thereby taken off the queue.

        Raises:
            StudioError: the wish cannot be written.
        """
        try:
            write_wish(self.stop_path, wish)
        except OSError as error:
            raise StudioError(
                f"The run {self.name} could not be asked to {wish}: its folder {self.path} cannot be written to "
                f"({error.strerror}). Make it writable again; the run goes on as before."
            ) from error

    def wish(self) -> Wish | None:
        """How the run was asked to end, if it was."""
        return read_wish(self.stop_path)

    def asked_to_stop(self) -> bool:
        """Whether it was asked to end in any way."""
        return self.stop_path.exists()

    def ended(self) -> Ended | None:
        """How it ended, if it could say so."""
        last = self.last_events()[-1:]
        return last[0] if last and isinstance(last[0], Ended) else None

    def status(self) -> Status:
        """What the folder says of the run at this moment."""
        if ended := self.ended():
            return Status(ended.kind)
        doer = owner.read_owner(self.owner_path)
        if doer is None:
            return UNBEGUN[self.wish()]
        if doer.alive():
            return Status.STOPPING if self.asked_to_stop() else Status.RUNNING
        ended = self.ended()  # it may have ended between the two looks
        return Status(ended.kind) if ended else Status.LOST

    def last_events(self, size: int = TAIL_BYTES) -> list[AnyEvent]:
        """Those whole events that lie in the last `size` bytes of all."""
        try:
            end = self.events_path.stat().st_size
        except FileNotFoundError:
            return []
        return self.events(max(0, end - size))[0]


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was saved."""
    return int(checkpoint.name.rpartition("-")[2])


def create_run(
    home: Home,
    recipe: Recipe,
    prepared: Prepared,
    notes: Mapping[str, str] | None = None,
    begin_from: Path | None = None,
) -> Run:
    """Make the directory of a new run, whole at once, and thereby put it in the queue.

    Args:
        home: where it is to lie.
        recipe: what is asked.
        prepared: its rows.
        notes: further files by name.
        begin_from: the folder of an adapter that it goes on with, of which it gets a copy.

    Raises:
        StudioError: the disk is full or read-only.
    """
    refused = "The run could not be written to {runs} ({why}). Free some space or set another STUDIO_HOME"
    with drafted(home, refused) as draft:
        write_run(draft, recipe, prepared)
        for name, text in (notes or {}).items():
            (draft / name).write_text(text, "utf-8")
        if begin_from is not None:
            shutil.copytree(begin_from, draft / BEGUN_FROM)
        return name_run(home, draft)


@contextmanager
def drafted(home: Home, refused: str) -> Iterator[Path]:
    """Where the folder of a new run is written, to be named inside; what is left of it otherwise is removed.

    Raises:
        StudioError: the disk refuses. `refused` says so, with the fields `runs` and `why`.
    """
    draft = new_draft(home)
    try:
        yield draft
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StudioError(f"{refused.format(runs=home.runs, why=why)}; nothing was started.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def new_draft(home: Home) -> Path:
    """Where the folder of a new run may be written: a free name beside the runs, which no reader looks at."""
    return home.runs / f"{NEW}{os.getpid()}-{random.SystemRandom().getrandbits(32):x}"


def name_run(home: Home, draft: Path) -> Run:
    """Make a run of a whole draft, under a new name: from here on it is in the queue. Raises OSError."""
    chance = random.SystemRandom()
    for attempt in itertools.count(1):
        name = new_name(date.today(), chance)
        path = home.runs / (name if attempt < CROWDED else f"{name}-{attempt}")
        try:
            path.mkdir()  # takes the name; renaming a folder over an empty one is atomic
        except FileExistsError:
            continue
        _make_youngest(home, draft)
        return Run(draft.rename(path))
    raise AssertionError("counting has no end")


def _make_youngest(home: Home, draft: Path) -> None:
    """No run is older than one that was made before it, even where the clock was set back meanwhile."""
    newest = max((_age_of(run) for run in _run_folders(home)), default=0)
    if newest >= _age_of(Run(draft)):
        os.utime(draft / "recipe.yaml", ns=(newest + 1, newest + 1))


def write_run(folder: Path, recipe: Recipe, prepared: Prepared) -> None:
    """Write what a run is begun from into a new folder. Raises OSError."""
    (folder / "data").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(recipe.to_yaml(), "utf-8")
    write_rows(folder / "data" / "train.jsonl", prepared.train)
    write_rows(folder / "data" / "held_out.jsonl", prepared.held_out)
    (folder / "data" / "source.json").write_text(json.dumps(_source(recipe, prepared), indent=1), "utf-8")


def list_runs(home: Home) -> list[Run]:
    """Every run of the home, oldest first."""
    return sorted(_run_folders(home), key=_age_of)


def find_run(home: Home, name: str) -> Run:
    """The run of that name (or folder, or unambiguous part of a name).

    Raises:
        StudioError: there is none, or there are several.
    """
    runs = list(_run_folders(home))
    folder = os.path.abspath(os.path.expanduser(name)) if name else ""
    exact = [run for run in runs if name == run.name or folder == str(run.path)]
    matches = exact or [run for run in runs if name and name in run.name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise StudioError(
            f"Several runs match {name!r}: {', '.join(run.name for run in matches[:5])}. Name one in full."
        )
    raise StudioError(f"There is no run {name!r:.80} in {home.runs}. `python -m studio runs` lists them all.")


def _age_of(run: Run) -> int:
    """When it was made, for an order; a run that is being removed at this very moment is as old as any."""
    try:
        return (run.path / "recipe.yaml").stat().st_mtime_ns
    except OSError:
        return 0


def _run_folders(home: Home) -> Iterator[Run]:
    """The folders of runs; none where the home was removed, or its disk, while the studio is open."""
    try:
        folders = list(home.runs.iterdir())
    except FileNotFoundError:
        return
    for folder in folders:
        if not folder.name.startswith(".") and (folder / "recipe.yaml").is_file():
            yield Run(folder)


def _source(recipe: Recipe, prepared: Prepared) -> dict[str, Any]:
    return {
        **prepared.table.facts,
        "fingerprint": prepared.fingerprint,
        "type": prepared.train.type,
        "shape": prepared.mapping.format,
        "prompt_column": prepared.mapping.prompt,
        "completion_column": prepared.mapping.completion,
        "train_rows": len(prepared.train),
        "held_out_rows": len(prepared.held_out),
        **_decided(recipe.data),
        "notes": [*prepared.table.notes, *prepared.notes],
    }


def _decided(part: DataPart) -> dict[str, Any]:
    """What the recipe says of mends, split and mix, for those who read a run without its recipe."""
    split = {"by": part.split_by, "share": part.held_out_share, "seed": part.split_seed}
    return {
        "split": {"path": part.held_out_path} if part.held_out_path else split,
        **part.model_dump(mode="json", include={"mends", "mix"}),
    }
