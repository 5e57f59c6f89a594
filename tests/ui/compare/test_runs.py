"""Which runs are offered as panes."""

from __future__ import annotations

from studio.run.directory import list_runs
from studio.ui.compare.runs import Answering
from tests.prepared_runs import prepare_run


def answering(home) -> Answering:
    return Answering(lambda: [(run, run.status()) for run in list_runs(home)[::-1]])


def test_finished_and_stopped_runs_with_a_result_are_offered(home):
    fox = prepare_run(home, "amber-fox")
    prepare_run(home, "grey-owl", {"method.name": "prompt-tuning"}, kind="stopped")
    prepare_run(home, "red-newt", kind=None)
    for step in (10, 2):
        (fox.path / "checkpoints" / f"checkpoint-{step}").mkdir(parents=True)
    found = {line["name"]: line for line in answering(home).look()}
    assert set(found) == {"amber-fox", "grey-owl"}
    assert found["amber-fox"]["checkpoints"] == ["checkpoint-2", "checkpoint-10"]
    assert (found["amber-fox"]["dial"], found["amber-fox"]["no_dial"], found["amber-fox"]["writes"]) == (True, "", True)
    assert found["grey-owl"]["dial"] is False
    assert "soft prompt" in found["grey-owl"]["no_dial"]
    assert found["grey-owl"]["status"] == "stopped"


def test_a_damaged_recipe_hides_its_run_only(home):
    prepare_run(home, "amber-fox")
    (prepare_run(home, "grey-owl").path / "recipe.yaml").write_text("method: {name: sorcery}\n")
    assert [line["name"] for line in answering(home).look()] == ["amber-fox"]


def test_a_recipe_is_read_again_only_when_it_changed(home, monkeypatch):
    run = prepare_run(home, "amber-fox")
    looks = answering(home)
    assert looks.look()[0]["checkpoints"] == []
    monkeypatch.setattr("studio.run.directory.load_recipe", lambda path: 1 / 0)
    assert looks.look()[0]["method"] == "LoRA"
    monkeypatch.undo()
    (run.path / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    assert looks.look()[0]["checkpoints"] == ["checkpoint-2"]
