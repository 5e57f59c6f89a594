"""The schedule drawn before Start: the learning rate at each step of this data, with passes, checks and checkpoints."""

from __future__ import annotations

import math

import gradio as gr

from studio.charts import BLUE, GREEN, GREY, GRID, ORANGE, Figure, Points, thin
from studio.data.wording import counted
from studio.recipe.recipe import Recipe
from studio.run.schedule import rates
from studio.run.steps import check_steps, save_steps, steps_of, steps_per_epoch, warmup_steps
from studio.ui.data.figures import plot

MOST_POINTS = 300  # of the curve
MOST_MARKS = 60  # of each kind: more would be a band
MOST_PASSES = 24  # whose ends are drawn
NAMED = 4  # steps that a sentence lists before it only says how many
TABLE_ROWS = 12
TITLE = "Learning rate, step by step"
NO_ROWS = '<p class="schedule-none">Choose data, and the schedule is drawn here in its real steps.</p>'


def build() -> gr.HTML:
    """The place of the drawing, to be filled with what `show` gives."""
    return gr.HTML(NO_ROWS, elem_id="schedule")


def show(recipe: Recipe, rows: int, tokens: int = 0) -> str:
    """The drawing for a run over `rows` training rows, with its words.

    `tokens` is how many the rows have together; it tells about how many rows are left when they are packed.
    """
    if not rows:
        return NO_ROWS
    training = recipe.training
    taken = _packed(rows, tokens, training.max_length) if training.packing else rows
    steps = steps_of(training, taken)
    heights = rates(training, steps)
    checks = check_steps(training, steps) if _holds_out(recipe) else []
    saves = save_steps(training, steps)
    passes = steps_per_epoch(training, taken)
    says = _says(recipe, steps, passes, checks, saves)
    figure = _figure(heights, checks, saves, passes)
    return plot(TITLE, figure, says, ("Step", "Learning rate"), _table(heights))


def _packed(rows: int, tokens: int, room: int) -> int:
    """About how many packed rows there are: best fit leaves little room empty."""
    return min(rows, math.ceil(tokens / room)) if tokens else rows


def _holds_out(recipe: Recipe) -> bool:
    return bool(recipe.data.held_out_path) or recipe.data.held_out_share > 0


def _says(recipe: Recipe, steps: int, passes: int, checks: list[int], saves: list[int]) -> str:
    training = recipe.training
    warmup = 0 if training.schedule in {"constant", "reduce_lr_on_plateau"} else warmup_steps(training, steps)
    whole = steps / passes
    about = "About " if training.packing and not training.max_steps else ""
    parts = [
        f"{warmup:,} of warm-up" if warmup else "no warm-up",
        f"{round(whole, 2):,g} {'pass' if whole == 1 else 'passes'} of {counted(passes, 'step')}",
    ]
    says = [f"{about}{counted(steps, 'step')}: {', '.join(parts)}."]
    says.append(f"Held-out loss at {_listed(checks)}." if checks else "The held-out loss is never measured.")
    if saves:
        says.append(f"Checkpoints at {_listed(saves)}.")
    if training.schedule == "reduce_lr_on_plateau":
        waits = counted(training.plateau_patience, "check")
        says.append(f"The rate is halved whenever the held-out loss has not fallen for more than {waits}.")
    if training.early_stopping and checks:
        says.append(f"It ends earlier after {counted(training.early_stopping, 'check')} without progress.")
    return " ".join(says)


def _listed(steps: list[int]) -> str:
    if len(steps) <= NAMED:
        return ", ".join(f"{step:,}" for step in steps)
    return f"{', '.join(f'{step:,}' for step in steps[: NAMED - 1])} … {steps[-1]:,}"


def _figure(heights: list[float], checks: list[int], saves: list[int], passes: int) -> Figure:
    curve = thin(Points(list(range(1, len(heights) + 1)), [*heights]), MOST_POINTS)
    line = {"color": BLUE, "width": 2.5}
    data = [
        {"type": "scatter", "mode": "lines", "line": line, "name": "Learning rate", "x": curve.x, "y": curve.y},
        _marks("Held-out checks", checks, heights, {"color": ORANGE, "symbol": "diamond", "size": 8}),
        _marks("Checkpoints", saves, heights, {"color": GREEN, "symbol": "square-open", "size": 10}),
    ]
    for trace in data:
        trace["hovertemplate"] = "step %{x:,}: %{y:.3g}<extra></extra>"
        trace["cliponaxis"] = False
    axis = {"gridcolor": GRID, "zeroline": False, "fixedrange": True}
    layout = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": GREY, "size": 12},
        "margin": {"l": 62, "r": 20, "t": 34, "b": 42},
        "height": 250,
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"title": {"text": "Step"}, "tickformat": ",d", "range": [0, len(heights) * 1.01]} | axis,
        "yaxis": {"rangemode": "tozero", "exponentformat": "power", "nticks": 5} | axis,
        "shapes": [_pass_end(step) for step in _pass_ends(len(heights), passes)],
    }
    return {"data": [trace for trace in data if trace["x"]], "layout": layout}


def _marks(name: str, steps: list[int], heights: list[float], marker: dict[str, object]) -> Figure:
    """Marks on the curve; where they are many, some of them stand for all."""
    shown = steps[:: math.ceil(len(steps) / MOST_MARKS) or 1]
    at = [heights[max(step, 1) - 1] for step in shown]  # the check at 0 comes before the first step
    return {"type": "scatter", "mode": "markers", "name": name, "x": shown, "y": at, "marker": marker}


def _pass_ends(steps: int, passes: int) -> list[int]:
    ends = list(range(passes, steps, passes))
    return ends if len(ends) <= MOST_PASSES else []


def _pass_end(step: int) -> dict[str, object]:
    place = {"type": "line", "xref": "x", "yref": "paper", "x0": step, "x1": step, "y0": 0, "y1": 1}
    return place | {"line": {"color": GREY, "width": 1, "dash": "dot"}, "layer": "below"}


def _table(heights: list[float]) -> list[tuple[str, str]]:
    last = len(heights) - 1
    shown = sorted({round(place * last / (TABLE_ROWS - 1)) for place in range(TABLE_ROWS)})
    return [(f"{at + 1:,}", f"{heights[at]:.3g}") for at in shown]
