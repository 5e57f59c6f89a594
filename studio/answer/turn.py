"""The one rule that says who has the GPU: a run takes it, and the chat steps aside and says so."""

from __future__ import annotations

from studio.recipe.hardware import Hardware


def may_answer(runs_active: bool, hardware: Hardware) -> str | None:
    """None where the chat may answer now; else the reason why not, in words for the page.

    Without a GPU both go on: they share the cores, and neither can take the other's memory for good.
    """
    if runs_active and hardware.gpus:
        return (
            "A run is training and has the GPU, so the chat has stepped aside. "
            "Wait until the run ends, or stop it in the Run tab; the conversation stays here."
        )
    return None
