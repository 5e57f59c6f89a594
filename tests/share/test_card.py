import json

import yaml
from huggingface_hub import ModelCard

from studio.share.naming import PublicBase
from studio.share.readme import Kept, readme
from tests.prepared_runs import prepare_run
from tests.share.evaluated import evaluated
from tests.share.report.test_page import HOSTILE, rows

BASE = PublicBase("owner/base", "<https://huggingface.co/owner/base>", on_hub=True)


def test_scores_are_the_hubs_metadata_with_n_and_interval(home):
    run = prepare_run(home, "2026-11-22-amber-fox")
    evaluated(run, rows(30))
    card = ModelCard(readme(Kept.of(run, BASE)))
    assert (card.data.library_name, card.data.base_model) == ("peft", "owner/base")
    figures = {each.metric_type: each for each in card.data.eval_results}
    exact = figures["exact_match"]
    assert exact.metric_name == "Exact match (n = 29)"
    assert exact.metric_args["n"] == exact.dataset_args["rows"] == 29
    low, high = exact.metric_args["interval_95"]
    assert low < exact.metric_value < high
    assert exact.metric_value > exact.metric_args["base"] > 0.4
    assert "length" not in figures
    assert "29 rows" in card.text
    assert "| Exact match |" in card.text


def test_without_scores_it_is_as_plain_as_before(home):
    run = prepare_run(home, "2026-11-22-amber-fox")
    text = readme(Kept.of(run, BASE))
    front = yaml.safe_load(text.split("---")[1])
    assert front == {"library_name": "peft", "base_model": "owner/base"}
    assert "## Scores" not in text
    assert "18 trained on, 1 held out" in text


def test_hostile_names_stay_in_their_line(home):
    run = prepare_run(home, "2026-11-22-amber-fox")
    source = json.loads((run.path / "data" / "source.json").read_text())
    (run.path / "data" / "source.json").write_text(json.dumps(source | {"name": f"a\n---\n# b | c {HOSTILE}"}))
    evaluated(run, rows(30))
    text = readme(Kept.of(run, BASE))
    assert "\n# b" not in text
    assert "<script>" not in text.partition("\n---\n")[2]
    assert yaml.safe_load(text.split("\n---\n")[0].removeprefix("---\n"))["library_name"] == "peft"


def test_damaged_notes_on_the_rows_do_not_keep_a_result_here(home):
    run = prepare_run(home, "2026-11-22-amber-fox")
    (run.path / "data" / "source.json").write_text("{")
    assert "## Training data" not in readme(Kept.of(run, BASE))
