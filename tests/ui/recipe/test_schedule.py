"""The drawing of the schedule: its words, its marks and its size."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from studio.data.part import DataPart
from studio.recipe.recipe import Recipe, TrainingPart
from studio.run.schedule import rates
from studio.ui.recipe import schedule


def drawn(rows: int, tokens: int = 0, **training: Any) -> tuple[str, dict[str, Any]]:
    """The sentence under the drawing, and its figure."""
    html = schedule.show(Recipe(training=TrainingPart(**training)), rows, tokens)
    says, figure = re.search(r"</strong> (.*?)</figcaption>.*data-figure=\"(.*?)\"", html, re.S).groups()
    return unescape(says), json.loads(unescape(figure))


def test_the_words_are_the_steps_of_this_data():
    says, figure = drawn(320, warmup=0.1)
    assert says == "120 steps: 12 of warm-up, 3 passes of 40 steps. Held-out loss at 0, 15, 30 … 120."
    curve, checks = figure["data"]
    assert (curve["x"], curve["y"]) == (list(range(1, 121)), rates(TrainingPart(warmup=0.1), 120))
    assert checks["x"] == list(range(0, 121, 15))
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == [40, 80]


def test_what_is_asked_for_is_said():
    says, figure = drawn(40, epochs=1, save_steps=2, early_stopping=3, schedule="reduce_lr_on_plateau")
    assert "Checkpoints at 2, 4." in says
    assert "It ends earlier after 3 checks" in says
    assert "halved whenever" in says
    assert "no warm-up" in says
    assert figure["data"][-1]["x"] == [2, 4]


def test_rows_that_are_packed_make_about_so_many_steps():
    assert drawn(400, 20_000, packing=True, batch_size=2, max_length=512)[0].startswith("About 60 steps")


def test_no_rows_held_out_means_no_checks():
    recipe = Recipe(data=DataPart(held_out_share=0))
    html = schedule.show(recipe, 40)
    assert "never measured" in html
    assert "Held-out checks" not in html


def test_without_rows_it_says_what_to_do():
    assert "Choose data" in schedule.show(Recipe(), 0)


@pytest.mark.parametrize("steps", [1, 2, 99_999])
def test_a_drawing_stays_small(steps):
    html = schedule.show(Recipe(training=TrainingPart(max_steps=steps, save_steps=1, evaluations=100)), 7)
    assert len(html) < 40_000
