"""How the page says no: in words, in a toast that stays until it is closed."""

from __future__ import annotations

import gradio as gr

from studio.errors import StudioError


def refusal(error: StudioError | str, title: str) -> gr.Error:
    """An error for a handler to raise. All problems are shown, and nothing is printed to the terminal."""
    text = "\n\n".join(error.problems) if isinstance(error, StudioError) else error
    return gr.Error(text, title=title, duration=None, print_exception=False)
