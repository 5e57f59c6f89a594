"""One thing that is wrong with a recipe or could be better, and the changes that would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Move:
    """A change that would help, as a button: its label, and the options to set, by dotted key."""

    label: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `option` names the recipe's key to change.

    Only an error stops the run. Advice is a warning from the literature, with its `source`; `moves` are what would
    help, each a button on the page.
    """

    option: str
    message: str
    severity: Literal["error", "warning", "advice"] = "error"
    moves: tuple[Move, ...] = ()
    source: str = ""
