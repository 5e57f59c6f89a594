"""What is heard in a pane, to take away: an adapter at a strength, at a checkpoint, or a mix of several, as a zip.

It is an adapter like any other: PEFT loads it without knowing of strengths and mixes. `python -m studio.share.heard
VOICE FOLDER` writes it in a process of its own, because the page loads no model.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from studio.answer.strength import dial_of
from studio.answer.voice import RESULT, Source, Voice
from studio.answer.wanted import wanted_by
from studio.errors import StudioError
from studio.home import CHECKOUT
from studio.run.directory import Run
from studio.share.naming import public_base
from studio.share.readme import Kept
from studio.share.result import write_zip
from studio.share.whole import written_whole

LONGEST = 120  # characters of a file's name


def zip_heard(voice: Voice, to: Path) -> Path:
    """Write the adapter that `voice` speaks with as a zip into the folder `to`, and return its path.

    Takes as long as loading its base, in a process of its own. Imports no torch here.

    Raises:
        StudioError: it has no adapter, or none that can be loaded, turned or mixed; or the folder cannot be written to.
    """
    _refuse(voice)
    done = subprocess.run(
        [sys.executable, "-m", "studio.share.heard", voice.model_dump_json(), str(to.resolve())],
        cwd=CHECKOUT, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StudioError(done.stdout.strip() or f"The export ended unexpectedly: {done.stderr.strip()[-300:]}")
    return to / _file_name(voice)


def write_heard(voice: Voice, to: Path) -> Path:
    """As `zip_heard`, in this process."""
    from studio.answer.engine import Engine

    _refuse(voice)
    (seat,) = Engine().seats([voice])
    model, run = seat.model(), Run(Path(_sources(voice)[0].run))
    kept = Kept.of(run, public_base(run.recipe.model.id))
    path = to / _file_name(voice)
    with TemporaryDirectory(prefix="atelier-heard-") as made, written_whole(path, "adapter") as draft:
        name = str(model.active_adapter)
        model.save_pretrained(made, safe_serialization=True, selected_adapters=[name])
        seat.tokenizer.save_pretrained(Path(made) / name)
        write_zip(
            replace(kept, name=path.stem, is_adapter=True, heard=_in_words(voice), facts=None), Path(made) / name, draft
        )
    return path


def _sources(voice: Voice) -> tuple[Source, ...]:
    return voice.mixed or ((voice.source,) if voice.source else ())


def _refuse(voice: Voice) -> None:
    """Raise StudioError where there is no adapter to write."""
    if voice.is_base:
        raise StudioError("A base by itself has no adapter to save. Choose a pane with a tuned model.")
    wanted_by(voice)
    for source in _sources(voice):
        run = Run(Path(source.run))
        recipe = run.recipe
        if recipe.method.keeps == "model":
            raise StudioError(
                f"{recipe.method.title} moves the base itself, so {run.name} has no adapter to save at a strength. "
                "Take its whole model from the Export tab."
            )
        if voice.strength != 1 and (reason := dial_of(recipe)):
            raise StudioError(f"The strength of {run.name} cannot be set: {reason}. Save it at strength 1.")


def _file_name(voice: Voice) -> str:
    """Says what is in it; the same voice gives the same name."""
    named = "-and-".join(_short(source) for source in _sources(voice))
    if voice.mixed:
        weights = "-".join(f"{each.weight:g}" for each in voice.mixed)
        named = f"{named[:LONGEST]}-{voice.how}-{weights}"
        named += f"-density-{voice.density:g}" if voice.how != "linear" else ""
    return f"{named[: 2 * LONGEST]}-adapter-at-{voice.strength:g}.zip"


def _short(source: Source) -> str:
    name = Path(source.run).name
    return name if source.part == RESULT else f"{name}-{source.part}"


def _in_words(voice: Voice) -> str:
    """What it is, for its README."""
    if voice.mixed:
        parts = ", ".join(f"{each.weight:g} of `{_short(each)}`" for each in voice.mixed)
        density = "" if voice.how == "linear" else f" at density {voice.density:g}"
        what = f"a mix of {parts}, by {voice.how}{density}; `recipe.yaml` is that of the first."
    else:
        what = f"what `{_short(_sources(voice)[0])}` learned."
    return what if voice.strength == 1 else f"at strength {voice.strength:g} (1 is as trained): {what}"


if __name__ == "__main__":
    try:
        write_heard(Voice.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
    except StudioError as problem:
        sys.stdout.write(str(problem))
        sys.exit(1)
