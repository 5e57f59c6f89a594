""" "What is this?": every option says what it is, in plain words, and every drawing that it names is there."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import gradio as gr
import pytest
from pydantic import BaseModel

from studio.knob import Knob, knob, knobs
from studio.recipe.methods.every import METHODS
from studio.recipe.tasks import TASKS
from studio.recipe.training import TrainingPart
from studio.ui.form import Form
from studio.ui.what import PICTURES, build, picture, what_html

KINDS: list[type[BaseModel]] = [*METHODS, *TASKS, TrainingPart]
KNOBS = [pytest.param(each, id=f"{kind.__name__}.{each.name}") for kind in KINDS for each in knobs(kind)]
DRAWINGS = sorted(PICTURES.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


class Options(BaseModel):
    told: int = knob(1, "What it does.", label="Told <b>", bounds=(0, 5), what="One.\nTwo & three.", picture="rank")
    untold: int = knob(1, "What it does.", label="Untold", bounds=(0, 5))


@pytest.mark.parametrize("option", KNOBS)
def test_every_option_says_what_it_is(option: Knob) -> None:
    sentences = re.findall(r"[.?!](?:\s|$)", option.what)
    assert 2 <= len(sentences) <= 7, f"{len(sentences)} sentences: {option.what!r}"
    assert not option.picture or (PICTURES / f"{option.picture}.svg").is_file()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_speaks_and_follows_the_theme(path: Path) -> None:
    drawing = ElementTree.parse(path).getroot()
    assert drawing.tag == f"{SVG}svg"
    assert drawing.get("role") == "img"
    for tag in ("title", "desc"):
        said = drawing.find(f"{SVG}{tag}")
        assert said is not None
        assert len(said.text or "") > 10
    text = path.read_text("utf-8")
    assert "currentColor" in text
    assert not re.search(r"(black|white|#000|#fff)", text)
    assert "id=" not in text, "the same drawing may be on the page twice"
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]


def test_the_answer_is_escaped_named_after_its_field_and_drawn() -> None:
    told, _ = knobs(Options)
    html = what_html(told)
    assert "<p>Two &amp; three.</p>" in html
    assert "Told &lt;b&gt;" in html
    assert "<svg" in html
    assert picture("rank") in html
    assert picture("no such drawing") == ""


def test_only_a_field_that_says_what_it_is_gets_the_question() -> None:
    with gr.Blocks():
        form = Form(Options, "test")
        answers = build(form.asked).value
    assert list(form.asked) == ["test-told"]
    assert answers.count("<template") == answers.count("What is this?") == 1
    assert 'data-for="test-told"' in answers
