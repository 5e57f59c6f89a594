"""The blind vote as a person casts it, by keys alone. The answers are made up here, so that no model is loaded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from studio.answer.voice import Voice
from studio.answer.votes.kept import add_vote, read_votes
from studio.run.directory import Run
from tests.answer.votes.casting import cast
from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOX = "2026-11-20-amber-fox"
HOSTILE = '<img src=x onerror="window.hacked = true">'
BASE, TUNED = Voice.of_run(FOX, "base"), Voice.of_run(FOX)
CHOICES: dict[str, Any] = {"1": "first", "2": "second", "tie": "tie", "bad": "bad"}


class Rounds:
    """What the studio would answer; the tuned one is always shown first here, and what was asked is kept."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.asked: list[dict[str, Any]] = []

    def ask(self, route: Route) -> None:
        self.asked.append(route.request.post_data_json)
        prompt = [{"role": "user", "content": f"Colour {len(self.asked)}? {HOSTILE}"}]
        done = {"ballot": f"b{len(self.asked)}", "answers": [f"green {HOSTILE}", "red"]}
        lines = [
            {"kind": "prompt", "messages": prompt, "row": len(self.asked), "left": 3},
            {"kind": "answering", "tokens": 4},
            {"kind": "done", **(done if len(self.asked) != 3 else {"same": "blue", "reference": "sky"})},
        ]
        route.fulfill(body="".join(json.dumps(line) + "\n" for line in lines), content_type="application/x-ndjson")

    def vote(self, route: Route) -> None:
        sent = route.request.post_data_json
        if sent["ballot"] == "b4":
            route.fulfill(status=410, json={"error": "This ballot is gone. Go on with the next prompt.", "gone": True})
            return
        vote = cast(CHOICES[sent["choice"]], voices=(TUNED, BASE))
        add_vote(self.run, vote)
        names = ["tuned", "base"]
        route.fulfill(json={"vote": vote.id, "names": names, "choice": sent["choice"], "reference": "like grass"})


def test_votes_are_cast_by_keys_and_names_come_after(watched: Watched, studio: RunningStudio) -> None:
    run = prepare_run(studio.home, FOX)
    page, rounds = watched.page, Rounds(run)
    page.route("**/studio/blind/ask", rounds.ask)
    page.route("**/studio/blind/vote", rounds.vote)
    page.route("**/studio/compare/warm", lambda route: route.fulfill(json={}))
    page.get_by_role("tab", name="Compare", exact=True).click()
    page.get_by_role("tab", name="Blind vote", exact=True).click()
    room = page.locator("#blind")
    expect(room.locator(".blind-verdict")).to_contain_text("No clear votes yet")
    room.get_by_role("button", name="Ask both").focus()
    page.keyboard.press("Enter")
    answers = room.get_by_role("region", name="Answer")
    expect(answers.nth(0)).to_have_text(f"green {HOSTILE}")
    assert rounds.asked[0]["voices"] == [{"run": FOX, "part": "base"}, {"run": FOX, "part": "result", "strength": 1}]
    cards = room.locator(".blind-pair")
    plain = cards.evaluate("each => each.outerHTML.replace(/green[^<]*|red|Answer \\d/g, '')")
    halves = plain.split("<article")[1:]
    assert halves[0].split("</article>")[0] == halves[1].split("</article>")[0], "the cards differ in nothing else"
    assert "tuned" not in plain
    assert "base" not in plain

    page.keyboard.press("1")
    expect(cards.locator(".blind-name").nth(0)).to_have_text("tuned")
    expect(room.get_by_role("status")).to_have_text("You chose tuned over base.")
    expect(room.locator(".blind-reference")).to_contain_text("like grass")
    expect(room.locator(".blind-verdict h4")).to_contain_text("tuned wins 1 to 0, 95 % interval")
    expect(room.locator(".blind-verdict")).not_to_contain_text("null")

    page.keyboard.press("Enter")
    expect(room.get_by_role("button", name="Both answers are bad")).to_be_visible()
    expect(cards.locator(".blind-name").nth(0)).to_have_text("")
    page.keyboard.press("b")
    expect(room.locator(".blind-verdict")).to_contain_text("Beside these: 1 both bad.")
    page.keyboard.press("u")
    expect(room.locator(".blind-verdict")).not_to_contain_text("both bad")
    assert [vote.choice for vote in read_votes(run)] == ["first"]

    page.keyboard.press("Enter")
    expect(room.get_by_role("status")).to_have_text("Both said the same. This counts as a tie.")
    page.keyboard.press("Enter")
    expect(answers.nth(1)).to_have_text("red")
    page.keyboard.press("2")
    expect(room.get_by_role("status")).to_contain_text("This ballot is gone")
    assert "410 (Gone)" in watched.errors.pop(), "the browser's own note of it"

    room.get_by_label("I type the prompts").check()
    room.get_by_label("Prompt to both").fill("What now?")
    page.keyboard.press("Enter")
    expect(room.get_by_role("button", name="Answer 2 is better")).to_be_visible()
    assert rounds.asked[-1]["prompt"] == "What now?"
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    room.get_by_role("button", name="Answer 2 is better").click()
    expect(room.locator(".blind-verdict h4")).to_contain_text("Level, 1 to 1")
    room.get_by_role("button", name="Tune on these votes").click()
    expect(page.get_by_role("tab", name="Recipe", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.locator(".cm-content").first).to_contain_text("name: direct-preference")
    assert page.evaluate("window.hacked") is None
