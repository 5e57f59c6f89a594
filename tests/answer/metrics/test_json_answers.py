import pytest

from studio.answer.metrics.json_answers import json_fields, json_valid


@pytest.mark.parametrize(
    ("text", "valid"), [("{}", 1), ("[1]", 1), ('{"a": NaN}', 0), ('{"a": 1} ok', 0), ("", 0), ("[" * 100_000, 0)]
)
def test_json_validity(text, valid):
    assert json_valid(text, "{}") == valid


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ('{"b": [1, 2], "a": "x"}', 1.0),
        ('{"a": "x", "b": [2, 1]}', 0.5),
        ('{"a": "x", "b": [1, 2], "c": 0}', 1.0),
        ('["a"]', 0.0),
        ("{", 0.0),
    ],
)
def test_json_fields(answer, share):
    assert json_fields(answer, '{"a": "x", "b": [1, 2]}') == share


@pytest.mark.parametrize("right", ['{"a": true}', '{"a": [true]}', '{"a": {"b": true}}'])
def test_true_is_not_one_however_deep(right):
    assert json_fields(right, right) == 1
    assert json_fields(right.replace("true", "1"), right) == 0
