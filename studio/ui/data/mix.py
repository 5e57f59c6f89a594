"""Mixing: further sets with weights, trained on together with the main one, and general data against forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import PurePath
from typing import Any

import gradio as gr

from studio.data.division.mix import GENERAL, general_mix
from studio.data.part import DataPart, Mix
from studio.knob import knobs
from studio.ui.data.glimpse import known_rows
from studio.ui.data.samples import sample_of, sample_paths, samples
from studio.ui.data.section import Section
from studio.ui.data.uploads import FILE_TYPES, kept
from studio.ui.draft import altered
from studio.ui.refusal import refusal
from studio.ui.studio import Studio

MOST_GENERAL = 50  # percent; with more of it, it is no longer the set that is learned
SLOTS = 5  # further sets that the page has room for; a recipe's YAML may name more
WEIGHT = next(knob for knob in knobs(Mix) if knob.name == "weight")
HEADING = "<h3>Mix</h3>"
TOGETHER = "<p>These sets are trained on together with the main one.</p>"
NONE_YET = "<p>Only the main set so far. Add one to learn several tasks at once, or general data to forget less.</p>"
FULL = f"The page has room for {SLOTS} further sets. Remove one, or write more of them into the recipe's YAML."
DRIFT = "A tuned model forgets what it no longer sees. Some general rows, mixed in, hold it. Try 10 %; 0: none."


@dataclass(frozen=True)
class Slot:
    """The place of one further set on the page."""

    row: gr.Row
    name: gr.HTML
    weight: gr.Slider
    remove: gr.Button


def build(studio: Studio, data: gr.State, model: gr.State) -> Section:
    """Draw the section and connect it."""
    said = gr.HTML(HEADING + NONE_YET, elem_id="mix-said")
    general = gr.Slider(
        0, MOST_GENERAL, 0, step=1, label="General data (% of all rows trained on)", info=DRIFT, elem_id="mix-general"
    )
    slots = [_slot(place) for place in range(SLOTS)]
    with gr.Row(equal_height=False):
        sample = gr.Dropdown(
            samples(),
            value=None,
            label="Add a bundled sample",
            info="A row of it for ten of the main set, to begin with.",
            elem_id="mix-sample",
        )
        upload = gr.File(label="Add a set of your own", file_types=FILE_TYPES, height=130, elem_id="mix-upload")
    sample.input(add_sample, [sample, data], [data, sample])
    upload.upload(partial(add_upload, studio), [upload, data], [data, upload])
    for place, slot in enumerate(slots):
        slot.weight.change(
            partial(weigh, place), [slot.weight, data], data, show_progress="hidden", trigger_mode="always_last"
        )
        slot.remove.click(partial(remove, place), data, data)
    general.change(mix_general, [general, data], data, show_progress="hidden", trigger_mode="always_last")
    outputs: list[Any] = [said, general, *(part for slot in slots for part in (slot.row, slot.name, slot.weight))]
    section = Section(outputs, partial(show, studio))
    data.change(section.show, [data, model], section.outputs, show_progress="hidden")
    return section


def _slot(place: int) -> Slot:
    with gr.Row(visible=False, equal_height=True, elem_classes="mix-slot") as row:
        name = gr.HTML(min_width=120)
        weight = gr.Slider(
            WEIGHT.low or 0,
            WEIGHT.high or 1,
            WEIGHT.default,
            step=WEIGHT.step,
            label=f"{WEIGHT.label} ({WEIGHT.unit} of the main set)",
            min_width=200,
            elem_id=f"mix-weight-{place}",
        )
        remove = gr.Button("Remove", size="sm", scale=0, min_width=90, elem_id=f"mix-remove-{place}")
    return Slot(row, name, weight, remove)


def mix_general(percent: float, part: DataPart) -> Any:
    """The data part with so much of the bundled general data mixed in."""
    others = [mix.model_dump() for mix in added(part)]
    if round(percent) == general_percent(part):
        return gr.skip()
    return altered(part, {"mix": [general_mix(percent / 100).model_dump(), *others] if percent else others})


def general_percent(part: DataPart) -> int:
    """How much of what is trained on is general data, in percent."""
    weight = sum(mix.weight for mix in part.mix if mix.path == GENERAL)
    return round(100 * weight / (1 + weight))


def added(part: DataPart) -> list[Mix]:
    """The further sets beside the general data."""
    return [mix for mix in part.mix if mix.path != GENERAL]


def add_sample(name: str | None, part: DataPart) -> tuple[Any, None]:
    """The data part with a bundled sample's training rows mixed in. A dropdown may tell of one choice twice."""
    mix = Mix(path=sample_paths(name)[0]) if name else None
    if mix is None or mix.path in {other.path for other in part.mix}:
        return gr.skip(), None
    return _added(part, mix), None


def add_upload(studio: Studio, file: str, part: DataPart) -> tuple[Any, None]:
    """The data part with an uploaded set mixed in."""
    return _added(part, Mix(path=kept(studio.home, [file]))), None


def _added(part: DataPart, mix: Mix) -> Any:
    if mix.path == part.path or mix.path in {other.path for other in part.mix}:
        raise refusal("This set is in the mix already. Give it another weight instead.", "Not added")
    if len(added(part)) >= SLOTS:
        raise refusal(FULL, "Not added")
    return part.model_copy(update={"mix": (*part.mix, mix)})


def weigh(place: int, weight: float, part: DataPart) -> Any:
    """The data part with another weight for the set at this place."""
    if place >= len(added(part)):
        return gr.skip()
    wanted = added(part)[place].path
    mix = [each.model_dump() | ({"weight": weight} if each.path == wanted else {}) for each in part.mix]
    return altered(part, {"mix": mix})


def remove(place: int, part: DataPart) -> Any:
    """The data part without the set at this place."""
    dropped = [mix.path for mix in added(part)[place : place + 1]]
    return altered(part, {"mix": [mix.model_dump() for mix in part.mix if mix.path not in dropped]})


def show(studio: Studio, part: DataPart, model: str) -> list[Any]:
    """What was mixed, the share of general data, and the further sets, each in its place."""
    values: list[Any] = [HEADING + (_mixed(studio, part) if part.mix else NONE_YET), general_percent(part)]
    sets = added(part)
    for place in range(SLOTS):
        mix = sets[place] if place < len(sets) else None
        values += [
            gr.update(visible=mix is not None),
            f"<p><b>{escape(name_of(mix))}</b></p>" if mix else "",
            mix.weight if mix else WEIGHT.default,
        ]
    return values


def _mixed(studio: Studio, part: DataPart) -> str:
    """What was decided when the sets were mixed, as HTML."""
    known = known_rows(studio, part)
    return "".join(f"<p>{escape(text)}</p>" for text in known.notes) if known and known.notes else TOGETHER


def name_of(mix: Mix) -> str:
    """What the page calls a set."""
    return sample_of(DataPart(path=mix.path)) or PurePath(mix.path).name
