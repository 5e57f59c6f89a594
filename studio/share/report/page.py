"""The report of a run as one HTML file: no script, no outside address, to be read on a screen or printed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from studio import __version__
from studio.errors import StudioError
from studio.home import ASSETS
from studio.recipe.command import command
from studio.run.directory import Run
from studio.run.events import AnyEvent
from studio.run.gap import gap_of
from studio.run.history.notes import read_notes
from studio.run.looks.film import Film, film
from studio.run.looks.needle import NAMES, needle_of
from studio.run.row_losses.blame import blame
from studio.run.row_losses.read import rows_at
from studio.share.facts import data_facts, newest_drift, newest_scores
from studio.share.naming import public_base
from studio.share.report.parts import (
    changed_options,
    confusions,
    cut,
    drift_of,
    findings_of,
    refused,
    samples_of,
    score_lines,
    slice_lines,
    trained,
    training_curves,
    votes_of,
)
from studio.share.result import public_recipe
from studio.share.whole import written_whole

FOLDER = ASSETS / "report"
FRAMES = 4  # of the film strip that are printed
BLAMED = 10
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy that a report is served with: nothing in it can run or ask for anything."""


@dataclass(frozen=True)
class Part:
    """What the template gets for one part: `content`, or `missing` words on how to have it."""

    content: Any = None
    missing: str = ""


def report(run: Run) -> str:
    """The report of a run as HTML, whatever is there of it.

    Raises:
        StudioError: the run's recipe cannot be read.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cut"] = cut
    environment.filters["date"] = lambda seconds: f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
    return environment.get_template("report.html.jinja").render(**_told(run))


def write_report(run: Run, path: Path) -> Path:
    """Write the report to `path`, whole or not at all, and return it. Raises StudioError where it cannot be written."""
    text = report(run).encode()
    with written_whole(path, "report") as draft:
        draft.write_bytes(text)
    return path


def _told(run: Run) -> dict[str, Any]:
    recipe, events = run.recipe, run.events()[0]
    base = public_base(recipe.model.id)
    public = public_recipe(recipe, base)
    needle, gap = needle_of(events), gap_of(events)
    return {
        "css": Markup((FOLDER / "report.css").read_text("utf-8")),  # the one thing that is put in as it is
        "run": run.name,
        "notes": read_notes(run),
        "status": run.status().value,
        "atelier": __version__,
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "recipe": recipe,
        "base": base,
        "yaml": public.to_yaml(),
        "changed": changed_options(public),
        "data": _part(lambda: data_facts(run), ""),
        "findings": findings_of(run),
        "trained": trained(run, events, run.status().value),
        "curves": training_curves(events, needle.begun if needle else None),
        "gap": gap.words if gap else "",
        "needle": needle,
        "families": NAMES,
        "film": _film(film(run)),
        "scores": _part(
            lambda: _scores(run), f"Not scored yet. Score it: python -m studio score {shlex.quote(run.name)}"
        ),
        "blamed": _part(lambda: _blamed(run), "The run kept no losses of single rows. Runs of this version keep them."),
        "votes": _part(lambda: votes_of(run), "Nobody has voted yet. Vote in the Compare tab, under Blind vote."),
        "drift": _part(
            lambda: _drift(run),
            f"No new data was compared. Compare some: python -m studio drift {shlex.quote(run.name)} FILE",
        ),
        "commands": _commands(run, command(public)),
        "failed": _last_words(events),
    }


def _part(content: Callable[[], Any], missing: str) -> Part:
    try:
        found = content()
    except StudioError as error:
        return Part(missing=refused(error))
    return Part(found) if found else Part(missing=missing)


def _scores(run: Run) -> dict[str, Any] | None:
    scored = newest_scores(run)
    if scored is None:
        return None
    return {
        "scored": scored,
        "result": scored.result,
        "lines": score_lines(scored),
        "slices": slice_lines(scored),
        "confusions": confusions(scored),
        "samples": samples_of(scored),
    }


def _drift(run: Run) -> dict[str, Any] | None:
    found = newest_drift(run)
    if found is None:
        return None
    result, comparisons = drift_of(run, found)
    return {"drift": result, "comparisons": comparisons, "title": found.request.title or found.request.rows_are}


def _blamed(run: Run) -> list[tuple[Any, float]]:
    """The rows that look wrong, each with the nats that it is above the usual."""
    suspects = blame(run, BLAMED)
    rows = rows_at(run, [each.place for each in suspects])
    return [(rows[each.place], each.score) for each in suspects if each.place in rows and each.score > 0]


def _film(found: Film) -> list[tuple[Any, list[tuple[int, str]]]]:
    """Each prompt with the first answer, the last, and some between."""
    frames = found.frames
    if len(frames) > FRAMES:
        frames = tuple(frames[round(at * (len(frames) - 1) / (FRAMES - 1))] for at in range(FRAMES))
    return [
        (asked, [(step, texts[asked.id]) for step, texts in frames if asked.id in texts]) for asked in found.prompts
    ]


def _commands(run: Run, train: str) -> list[tuple[str, str]]:
    name = shlex.quote(run.name)
    return [
        ("Train it again, in the folder that holds its file", train),
        ("Score it", f"python -m studio score {name} --few-shot 5"),
        ("Write this report", f"python -m studio report {name} --to report.html"),
        ("Take it away", f"python -m studio export {name}"),
    ]


def _last_words(events: Sequence[AnyEvent]) -> str:
    last = events[-1] if events else None
    return cut(str(getattr(last, "message", ""))) if getattr(last, "kind", "") in {"failed", "stopped"} else ""
