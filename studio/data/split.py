"""Rows set aside to score a model on, and the fingerprint of rows."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from studio.data.example import Example, Examples
from studio.errors import StudioError


def split(pairs: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """The pairs to train on and the pairs held out, each in the order given.

    Pairs whose prompts differ in nothing but case and spacing stay on one side. Which side that is depends on the
    prompts and the seed alone: not on the order of rows, the machine or the version of Python. With a share above
    zero and two different prompts or more, each side has a pair.

    Raises StudioError for a share below 0, or of 1 and more.
    """
    if not 0 <= share < 1:
        raise StudioError(
            f"The held-out share is {share}, and it has to be at least 0 and below 1. Set 0.1 to hold out every tenth "
            "row, or 0 to hold out none."
        )
    prompts = [pair.same_prompt for pair in pairs]
    groups = Counter(prompts)
    if share == 0 or len(groups) < 2:
        return pairs, pairs.take([])
    target = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    held = _chosen(groups, target, seed)
    is_held = np.fromiter((prompt in held for prompt in prompts), bool, len(prompts))
    return pairs.take(np.flatnonzero(~is_held)), pairs.take(np.flatnonzero(is_held))


def fingerprint(pairs: Iterable[Example]) -> str:
    """SHA-256 over the texts in their order, whatever the rows' numbers: the same rows are the same data."""
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(json.dumps([pair.prompt, pair.completion], separators=(",", ":")).encode("ascii") + b"\n")
    return digest.hexdigest()


def _chosen(groups: Mapping[str, int], target: int, seed: int) -> set[str]:
    """Prompts with `target` pairs among them, or fewer where groups do not add up; at least one prompt, never all."""
    order = sorted(groups, key=lambda prompt: _place(prompt, seed))
    held: set[str] = set()
    room = target
    for prompt in order:
        if groups[prompt] <= room:
            held.add(prompt)
            room -= groups[prompt]
        if not room:
            break
    return held or {min(order, key=lambda prompt: groups[prompt])}


def _place(prompt: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{prompt}".encode("utf-8", "surrogatepass")).digest()
