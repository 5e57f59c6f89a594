import pytest

from studio.answer.metrics.own import check, with_own
from studio.errors import StudioError
from tests.answer.metrics.rows import rows_of


@pytest.fixture
def metric(tmp_path):
    def written(code):
        file = tmp_path / "mine.py"
        file.write_text(code, "utf-8")
        return file

    return written


def test_each_answer_gets_its_value(metric):
    file = metric(
        "def score(answers, references):\n    return [len(a) - len(r) for a, r in zip(answers, references)]\n"
    )
    rows = with_own(rows_of(["ab", "c"], ["abc", None], ["a", "cde"]), file)
    assert [row.own for row in rows] == [{"base": 1.0, "tuned": -1.0}, {"tuned": 2.0}]
    check(file)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def score(:", r"cannot be loaded: SyntaxError"),
        ("import nothing_like_this", r"cannot be loaded: ModuleNotFoundError.*line 1 of mine.py"),
        ("x = 1", "has no function named score. Write: def score"),
        ("def score(a, r):\n    return 1 / 0", r"failed: ZeroDivisionError: division by zero \(line 2 of mine.py\)"),
        ("def score(a, r):\n    return [1.0, 2.0]", "returned 2 numbers for 1 answer. Return one"),
        ("def score(a, r):\n    return ['x']", "failed: ValueError"),
        ("def score(a, r):\n    return None", "failed: TypeError"),
        ("def score(a, r):\n    return [float('nan')]", "returned nan for answer 1"),
    ],
)
def test_what_is_wrong_with_it_is_said(metric, code, said):
    with pytest.raises(StudioError, match=said):
        check(metric(code))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(StudioError, match=r"is no file. Give the path of a Python file"):
        check(tmp_path / "none.py")
    (tmp_path / "mine.txt").write_text("def score(a, r): return []")
    with pytest.raises(StudioError, match=r"its name must end in .py"):
        check(tmp_path / "mine.txt")
