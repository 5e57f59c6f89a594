"""The compare room as a person uses it. The answers are made up here, so that no model is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOX, OWL = "2026-11-20-amber-fox", "2026-11-20-grey-owl"
SAID = {"base": ["It", " is", " blue", "."], "tuned": ["It", " is", " <b>green</b>", "."]}
ALIKE = ["Just", " so", "."]


@dataclass
class Answers:
    """What the studio would answer, and what it was asked."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""

    def __call__(self, route: Route) -> None:
        question = route.request.post_data_json
        self.asked.append(question)
        if self.error:
            route.fulfill(status=409, json={"error": self.error})
            return
        pieces = {pane: [[text, 0.75, [[" red", 0.2]]] for text in SAID.get(pane, ALIKE)] for pane in question["panes"]}
        texts = {pane: "".join(SAID.get(pane, ALIKE)) for pane in question["panes"]}
        measure = {"prompt_tokens": 9, "tokens": 4, "first": 0.25, "seconds": 1.25, "ended": "end"}
        lines = [
            {"kind": "note", "note": "Loading the base model starter ..."},
            *({"kind": "said", "pieces": {pane: [each] for pane, said in pieces.items() for each in said[at : at + 1]}}
              for at in range(4)),
            {"kind": "done", "texts": texts, "measures": dict.fromkeys(texts, measure), "differences": []},
        ]  # fmt: skip
        route.fulfill(body="".join(json.dumps(line) + "\n" for line in lines), content_type="application/x-ndjson")


@pytest.fixture
def answers(watched: Watched) -> Answers:
    answers = Answers()
    watched.page.route("**/studio/compare/ask", answers)
    watched.page.route("**/studio/compare/warm", lambda route: route.fulfill(json={}))
    return answers


def roles(question: dict[str, Any], pane: str) -> list[str]:
    return [f"{message['role']}: {message['content']}" for message in question["panes"][pane]["messages"]]


def test_panes_answer_side_by_side_and_are_told_apart(
    studio: RunningStudio, watched: Watched, answers: Answers
) -> None:
    prepare_run(studio.home, OWL)
    fox = prepare_run(studio.home, FOX, began=1_763_100_000.0)
    (fox.path / "data" / "train.jsonl").write_text('{"row": 5, "prompt": "Colour 9?", "completion": "white"}\n')
    (fox.path / "checkpoints" / "checkpoint-2").mkdir(parents=True)
    page = watched.page
    reopen(watched)
    prompt, status = page.get_by_role("textbox", name="Prompt", exact=True), page.locator("#compare-status")
    page.get_by_label("Tuned run").select_option(FOX)
    expect(prompt).to_have_value("Colour 1?")
    expect(page.locator("#reference")).to_contain_text("Reference answer: green")
    expect(page.locator("#compare-fair")).to_contain_text("same template")
    base, tuned = (page.get_by_role("log", name=f"{name}: conversation") for name in ("Base", "Tuned"))

    prompt.press("Enter")
    expect(base.locator(".compare-said")).to_have_text("It is blue.")
    expect(tuned.locator(".compare-said")).to_have_text("It is <b>green</b>.")
    expect(tuned.locator(".compare-figures")).to_contain_text(
        "first token 0.25 s · 3.0 tokens/s · 4 tokens · ended by itself"
    )
    expect(base.locator(".compare-differs")).to_have_text("blue")
    expect(page.locator(".compare-parting")).to_contain_text("Base and Tuned part ways at token 3, after “It is”")
    expect(prompt).to_have_value("")
    assert set(answers.asked[0]["panes"]) == {"base", "tuned"}
    assert answers.asked[0]["panes"]["base"]["voice"] == {"run": FOX, "part": "base", "strength": 1}

    page.get_by_label("Confidence").check()
    base.locator(".compare-token", has_text="blue").hover()
    expect(page.locator(".compare-tip")).to_contain_text("75 %“ red”20 %")

    dial = page.get_by_role("slider", name="Strength of Tuned")
    dial.focus()
    page.keyboard.press("ArrowLeft")
    expect(tuned.locator(".compare-figures")).to_contain_text("strength 0.95")
    expect(dial).to_be_focused()
    assert {pane: each["voice"]["strength"] for pane, each in answers.asked[-1]["panes"].items()} == {"tuned": 0.95}
    expect(page.locator("#compare-fair")).to_contain_text("Tuned: strength 0.95.")

    page.get_by_role("button", name="Add a pane").click()
    adding = page.get_by_role("group", name="Add a pane")
    adding.get_by_role("button", name="Add base with examples").press("Enter")
    expect(page.get_by_role("button", name="Add a pane")).to_be_focused()
    few = page.get_by_role("log", name="Base + 1 example: conversation")
    expect(few.locator(".compare-said")).to_have_text("Just so.")
    (pane,) = answers.asked[-1]["panes"]
    assert roles(answers.asked[-1], pane) == ["user: Colour 9?", "assistant: white", "user: Colour 1?"]

    prompt.fill("And now?")
    prompt.press("Shift+Enter")
    expect(prompt).to_have_value("And now?\n")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(base.locator(".compare-said")).to_have_count(2)
    assert roles(answers.asked[-1], "tuned")[1] == "assistant: It is <b>green</b>."

    answers.error = "A run is training and has the GPU."
    prompt.fill("Still there?")
    prompt.press("Enter")
    expect(status).to_contain_text("has the GPU")
    expect(prompt).to_have_value("Still there?")
    expect(base.locator(".compare-said")).to_have_count(2)
    watched.errors.clear()  # the browser notes the refusal
    answers.error = ""

    page.get_by_role("button", name="Edit question 1").click()
    edit = page.get_by_role("textbox", name="Question 1")
    edit.fill("Colour 2?")
    edit.press("Enter")
    expect(prompt).to_be_focused()
    expect(base.locator(".compare-said")).to_have_count(1)
    assert roles(answers.asked[-1], "base") == ["user: Colour 2?"]

    reopen(watched)
    expect(base.locator(".compare-said")).to_have_text("It is blue.")
    expect(prompt).to_have_value("Still there?")
    expect(dial).to_have_value("0.95")
    assert exported(page.get_by_role("button", name="Export")) == [
        ("Base", ["Colour 2?", "It is blue."], "base", 1),
        ("Tuned", ["Colour 2?", "It is <b>green</b>."], "result", 0.95),
        ("Base + 1 example", ["Colour 9?", "white", "Colour 2?", "Just so."], "base", 1),
    ]

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Drop Base + 1 example").click()
    expect(page.locator(".compare-pane")).to_have_count(2)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".compare-said")).to_have_count(0)


def reopen(watched: Watched) -> None:
    """Reload the page. What was under way then breaks off, which gradio notes as errors."""
    assert watched.errors == []
    watched.page.reload()
    watched.page.get_by_role("tab", name="Compare", exact=True).click()
    expect(watched.page.locator("#compare-run")).to_be_enabled()
    watched.errors.clear()


def exported(button: Locator) -> list[tuple[str, list[str], str, float]]:
    """The conversations as they are downloaded: pane, what was said, part of the run, strength."""
    with button.page.expect_download() as download:
        button.click()
    lines = [json.loads(line) for line in download.value.path().read_text("utf-8").splitlines()]
    return [
        (each["pane"], [said["content"] for said in each["messages"]], each["voice"]["part"], each["voice"]["strength"])
        for each in lines
    ]
