"""How the page says no: in words, in a toast that stays long enough to be read twice, or until it is closed."""

from __future__ import annotations

import gradio as gr

from studio.errors import StudioError

LEAST = 20.0  # seconds that a toast stays
READ = 8.0  # letters of it a second: half as fast as people read


def refusal(error: StudioError | str, title: str) -> gr.Error:
    """An error for a handler to raise. All problems are shown, and nothing is printed to the terminal."""
    text = "\n\n".join(error.problems) if isinstance(error, StudioError) else error
    return gr.Error(text, title=title, duration=LEAST + len(text) / READ, print_exception=False)
