"""How well classes were named."""

from __future__ import annotations

import numpy as np


def class_scores(named: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Accuracy, and the F1 score averaged over the classes (macro), each class alike.

    Counted are the classes that are named or right somewhere, as scikit-learn does it.

    Args:
        named: the number of the class that the model named, for each row.
        right: the number of the class that the row has.
    """
    if not len(right):
        return {"accuracy": 0.0, "f1": 0.0}
    scores = []
    for each in np.union1d(named, right):
        hits = int(((named == each) & (right == each)).sum())
        scores.append(2 * hits / int((named == each).sum() + (right == each).sum()))
    return {"accuracy": float((named == right).mean()), "f1": float(np.mean(scores))}
