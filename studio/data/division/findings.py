"""What is said of a split: what was kept together, what leaks, and why nothing could be held out."""

from __future__ import annotations

import numpy as np

from studio.data.division.split import SplitBy, prompt_keys
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import counted, names, rows_named, sentence

_ALL_LINKED: dict[SplitBy, str] = {
    "prompt": "All {number} usable rows share one prompt or are near-duplicates of each other, so none can be held out "
    "without being known from training. Add other prompts, or train without a held-out score.",
    "group": "All {number} usable rows are of one group, or their groups share prompts and near-duplicates, so none "
    "can be held out without being known from training. Split by prompt, or choose another group column.",
    "label": "No class of the {number} usable rows can be parted: each has one row, or one prompt and its "
    "near-duplicates. Split by prompt, or choose another label column.",
}
_WHY_HELD_OUT = "Held-out rows tell whether the model understood the task or only learnt its rows by heart."
_WHY_LEAK = "A score on rows that were trained on says how well they were learnt by heart, and nothing of new ones."


def kept_together(examples: Examples, near: np.ndarray) -> list[Finding]:
    """The near-duplicates that the split keeps on one side; `near` has an id an example."""
    _, ids, sizes = np.unique(near, return_inverse=True, return_counts=True)
    rows = examples.rows[sizes[ids] > 1].tolist()
    if not rows:
        return []
    message = (
        f"{sentence(rows_named(rows))}: near-duplicates, in {counted(int((sizes > 1).sum()), 'group')}. Each group is "
        "kept on one side of the split."
    )
    return [finding("kept-together", rows, message, "note", why=_WHY_LEAK)]


def leaks(examples: Examples, near: np.ndarray, held_out: Examples, held_near: np.ndarray) -> list[Finding]:
    """The rows of the training file that are in the held-out file too, or nearly: they are left out of training."""
    same = np.isin(prompt_keys(examples), prompt_keys(held_out))
    alike = np.isin(near, held_near) & ~same
    found = []
    for kind, where, what in (
        ("leak", same, "the prompt is also in the held-out file"),
        ("near-leak", alike, "nearly the same as a row of the held-out file"),
    ):
        rows = examples.rows[where].tolist()
        if rows:
            message = f"{sentence(rows_named(rows))}: {what}. Left out of training."
            found.append(finding(kind, rows, message, "warning", left_out=True, why=_WHY_LEAK))
    return found


def undivided(number: int, by: SplitBy) -> Finding:
    """Why none of `number` rows could be held out."""
    kind = "one-prompt" if by == "prompt" else "one-group"
    return finding(kind, [], _ALL_LINKED[by].format(number=f"{number:,}"), "warning", why=_WHY_HELD_OUT)


def lone_classes(examples: Examples) -> list[Finding]:
    """The rows that are the only one of their class, which a split by label leaves in training."""
    coded = examples.column("label").combine_chunks().dictionary_encode()
    places = coded.indices.to_numpy()
    alone = np.bincount(places, minlength=len(coded.dictionary))[places] == 1
    rows = examples.rows[alone].tolist()
    if not rows:
        return []
    classes = coded.dictionary.take(coded.indices.filter(alone)).to_pylist()
    message = (
        f"{sentence(rows_named(rows))}: the only one of its class ({names(classes)}), so it stays in training and that "
        "class is not scored. Add rows of it, or give it the label of another class."
    )
    return [finding("lone-class", rows, message, "note", why=_WHY_HELD_OUT)]
