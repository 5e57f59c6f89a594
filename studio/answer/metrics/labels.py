"""Answers that are classes: how often the right one is named, and which are mistaken for which."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from studio.answer.evaluation.result import Confusion
from studio.answer.metrics.metric import Said

MOST, LONGEST, MOST_WORDS, ROWS_EACH = 20, 40, 4, 3
ELSE = "anything else"
AROUND = string.whitespace + string.punctuation


def label_accuracy(said: Said) -> list[float | None]:
    """1 where the right class was named. Case and punctuation around it are forgiven."""
    return [None if a is None else float(bare(a) == bare(r)) for a, r in said.pairs]


def class_counts(said: Said) -> np.ndarray:
    """For each class whether it was named rightly, named, and right: what macro-F1 is computed from."""
    labels = said.traits.labels
    places = {bare(label): place for place, label in enumerate(labels)}
    counts = np.zeros((len(said.rows), 3, len(labels)))
    for line, (answer, reference) in zip(counts, said.pairs, strict=True):
        if answer is None:
            line[:] = np.nan
            continue
        named, right = places.get(bare(answer)), places.get(bare(reference))
        if named is not None:
            line[1, named] = 1
        if right is not None:
            line[2, right] = 1
            line[0, right] = named == right
    return counts.reshape(len(said.rows), -1)


def macro_f1(sums: np.ndarray) -> np.ndarray:
    """Mean over the classes of the harmonic mean of precision and recall, each class alike (Sokolova and Lapalme 2009,
    "A systematic analysis of performance measures for classification tasks", Inf. Process. Manag. 45(4)), over the
    classes that are named or right somewhere, as scikit-learn's `f1_score(average="macro")` takes them."""
    hits, named, right = np.moveaxis(sums.reshape(*sums.shape[:-1], 3, -1), -2, 0)
    seen = named + right
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(seen > 0, 2 * hits / seen, 0).sum(-1) / (seen > 0).sum(-1)


def confusion(pairs: Sequence[tuple[str, str]], labels: Sequence[str]) -> Confusion:
    """How often each class (line) was given each class (column), from answers and references."""
    from sklearn.metrics import confusion_matrix

    names = {bare(label): label for label in labels}
    right = [names.get(bare(reference), ELSE) for _, reference in pairs]
    named = [names.get(bare(answer), ELSE) for answer, _ in pairs]
    columns = [*labels, ELSE]
    counts = confusion_matrix(right, named, labels=columns) if pairs else np.zeros((len(columns),) * 2, int)
    return Confusion(labels=list(labels), counts=counts[: len(labels)].tolist())


def labels_of(references: Sequence[str]) -> tuple[str, ...]:
    """The classes that the references are, most frequent first; none where they are not a few short texts that come
    again: at most 20 of up to 4 words and 40 characters, three rows each on average."""
    counts = Counter(bare(reference) for reference in references)
    written = {bare(reference): reference.strip() for reference in reversed(references)}
    few = 2 <= len(counts) <= min(MOST, len(references) // ROWS_EACH)
    if not few or any(not each or len(each) > LONGEST or len(each.split()) > MOST_WORDS for each in counts):
        return ()
    return tuple(written[each] for each, _ in counts.most_common())


def bare(text: str) -> str:
    """A class without case and the punctuation around it; the whole text where it is nothing else."""
    return text.strip(AROUND).casefold() or text.strip()
