"""What the room takes from the page: the data and the base of the next run."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from studio.answer.evaluation.folder import baselines
from studio.data.part import DataPart
from studio.errors import StudioError
from studio.ui.evaluate.tab import NO_DATA, ask_base, look

DATA, MODEL, ROOM = "data", "model", "room"


@pytest.fixture
def page(studio: Any, make_recipe: Any) -> Any:
    """`page(recipe changes)`: studio, draft and values as the page hands them to a handler."""
    studio.desk = SimpleNamespace(prepare=lambda part: None)

    def of(changes: dict[str, object] | None = None) -> tuple[Any, Any, dict[Any, Any]]:
        recipe = make_recipe(changes)
        draft = SimpleNamespace(data=DATA, model=MODEL, recipe=lambda values: recipe)
        return studio, draft, {DATA: recipe.data, MODEL: recipe.model.id}

    return of


def told(updates: dict[Any, Any], name: str) -> Any:
    return json.loads(updates[ROOM][name])


def test_the_base_is_asked_once_however_often_it_is_pressed(page, home):
    studio, draft, values = page()
    first, second = (told(ask_base(studio, draft, ROOM, values), "begun") for _ in range(2))
    assert (first["again"], second["again"]) == (False, True)
    assert [each.id for each in baselines(home)] == [first["id"]] == [second["id"]]
    assert first["at"] != second["at"]  # news both times
    assert [each.name for each in baselines(home)[0].request.contestants] == ["base", "few-shot"]


def test_without_data_it_says_where_to_go_and_begins_nothing(page, home):
    studio, draft, values = page()
    values[DATA] = DataPart()
    assert told(look(draft, ROOM, values), "draft")["problem"] == NO_DATA
    assert told(ask_base(studio, draft, ROOM, values), "begun")["error"] == NO_DATA
    assert baselines(home) == []


def test_without_held_out_rows_it_says_what_to_set(page, home):
    studio, draft, values = page({"data.held_out_share": 0.0})
    assert "held-out share" in told(ask_base(studio, draft, ROOM, values), "begun")["error"]
    assert baselines(home) == []


def test_every_problem_of_the_recipe_is_said(page):
    studio, draft, values = page()

    def refuse(_: Any) -> Any:
        raise StudioError("One thing.", "Another thing.")

    draft.recipe = refuse
    assert told(ask_base(studio, draft, ROOM, values), "begun")["error"] == "One thing.\nAnother thing."


def test_the_room_names_whom_it_would_ask_what(page):
    _, draft, values = page()
    now = told(look(draft, ROOM, values), "draft")
    assert (now["data"], now["problem"]) == ("colours.csv", "")
    assert now["model"].endswith("tiny-base")
