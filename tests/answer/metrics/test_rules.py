import json
import time

import pytest

import studio.answer.metrics.rules as limits
from studio.answer.evaluation.request import Rule
from studio.answer.metrics.metric import Said, Traits
from studio.answer.metrics.rules import problems, rule_metrics, title_of
from studio.errors import StudioError
from tests.answer.metrics.rows import rows_of

SCHEMA = '{"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}}}'


def kept(rule, answers):
    (metric,) = rule_metrics([rule])
    found = metric.statistics(Said(rows_of(answers, answers, answers), "base", Traits(number=len(answers))))
    return [None if value != value else value for value in found[:, 0].tolist()]


def test_a_regular_expression_is_looked_for_in_the_whole_answer():
    assert kept(Rule(kind="regex", text=r"^\d+$"), ["12", "a 12", "12\nb"]) == [1, 0, 0]
    assert kept(Rule(kind="regex", text=r"\d", inverted=True), ["12", "none"]) == [0, 1]


def test_a_text_is_found_whatever_its_case():
    assert kept(Rule(kind="contains", text="Oyez"), ["OYEZ, oyez", "hello"]) == [1, 0]


def test_a_json_schema_is_kept():
    answers = ['{"name": "Ada"}', '{"name": "ada"}', '{"nom": "Ada"}', '["Ada"]', "Ada"]
    assert kept(Rule(kind="json-schema", text=SCHEMA), answers) == [1, 0, 0, 0, 0]


HANGING = [
    Rule(kind="regex", text=r"^(\w+\s?)*$"),
    Rule(kind="regex", text="(a|a)*$"),
    Rule(kind="json-schema", text='{"pattern": "^(a|aa)+$"}'),
    Rule(
        kind="json-schema",
        text='{"$defs": {"a0": {}, '
        + ", ".join(
            f'"a{i}": {{"allOf": [{{"$ref": "#/$defs/a{i - 1}"}}, {{"$ref": "#/$defs/a{i - 1}"}}]}}'
            for i in range(1, 40)
        )
        + '}, "$ref": "#/$defs/a39"}',
    ),
]


@pytest.mark.parametrize("rule", HANGING, ids=range(len(HANGING)))
def test_no_rule_can_hang_the_process(rule, monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.2)
    answer = "a" * 60 + "!"
    answers = [f'"{answer}"' if rule.kind == "json-schema" else answer, '"b"']
    began = time.process_time()
    found = kept(rule, answers * 50)
    assert time.process_time() - began < 20, "the limits of time are not kept"
    assert set(found[::2]) <= {None, 0.0, 1.0}


def test_a_schema_that_leads_nowhere_or_to_itself_judges_nothing():
    assert kept(Rule(kind="json-schema", text='{"$ref": "#/nope"}'), ["1"]) == [None]
    assert kept(Rule(kind="json-schema", text='{"$ref": "#"}'), ["1"]) == [None]


def test_all_problems_are_said_at_once():
    rules = [
        Rule(kind="regex", text="(", title="First"),
        Rule(kind="contains", text="  "),
        Rule(kind="regex", text="fine"),
        Rule(kind="json-schema", text="[1]"),
        Rule(kind="json-schema", text='{"type": "thing"}'),
        Rule(kind="json-schema", text='{"$ref": "https://example.org/schema"}'),
        Rule(kind="json-schema", text='{"items": {"pattern": "("}}'),
        Rule(kind="json-schema", text='{"patternProperties": {"a": {}}}'),
    ]
    found = problems(rules)
    assert [each.split(" ")[1] for each in found] == ["1", "2", "4", "5", "6", "7", "8"]
    assert found[0].startswith("Rule 1 ('First') is no regular expression: ")
    with pytest.raises(StudioError) as caught:
        rule_metrics(rules)
    assert list(caught.value.problems) == found
    assert problems([rules[2]] * 21) == ["There are 21 rules, and at most 20 are checked. Remove some."]


@pytest.mark.parametrize("text", ["((a{1000}){1000}){10}", "(((a{99}){99}){99}){99}", f"a{{{'9' * 5000}}}", "a" * 2001])
def test_a_regular_expression_that_would_fill_the_memory_is_not_even_compiled(text):
    assert problems([Rule(kind="regex", text=text)])
    assert problems([Rule(kind="json-schema", text=json.dumps({"items": {"pattern": text}}))])


def test_a_rule_is_named_by_what_it_asks():
    assert title_of(Rule(kind="contains", text="Oyez", inverted=True)) == "Not: Contains 'Oyez'"
    assert title_of(Rule(kind="json-schema", text=SCHEMA)) == "Fits the schema"
    assert title_of(Rule(kind="regex", text="x", title="Mine")) == "Mine"
