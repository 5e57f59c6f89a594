import pytest

from studio.answer import old_metrics as metrics
from studio.answer.old_metrics import METRICS


def one(metric, answer, reference):
    (value,) = metric([answer], [reference])
    return value


def test_every_metric_is_in_the_registry_once_and_cites_its_source():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.per_row.__doc__ for metric in METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_reference_itself_is_perfect_and_nothing_is_worthless(metric):
    reference = '{"name": "Ada", "size": 3}'
    assert one(metric.per_row, reference, reference) == pytest.approx(1.0)
    assert one(metric.per_row, "", reference) == 0.0


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_one_value_a_row(metric):
    assert len(metric.per_row(["a", "b", ""], ["a", "c", "d"])) == 3


def test_exact_match_forgives_only_spaces_around():
    assert one(metrics.exact_match, " Yes.\n", "Yes.") == 1
    assert one(metrics.exact_match, "yes.", "Yes.") == 0


def test_normalised_match_follows_squad():
    assert one(metrics.normalised_match, "The  Eiffel Tower!", "eiffel tower") == 1
    assert one(metrics.normalised_match, "Eiffel Towers", "eiffel tower") == 0


def test_token_f1_by_hand():
    assert one(metrics.token_f1, "blue red red", "red green") == pytest.approx(2 * 1 / 5)
    assert one(metrics.token_f1, "the", "a") == 1  # both empty after normalisation, as in SQuAD


def test_rouge_l_by_hand_and_in_other_scripts():
    # Lin 2004, section 3: "police killed the gunman" and "police kill the gunman" share a subsequence of 3 words.
    assert one(metrics.rouge_l, "police kill the gunman", "police killed the gunman") == pytest.approx(0.75)
    assert one(metrics.rouge_l, "привет мир", "привет мир") == 1


def test_chrf_agrees_with_sacrebleu():
    import sacrebleu

    expected = sacrebleu.sentence_chrf("The cat sat", ["The cat sat down"]).score / 100
    assert one(metrics.chrf, "The cat sat", "The cat sat down") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "valid"), [("{}", 1), ("[1]", 1), ('{"a": NaN}', 0), ('{"a": 1} ok', 0), ("", 0), ("[" * 100_000, 0)]
)
def test_json_validity(text, valid):
    assert one(metrics.json_valid, text, "{}") == valid


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
    assert one(metrics.json_fields, answer, '{"a": "x", "b": [1, 2]}') == share


def test_true_is_not_one():
    assert one(metrics.json_fields, '{"a": 1}', '{"a": true}') == 0


def test_json_is_judged_only_where_all_references_are_objects():
    json_metrics = {metric.name for metric in METRICS if not metric.fits(["{}", "plain"])}
    assert json_metrics == {"json_valid", "json_fields"}
    assert all(metric.fits(['{"a": 1}', "{}"]) for metric in METRICS)
