"""A Hub dataset on the page, with a stand-in for the Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.data.hub.place import HubPlace
from studio.data.part import DataPart, Reading
from studio.errors import StudioError
from studio.ui.data import hub as data_hub
from studio.ui.data.hub import HubFields, fetch, look_up, splits
from tests.ui.data.room import studio_in

FOUND = {"main": ("test", "train"), "socratic": ("train",)}


@pytest.fixture
def fields() -> Iterator[HubFields]:
    with gr.Blocks():
        yield data_hub._draw()


def test_a_dataset_is_looked_up(fields: HubFields, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[HubPlace] = []

    def choices(place: HubPlace, stopped: Any) -> dict[str, tuple[str, ...]]:
        asked.append(place)
        return FOUND

    monkeypatch.setattr(data_hub, "choices", choices)
    *_, last = look_up(fields, {fields.name: " openai/gsm8k "})
    assert asked == [HubPlace("openai/gsm8k")]
    assert "2 subsets" in last[fields.status]
    assert last[fields.subset]["choices"] == ["main", "socratic"]
    assert last[fields.split]["value"] == "train", "what is learned from comes first"
    assert last[fields.chosen]["visible"]


def test_what_is_no_dataset_is_said_to_be_none(fields: HubFields) -> None:
    for name in ("", "gsm8k", "../../etc/passwd", "a/b/c/d"):
        *_, last = look_up(fields, {fields.name: name})
        assert "note-error" in last[fields.status]
        assert fields.found not in last


def test_a_fetched_dataset_is_the_part(fields: HubFields, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[HubPlace] = []

    def fetched(place: HubPlace, uploads: Path, tell: Any, stopped: Any) -> Path:
        asked.append(place)
        return uploads / "rows.parquet"

    monkeypatch.setattr(data_hub, "fetched", fetched)
    values = {fields.name: "openai/gsm8k", fields.subset: "main", fields.split: "train", fields.most: 100}
    with gr.Blocks():
        data = gr.State(DataPart())
    *_, last = fetch(studio_in(tmp_path), fields, data, values | {data: DataPart(path="old.csv", split_seed=3)})
    assert asked == [HubPlace("openai/gsm8k", "", "main", "train[:100]")]
    reading = Reading(subset="main", split="train[:100]")
    assert last[data] == DataPart(path="hf://datasets/openai/gsm8k", reading=reading, split_seed=3)
    assert not last[fields.cancel]["visible"]


def test_a_refusal_of_the_hub_keeps_the_data(
    fields: HubFields, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fetched(*_: Any) -> Path:
        raise StudioError("<b>gated</b>")

    monkeypatch.setattr(data_hub, "fetched", fetched)
    values = {fields.name: "a/b", fields.subset: None, fields.split: None, fields.most: None}
    with gr.Blocks():
        data = gr.State(DataPart())
    *_, last = fetch(studio_in(tmp_path), fields, data, values | {data: DataPart()})
    assert "&lt;b&gt;gated" in last[fields.status]
    assert data not in last


def test_another_subset_has_its_own_splits() -> None:
    assert splits("socratic", FOUND)["choices"] == ["train"]
    assert splits(None, FOUND)["choices"] == []
