import numpy as np
import pytest

from studio.answer.metrics.labels import ELSE, class_counts, confusion, label_accuracy, labels_of, macro_f1
from studio.answer.metrics.metric import Said, Traits
from tests.answer.metrics.rows import rows_of

RIGHT = ["roof", "roof", "clock", "shoe", "clock", "roof"]
NAMED = ["Roof.", "clock", "clock", " shoe", "a cobbler", "roof"]
LABELS = ("roof", "clock", "shoe")


def said(named=NAMED, right=RIGHT, labels=LABELS):
    return Said(rows_of(right, named, named), "base", Traits(number=len(right), labels=labels))


def test_accuracy_macro_f1_and_confusion_are_scikit_learns():
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

    plain = ["roof", "clock", "clock", "shoe", ELSE, "roof"]  # what NAMED says
    assert np.mean(label_accuracy(said())) == pytest.approx(accuracy_score(RIGHT, plain))
    expected = f1_score(RIGHT, plain, labels=list(LABELS), average="macro")
    assert macro_f1(class_counts(said()).sum(axis=0)) == pytest.approx(expected)
    assert 0 < expected < 1
    found = confusion(said().pairs, LABELS)
    assert found.labels == list(LABELS)
    assert found.counts == confusion_matrix(RIGHT, plain, labels=[*LABELS, ELSE])[:3].tolist()
    assert found.counts[1] == [0, 1, 0, 1]  # of two clocks, one is named right and one something else


def test_macro_f1_on_random_classes_is_scikit_learns():
    from sklearn.metrics import f1_score

    chance = np.random.default_rng(3)
    right, named = (chance.choice(list("abcde"), 200, p=p).tolist() for p in ([0.6, 0.2, 0.1, 0.1, 0], [0.2] * 5))
    labels = tuple(sorted({*right, *named}))
    found = macro_f1(class_counts(said(named, right, labels)).sum(axis=0))
    assert found == pytest.approx(f1_score(right, named, average="macro"))


def test_a_class_that_no_row_has_or_names_is_left_out_of_macro_f1():
    assert macro_f1(class_counts(said(["roof"], ["roof"])).sum(axis=0)) == 1


def test_confusion_of_nothing():
    assert confusion([], LABELS).counts == [[0] * 4] * 3


@pytest.mark.parametrize(
    ("references", "labels"),
    [
        (["Yes", "no."] * 10 + ["yes"], ("Yes", "no.")),
        (["yes"] * 20, ()),  # one is no choice
        (["yes", "no", "yes", "no"], ()),  # too few rows to be sure
        ([f"class {i}" for i in range(30)] * 10, ()),  # too many
        (["yes", "x" * 50] * 10, ()),  # too long
        (["yes", "it is so, I think"] * 10, ()),
        ([], ()),
    ],
)
def test_labels_are_recognised(references, labels):
    assert labels_of(references) == labels
