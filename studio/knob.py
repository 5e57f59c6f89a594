"""One declaration per option: a pydantic field that also feeds the form, the tooltip, the YAML and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

Scale = Literal["linear", "log"]


class Part(BaseModel):
    """A part of the recipe: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


def knob(
    default: Any,
    help: str,
    *,
    label: str,
    bounds: tuple[float, float] | None = None,
    step: float | None = None,
    unit: str = "",
    scale: Scale = "linear",
    advanced: bool = False,
    group: str = "",
    what: str = "",
    picture: str = "",
    lines: int = 1,
) -> Any:
    """A recipe field.

    Args:
        default: the value where nothing is said.
        help: what it does, and what to try first, in plain words.
        label: its name on the page.
        bounds: smallest and largest value, both allowed.
        step: how far one move of the slider goes (linear scale).
        unit: what it is counted in, such as "tokens".
        scale: whether a slider moves in equal differences or in equal ratios.
        advanced: shown folded away, under "More settings".
        group: shown folded away, under this heading.
        what: the answer to "What is this?" for somebody who never heard of it: two to five plain sentences.
        picture: a drawing that goes with `what`: the name of a file in assets/pictures, without .svg.
        lines: how many lines of a text its field shows.
    """
    low, high = bounds if bounds else (None, None)
    return Field(
        default,
        title=label,
        description=help,
        ge=low,
        le=high,
        json_schema_extra={
            "unit": unit,
            "step": step,
            "scale": scale,
            "group": group or ("More settings" if advanced else ""),
            "what": what,
            "picture": picture,
            "lines": lines,
        },
    )


@dataclass(frozen=True)
class Knob:
    """What a form, a help text or a table of the docs needs to know of one field."""

    name: str
    label: str
    help: str
    default: Any
    kind: type
    choices: tuple[str, ...]
    low: float | None
    high: float | None
    step: float | None
    unit: str
    scale: Scale
    group: str
    """The heading under which it is folded away; empty: always seen."""
    what: str
    picture: str
    lines: int = 1
    """How many lines of a text its field shows."""


def knobs(model: type[BaseModel]) -> list[Knob]:
    """Every option of `model` that was declared with `knob`, in its order."""
    return [_knob(name, field) for name, field in model.model_fields.items() if field.title]


def _knob(name: str, field: FieldInfo) -> Knob:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    is_choice = get_origin(field.annotation) is Literal
    bounds: dict[str, float] = {}
    for rule in field.metadata:
        bounds.update({key: getattr(rule, key) for key in ("ge", "le") if hasattr(rule, key)})
    return Knob(
        name=name,
        label=field.title or name,
        help=field.description or "",
        default=field.default,
        kind=str if is_choice or not isinstance(field.annotation, type) else field.annotation,
        choices=tuple(get_args(field.annotation)) if is_choice else (),
        low=bounds.get("ge"),
        high=bounds.get("le"),
        step=extra.get("step"),  # type: ignore[arg-type]
        unit=str(extra.get("unit", "")),
        scale=extra.get("scale", "linear"),  # type: ignore[arg-type]
        group=str(extra.get("group", "")),
        what=str(extra.get("what", "")),
        picture=str(extra.get("picture", "")),
        lines=int(str(extra.get("lines", 1))),
    )
