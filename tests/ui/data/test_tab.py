"""The Data tab as a whole: every section shows every kind of part, and nothing of a file is markup."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from studio.data.part import DataPart, Mapped
from studio.ui.data import tab as data_tab
from studio.ui.data.source import choose_sample
from studio.ui.data.tab import DataTab
from studio.ui.studio import Studio
from tests.ui.data.room import ROWS, named, studio_in, upload

VIEWS = ["What is wrong", "As the model sees it", "Rows", "Split and mix", "New rows", "Groups"]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = studio_in(tmp_path)
    yield studio
    studio.desk.close()


@pytest.fixture
def blocks() -> gr.Blocks:
    return gr.Blocks()


@pytest.fixture
def tab(studio: Studio, blocks: gr.Blocks) -> DataTab:
    with blocks:
        return data_tab.build(studio, gr.State(DataPart()), gr.State("starter"), gr.Number(256))


def test_the_views_come_in_the_order_of_the_work(tab: DataTab, blocks: gr.Blocks) -> None:
    assert [block.label for block in blocks.blocks.values() if isinstance(block, gr.Tab)] == VIEWS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", ROWS),
        ("header.csv", "prompt,completion\n"),
        ("odd.csv", "alpha,beta\n" + "a,b\nc,d\n" * 3),
        ("empty.csv", ""),
        ("broken.jsonl", '{"prompt": "a", "completion": "b"}\n{"prompt": \n'),
        ("book.txt", "One paragraph.\n\nAnother one.\n\nAnd a third."),
    ],
)
def test_every_file_is_shown_by_every_section(
    tab: DataTab, studio: Studio, tmp_path: Path, name: str, text: str
) -> None:
    shown = named(tab.outputs, tab.show(upload(studio, tmp_path, text, name), "starter"))
    assert name in shown["data-chosen"]


def test_nothing_chosen_is_shown_by_every_section(tab: DataTab) -> None:
    shown = named(tab.outputs, tab.show(DataPart(), "starter"))
    assert "Choose a sample" in shown["data-chosen"]
    assert shown["sample"] is None


def test_a_sample_is_shown_by_every_section(tab: DataTab) -> None:
    shown = named(tab.outputs, tab.show(choose_sample("tickets", DataPart()), "starter"))
    assert shown["sample"] == "tickets"
    assert "<b>120</b> held out" in shown["split-bar"]


def test_a_dataset_that_is_not_fetched_is_waited_for_by_nobody(tab: DataTab) -> None:
    shown = named(tab.outputs, tab.show(DataPart(path="hf://datasets/nobody/nothing"), "starter"))
    assert "being fetched" in shown["data-chosen"]


def test_hostile_names_and_cells_are_text(tab: DataTab, studio: Studio, tmp_path: Path) -> None:
    text = "prompt,completion,<b>x\n" + "".join(f"<i>{n},b,<u>c\n" for n in range(5))
    part = upload(studio, tmp_path, text, "<b>name.csv")
    part = part.model_copy(update={"mapped": Mapped(system_prompt="<b>you")})
    for component, value in zip(tab.outputs, tab.show(part, "<b>model"), strict=True):
        if isinstance(component, gr.HTML):
            html = str(value.get("value") if isinstance(value, dict) else value)
            assert not [mark for mark in ("<b>name", "<b>x", "<i>0", "<u>c", "<b>you", "<b>model") if mark in html]
