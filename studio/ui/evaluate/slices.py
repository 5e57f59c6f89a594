"""Parts of the rows as the page shows them: the main metric in each, where it differs, and which rows it has."""

from __future__ import annotations

from studio.answer.metrics.slices import CAVEAT, TERMS_CAVEAT, By, Slice, slices
from studio.ui.evaluate.looks import Look, asked_here
from studio.ui.evaluate.told import label_of
from studio.ui.routes import Json


def slices_told(look: Look, by: By) -> Json:
    """The slices as GET .../slices tells them, with the metric that they are scored by.

    Raises StudioError as `slices` does.
    """
    found = _slices(look, by)
    metric = next((each for each in look.scores.metrics if found and each.name == found[0].metric), None)
    labels = {each.name: label_of(each) for each in look.request.contestants}
    return {
        "metric": {"title": metric.title, "unit": metric.unit, "better": metric.better} if metric else None,
        "caveats": [CAVEAT, TERMS_CAVEAT] if by == "terms" else [CAVEAT],
        "slices": [
            each.model_dump(mode="json", exclude={"places"})
            | {"flagged": [f"{labels.get(who, who)}: {words}" for who, words in each.flagged.items()]}
            for each in found
        ],
    }


def within(look: Look, by: By, name: str) -> frozenset[int]:
    """The places of a slice's rows; none where there is no such slice."""
    return frozenset(next((each.places for each in _slices(look, by) if each.name == name), ()))


def _slices(look: Look, by: By) -> list[Slice]:
    return slices(look.rows, asked_here(look.request), by)
