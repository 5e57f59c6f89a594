"""`score` and `baseline`: what is asked for, what is printed, and that an evaluation is gone on with."""

from __future__ import annotations

import json
import shutil

import pytest

from studio.__main__ import main
from studio.answer.evaluation.folder import baselines, evaluations_of
from studio.cli import evaluations as verbs
from studio.cli.evaluations import rule_of
from studio.errors import StudioError
from studio.run.directory import Run, Status
from tests.answer.evaluation.conftest import do
from tests.tiny_run import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_base) -> Run:
    return make_run(tmp_path_factory.mktemp("runs") / "made", tiny_base)


@pytest.fixture
def call(home, run, monkeypatch, capsys):
    """`call("--limit", "3")`: the status and what was printed; the evaluation is done in this process."""
    shutil.copytree(run.path, home.runs / "amber-fox")
    monkeypatch.setattr(verbs, "see_through", lambda evaluation, tell: do(evaluation, may_execute=True))

    def one(*options: str, verb: tuple[str, ...] = ("score", "amber-fox")) -> tuple[int, str, str]:
        status = main([*verb, *options, "--home", str(home.root)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return one


def test_scores_as_json_hold_what_the_design_says(call, home):
    status, printed, _ = call("--json", "--limit", "3", "--rule", "not-contains:zebra")
    told = json.loads(printed)
    assert (status, told["n"]) == (0, 3)
    assert set(told["scores"]) == set(told["intervals"]) == {"base", "tuned"}
    low, high = told["intervals"]["tuned"]["exact_match"]
    assert low <= told["scores"]["tuned"]["exact_match"] <= high
    assert set(told["differences"]) == {"tuned"}
    assert told["differences"]["tuned"]["exact_match"]["verdict"] in {"better", "worse", "cannot tell"}
    assert any("zebra" in rule.text for rule in evaluations_of(Run(home.runs / "amber-fox"))[0].request.rules)


def test_scores_as_a_table(call):
    status, printed, _ = call("--limit", "3", "--few-shot", "2")
    assert status == 0
    assert "amber-fox: 3 rows" in printed
    assert "few-shot" in printed.splitlines()[2]
    assert "Exact match" in printed


def test_the_same_command_goes_on_with_what_was_begun(call, home, monkeypatch):
    see_through = verbs.see_through

    def interrupted(evaluation, tell):
        evaluation.cancel()
        raise KeyboardInterrupt

    monkeypatch.setattr(verbs, "see_through", interrupted)
    assert call("--limit", "3")[0] == 130
    (begun,) = evaluations_of(Run(home.runs / "amber-fox"))
    assert begun.status() is Status.CANCELLED
    monkeypatch.setattr(verbs, "see_through", see_through)
    assert call("--limit", "2")[0] == 0, "another question is another evaluation"
    status, _, said = call("--limit", "3")
    assert (status, f"Going on with {begun.id}" in said, begun.status()) == (0, True, Status.FINISHED)
    assert len(evaluations_of(Run(home.runs / "amber-fox"))) == 2


def test_a_baseline_needs_no_run(call, home, tiny_base, pairs_file):
    recipe = ("baseline", "starter", "--model", str(tiny_base), "--data", str(pairs_file))
    options = ("--set", "data.held_out_path=", "--set", "data.held_out_share=0.25", "--limit", "2", "--json")
    status, printed, said = call(*options, verb=recipe)
    assert status == 0, said
    assert set(json.loads(printed)["scores"]) == {"base", "few-shot"}
    assert len(baselines(home)) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rule", "regex"), "KIND is one of regex, contains, json-schema"),
        (("--rule", "starts:a"), "KIND is one of"),
        (("--limit", "0"), "at least one row"),
        (("--judge", "http://localhost/v1"), "both --judge and --judge-model"),
        (("--own", "nothing.py"), "no such file"),
    ],
)
def test_what_is_asked_wrongly_is_said_and_nothing_is_begun(call, home, options, words):
    status, _, said = call(*options)
    assert (status, words in said) == (1, True), said
    assert evaluations_of(Run(home.runs / "amber-fox")) == []


def test_rules():
    rule = rule_of("not-regex:a:b")
    assert (rule.kind, rule.text, rule.inverted) == ("regex", "a:b", True)
    with pytest.raises(StudioError):
        rule_of("contains:")
