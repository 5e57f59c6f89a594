"""An error that the page can offer a way out of."""

from __future__ import annotations

from studio.errors import StudioError
from studio.run.events import Cause


class Trouble(StudioError):
    """What happened and what to do, with what lies behind it."""

    def __init__(self, cause: Cause, *problems: str) -> None:
        super().__init__(*problems)
        self.cause = cause
