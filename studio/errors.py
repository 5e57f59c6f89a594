"""The one exception that a user is meant to read."""


class StudioError(Exception):
    """A user's mistake or a limit that was met: what was set, why it cannot be, what to set instead.

    The page shows the text as it is and the command line prints it without a traceback, so it must stand alone.
    Several problems found at once travel together in `problems`.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
