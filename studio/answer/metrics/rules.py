"""Checks that users write themselves: a regular expression, a piece of text or a JSON schema. Nothing is executed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

import regex

from studio.answer.evaluation.request import Rule
from studio.answer.metrics.json_answers import NOT_JSON, parsed
from studio.answer.metrics.metric import Metric, Said, Value, of_values
from studio.answer.metrics.pattern import pattern_problem
from studio.data.wording import quoted
from studio.errors import StudioError

SECONDS_A_TEXT, SECONDS = 0.05, 2.0  # for one answer, and for all answers of one contestant
MOST_RULES = 20
KINDS = {"regex": "Matches", "contains": "Contains", "json-schema": "Fits the schema"}

Check = Callable[[str], Value]


def problems(rules: Sequence[Rule]) -> list[str]:
    """All that is wrong with the rules, a sentence each with what to do; empty where they can be used."""
    found = [problem for place, rule in enumerate(rules, 1) if (problem := _problem(place, rule))]
    if len(rules) > MOST_RULES:
        found.append(f"There are {len(rules)} rules, and at most {MOST_RULES} are checked. Remove some.")
    return found


def rule_metrics(rules: Sequence[Rule]) -> list[Metric]:
    """A metric for each rule: the share of answers that keep it. They are named "rule_1", "rule_2" …

    Raises:
        StudioError: with all problems, where a rule cannot be used.
    """
    if found := problems(rules):
        raise StudioError(*found)
    return [_metric(place, rule) for place, rule in enumerate(rules, 1)]


def title_of(rule: Rule) -> str:
    """The rule's own title, or what it asks in words."""
    asked = "" if rule.kind == "json-schema" else f" {quoted(rule.text, 40)}"
    return rule.title.strip() or f"{'Not: ' if rule.inverted else ''}{KINDS[rule.kind]}{asked}"


def _metric(place: int, rule: Rule) -> Metric:
    check = _CHECKS[rule.kind](rule.text)

    def values(said: Said) -> list[Value]:
        end = time.monotonic() + SECONDS
        answers = [row.answers.get(said.contestant) for row in said.rows]
        return [_kept(check, answer, rule.inverted) if time.monotonic() < end else None for answer in answers]

    must = "must not" if rule.inverted else "must"
    what = {"regex": "match the regular expression", "contains": "contain the text", "json-schema": "fit the schema"}
    return Metric(
        f"rule_{place}",
        title_of(rule),
        f"Your rule: an answer {must} {what[rule.kind]} {quoted(rule.text)}. Share of answers that keep it; more is "
        "better. Answers that a regular expression takes too long on are left out.",
        "rules",
        of_values(values),
        hits=True,
    )


def _kept(check: Check, answer: str | None, inverted: bool) -> Value:
    holds = None if answer is None else check(answer)
    return None if holds is None else float(bool(holds) != inverted)


def _regex(text: str) -> Check:
    pattern = regex.compile(text)

    def check(answer: str) -> Value:
        try:
            return float(pattern.search(answer, timeout=SECONDS_A_TEXT) is not None)
        except TimeoutError:
            return None

    return check


def _contains(text: str) -> Check:
    return lambda answer: float(text.casefold() in answer.casefold())


def _json_schema(text: str) -> Check:
    from studio.answer.metrics.json_schema import Schema

    schema = Schema(json.loads(text), SECONDS_A_TEXT)
    return lambda answer: 0.0 if (said := parsed(answer)) is NOT_JSON else schema.fits(said)


_CHECKS: dict[str, Callable[[str], Check]] = {"regex": _regex, "contains": _contains, "json-schema": _json_schema}


def _problem(place: int, rule: Rule) -> str:
    where = f"Rule {place} ({quoted(rule.title or rule.text, 40)})"
    if rule.kind == "regex":
        found = pattern_problem(rule.text)
        return f"{where} {found}" if found else ""
    if rule.kind == "json-schema":
        return _schema_problem(where, rule.text)
    return "" if rule.text.strip() else f"{where} asks for blanks only. Write the text that an answer must contain."


def _schema_problem(where: str, text: str) -> str:
    from studio.answer.metrics.json_schema import schema_problem

    found = schema_problem(parsed(text))
    return f"{where} {found}" if found else ""
