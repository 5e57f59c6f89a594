"""The forecast on the page: memory by parts against what there is, time, and the dress rehearsal that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from studio.charts import BLUE, GREEN, GREY, GRID, ORANGE, RED, Figure
from studio.data.wording import counted
from studio.errors import StudioError
from studio.recipe.recipe import Recipe
from studio.run.forecast.forecast import PARTS, Forecast, MemoryPart
from studio.run.forecast.forecasts import ForecastState, RehearsalState
from studio.run.rehearsal.wire import Rehearsed
from studio.ui.data.figures import plot
from studio.ui.data.press import button, pressable, pressed
from studio.ui.draft import Draft, Updates, Values
from studio.ui.recipe.amounts import bytes_in_words, share_in_words
from studio.ui.refusal import refusal
from studio.ui.studio import Studio
from studio.ui.words import note

LOOK = 1.0  # seconds between looks at a rehearsal that is being done
TITLE = "Memory at its highest"
NOT_OPENED = '<p class="data-quiet">The forecast begins when this tab is looked at.</p>'
BUSY = "A run is being trained, and a rehearsal would take its memory. Rehearse when the run is over."
COLOURS: dict[MemoryPart, str] = {
    "weights": BLUE,
    "adapter": GREEN,
    "gradients": ORANGE,
    "optimiser": RED,
    "activations": "#7a5bd0",
    "logits": "#b04f9e",
    "overhead": GREY,
}
MEANS: dict[MemoryPart, str] = {
    "weights": "the base model's weights",
    "adapter": "the weights that the method adds",
    "gradients": "how each trained weight is to move",
    "optimiser": "what the optimiser remembers of each trained weight",
    "activations": "what the layers computed, kept for the way back",
    "logits": "the scores of every word of the vocabulary",
    "overhead": "Python and its libraries",
}


@dataclass(frozen=True)
class Panel:
    """The forecast's place on the page. `timer` ticks while a rehearsal is being done."""

    html: gr.HTML
    timer: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """Everything that `show` fills."""
        return [self.html, self.timer]


def build() -> Panel:
    """Draw the place of the forecast."""
    return Panel(pressable(NOT_OPENED, "forecast"), gr.Timer(LOOK, active=False))


def connect(studio: Studio, draft: Draft, panel: Panel) -> None:
    """Let its buttons work."""

    def on_press(values: Values, event: gr.EventData) -> Updates:
        return press(studio, draft, panel, values, pressed(event)[0])

    outputs = [*panel.outputs, *_moved_fields(draft).values()]
    panel.html.click(on_press, draft.components, outputs, show_progress="hidden")
    panel.timer.tick(
        partial(look, studio, draft, panel),
        draft.components,
        panel.outputs,
        show_progress="hidden",
        trigger_mode="once",
    )


def show(studio: Studio, panel: Panel, recipe: Recipe, state: ForecastState, opened: bool = True) -> Updates:
    """The forecast as far as it is known, and how the rehearsal of this recipe is going."""
    rehearsal = studio.forecasts.rehearsal(recipe)
    html = panel_html(recipe, state, rehearsal) if opened else NOT_OPENED
    return {panel.html: html, panel.timer: gr.Timer(active=bool(rehearsal.doing))}


def look(studio: Studio, draft: Draft, panel: Panel, values: Values) -> Updates:
    """The panel again, while a rehearsal is being done."""
    try:
        recipe = draft.recipe(values)
    except StudioError:
        return {panel.html: gr.skip(), panel.timer: gr.Timer(active=False)}
    return show(studio, panel, recipe, studio.forecasts.at(recipe))


def press(studio: Studio, draft: Draft, panel: Panel, values: Values, what: str) -> Updates:
    """Do what a button of the panel says: rehearse, give a rehearsal up, or move a control."""
    try:
        recipe = draft.recipe(values)
    except StudioError as error:
        raise refusal(error, "Not a recipe yet") from None
    updates: Updates = dict.fromkeys(_moved_fields(draft).values(), gr.skip())
    if what == "rehearse":
        if studio.active_runs():
            raise refusal(BUSY, "Not now")
        studio.forecasts.rehearse(recipe)
    elif what == "end":
        studio.forecasts.cancel_rehearsal()
    else:
        updates |= moved(draft, what)
    return updates | show(studio, panel, recipe, studio.forecasts.at(recipe)) | {panel.timer: gr.Timer(active=True)}


def moved(draft: Draft, what: str) -> Updates:
    """The controls that a button such as `set:batch_size=4,gradient_accumulation=2` moves, and no others."""
    fields = _moved_fields(draft)
    pairs = [pair.split("=") for pair in what.removeprefix("set:").split(",") if pair.count("=") == 1]
    return {
        fields[name]: (value == "yes" if name == "gradient_checkpointing" else int(value))
        for name, value in pairs
        if name in fields and (value.isdigit() or value in {"yes", "no"})
    }


def _moved_fields(draft: Draft) -> Mapping[str, Any]:
    names = ("batch_size", "gradient_accumulation", "gradient_checkpointing", "max_length")
    return {name: draft.training.fields[name] for name in names}


def panel_html(recipe: Recipe, state: ForecastState, rehearsal: RehearsalState) -> str:
    """The whole panel."""
    return f"{_forecast_html(recipe, state)}{_rehearsal_html(recipe, rehearsal)}"


def _forecast_html(recipe: Recipe, state: ForecastState) -> str:
    if state.error:
        return note("warning", state.error)
    if state.forecast is None:
        return f'<p class="data-quiet" role="status">Being forecast: {state.doing.lower() or "beginning"} …</p>'
    told = state.forecast
    rows = [(part, MEANS[part], bytes_in_words(told.parts[part])) for part in PARTS if part in told.parts]
    drawn = plot(TITLE, memory_figure(told), memory_in_words(told), ("Part", "What it is", "Memory"), rows)
    lines = [time_in_words(told), _counts_in_words(told), *told.assumed]
    words = "".join(f"<p>{line}</p>" for line in lines)
    return f'{drawn}<div class="forecast-words">{words}</div>{"" if told.fits else _too_large(recipe, told)}'


def memory_figure(told: Forecast) -> Figure:
    """One bar, a piece for each part, and a line where the memory ends."""
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": part,
            "x": [told.parts[part]],
            "y": [""],
            "marker": {"color": COLOURS[part]},
            "hovertemplate": f"{part}: {bytes_in_words(told.parts[part])}<extra></extra>",
        }
        for part in PARTS
        if part in told.parts
    ]
    end = max(told.capacity_bytes, told.memory_bytes) * 1.03
    line = {"type": "line", "xref": "x", "yref": "paper", "x0": told.capacity_bytes, "x1": told.capacity_bytes}
    line |= {"y0": 0, "y1": 1, "line": {"color": RED, "width": 2, "dash": "dash"}}
    ticks = [end * share for share in (0, 0.25, 0.5, 0.75)]
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 12, "r": 20, "t": 58, "b": 34},
        "height": 170,
        "barmode": "stack",
        "dragmode": False,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.04, "yanchor": "bottom", "traceorder": "normal"},
        "xaxis": {
            "range": [0, end],
            "tickmode": "array",
            "tickvals": ticks,
            "ticktext": [bytes_in_words(tick) for tick in ticks],
            "gridcolor": GRID,
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {"fixedrange": True, "showgrid": False, "zeroline": False},
        "shapes": [line],
    }
    return {"data": data, "layout": layout}


def memory_in_words(told: Forecast) -> str:
    """The peak, against what there is, and how far it may be off."""
    share = share_in_words(told.memory_bytes, told.capacity_bytes)
    return (
        f"About {bytes_in_words(told.memory_bytes)}, {told.moment}: {share} of {told.device}, which has "
        f"{bytes_in_words(told.capacity_bytes)}. Measured peaks lay within {100 * told.error:.0f} % of the forecast. "
        f"{'It fits.' if told.fits else 'It does not fit.'}"
    )


def time_in_words(told: Forecast) -> str:
    """The time with its range."""
    return (
        f"About {duration(told.seconds)} for {counted(told.steps, 'step')} ({duration(told.seconds_low)} to "
        f"{duration(told.seconds_high)}), {duration(told.step_seconds)} a step. A run that has begun tells better."
    )


def duration(seconds: float) -> str:
    """A time as a person says it: 0.4 seconds, 12 seconds, 3 minutes, 5 hours, 2 days."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    for size, most, unit in ((1, 100, "second"), (60, 100, "minute"), (3600, 48, "hour")):
        if seconds < most * size:
            return counted(round(seconds / size), unit)
    return counted(round(seconds / 86400), "day")


def _counts_in_words(told: Forecast) -> str:
    share = share_in_words(told.trainable_parameters, told.parameters)
    return (
        f"Trains {told.trainable_parameters:,} of {told.parameters:,} weights ({share}) and stores "
        f"{bytes_in_words(told.stored_bytes)}."
    )


def _too_large(recipe: Recipe, told: Forecast) -> str:
    """What to move where it does not fit."""
    training = recipe.training
    buttons = []
    if training.batch_size > 1:
        half, more = training.batch_size // 2, min(128, 2 * training.gradient_accumulation)
        label = f"Batch size {half}, gradient accumulation {more}"
        buttons.append(button(f"set:batch_size={half},gradient_accumulation={more}", label))
    if not training.gradient_checkpointing and recipe.method.works_with_checkpointing:
        buttons.append(button("set:gradient_checkpointing=yes", "Switch gradient checkpointing on"))
    if training.max_length > 128:
        shorter = training.max_length // 2 // 16 * 16
        buttons.append(button(f"set:max_length={shorter}", f"Longest row {shorter:,}"))
    most = max(told.parts, key=lambda part: told.parts[part])
    said = f"This recipe does not fit {told.device}. The largest part is the {most}: {MEANS[most]}."
    if most == "weights":
        said += " Choose a smaller base model, or QLoRA."
    return f"{note('warning', said)}<div>{''.join(buttons)}</div>"


def _rehearsal_html(recipe: Recipe, rehearsal: RehearsalState) -> str:
    about = (
        "Two real steps on the longest rows, in a process like the run's own: the true peak, the true speed, the "
        "largest batch that is safe."
    )
    if rehearsal.doing:
        said = f'<p role="status">{rehearsal.doing} …</p>{button("end", "End the rehearsal", look="quiet")}'
    elif rehearsal.found:
        said = _rehearsed_html(recipe, rehearsal.found) + button("rehearse", "Rehearse again", look="quiet")
    else:
        failed = note("warning", rehearsal.error) if rehearsal.error else ""
        said = failed + button("rehearse", "Dress rehearsal")
    return f'<div class="forecast-rehearsal"><p class="data-quiet">{about}</p>{said}</div>'


def _rehearsed_html(recipe: Recipe, found: Rehearsed) -> str:
    words = [
        f"The peak was {bytes_in_words(found.peak_bytes)} of {bytes_in_words(found.capacity_bytes)}, with "
        f"{counted(found.batch, 'row')} of {counted(found.longest, 'token')} at once.",
        f"A step took {duration(found.step_seconds)}; at that speed the run takes {duration(found.seconds)} for "
        f"{counted(found.steps, 'step')}. Steps with shorter rows are quicker.",
    ]
    if not found.largest_batch:
        words.append("No batch is safe with this recipe. Lower the longest row, or choose a smaller base model.")
        return note("warning", *words)
    words.append(f"The largest batch that is safe holds {counted(found.largest_batch, 'row')}.")
    setting = ""
    if found.largest_batch != recipe.training.batch_size:
        setting = button(f"set:batch_size={found.largest_batch}", f"Set the batch size to {found.largest_batch}")
    return note("note", *words) + setting
