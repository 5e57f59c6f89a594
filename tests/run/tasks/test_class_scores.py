"""Accuracy and macro F1 on cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from studio.run.tasks.class_scores import class_scores


@pytest.mark.parametrize(
    ("named", "right", "accuracy", "f1"),
    [
        ([0, 1, 1], [0, 1, 1], 1.0, 1.0),
        ([0, 0, 0, 0], [0, 0, 0, 1], 0.75, (6 / 7 + 0) / 2),  # the usual class always: good accuracy, poor F1
        ([2, 0], [0, 0], 0.5, (2 / 3 + 0) / 2),  # a class that no row has counts when it is named
        ([1, 0], [0, 1], 0.0, 0.0),
        ([5], [5], 1.0, 1.0),
        ([], [], 0.0, 0.0),
    ],
)
def test_scores(named, right, accuracy, f1):
    found = class_scores(np.array(named), np.array(right))
    assert found == {"accuracy": pytest.approx(accuracy), "f1": pytest.approx(f1)}
