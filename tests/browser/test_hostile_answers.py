"""Answers that would harm: shown as text in panes, tips, differences, the blind vote and what is taken away.

Nothing of them runs and nothing outside is asked for. The payloads are in hostile_answers.jsonl; what is made of them
on the studio's side (differences, lines) is made by its own code.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from studio.answer.chat import Told
from studio.answer.settings import Settings
from studio.answer.voice import Voice
from studio.answer.wire import Asked, Measure, Piece
from studio.ui.compare.telling import answer_lines
from tests.browser.conftest import RunningStudio, Watched
from tests.prepared_runs import prepare_run

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LINES = Path(__file__).with_name("hostile_answers.jsonl").read_text("utf-8").splitlines()
PAYLOADS: list[str] = [json.loads(line)["text"] for line in LINES]
RUN = "2026-11-20-amber-fox"
LIVE = 18  # payloads at least that run or ask outside where they are markup
HARMLESS = ["P", "UL", "LI", "SPAN", "I", "B"]
TIPS = """said => [...said.querySelectorAll(".compare-token")].map((token) => {
  token.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  const tip = document.querySelector(".compare-tip");
  return [tip.textContent, [...new Set(Array.from(tip.querySelectorAll("*"), ({ tagName }) => tagName))]];
})"""
HUGE = 1_000_000  # letters
UNPROTECTED = """payloads => {
  window.hits = [];
  const heard = "<script>Object.defineProperty(window, 'hacked', { set(v) { parent.hits.push(v) } })</" + "script>";
  Object.defineProperty(window, "hacked", { set(v) { window.hits.push(v) } });
  for (const text of payloads) {
    const frame = document.createElement("iframe");
    frame.srcdoc = `${heard}<body>${text}`;
    document.body.append(frame);
  }
}"""
ENDLESS = """() => {
  const real = window.fetch;
  window.endless = { lines: 0, pressed: 0, over: false };
  addEventListener("pointerdown", () => { window.endless.pressed = window.endless.lines; }, true);
  window.fetch = async (address, options) => {
    if (String(address).endsWith("compare/stop")) window.endless.over = true;
    if (!String(address).endsWith("compare/ask")) return real(address, options);
    const bytes = new TextEncoder(), pieces = Array.from({ length: 20 }, () => ["\\u202eno end ", 0.5, [["x", 0.1]]]);
    const said = { kind: "said", pieces: { base: pieces, tuned: pieces.slice(1) } };
    const measure = { prompt_tokens: 1, tokens: 5, first: 0.1, seconds: 1, ended: "stopped" };
    const both = (what) => ({ base: what, tuned: what });
    const done = { kind: "done", texts: both("no end"), measures: both(measure), differences: [] };
    return new Response(new ReadableStream({
      async pull(stream) {
        await new Promise((next) => setTimeout(next, 5));
        window.endless.lines += 1;
        stream.enqueue(bytes.encode(`${JSON.stringify(window.endless.over ? done : said)}\\n`));
        if (window.endless.over) stream.close();
      },
    }));
  };
}"""


class Hostile:
    """A chat host that says these tokens, the second pane in the opposite order, and a route that answers with it."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def ask(self, asked: Mapping[str, Asked], *_: Any) -> Iterator[Told]:
        said = {pane: self.tokens[:: -1 if place else 1] for place, pane in enumerate(asked)}
        texts = {pane: "".join(tokens) for pane, tokens in said.items()}
        others = [(token, 0.01) for token in self.tokens[:10]]
        yield Told(texts, {pane: [Piece(token, 0.3, others) for token in tokens] for pane, tokens in said.items()})
        yield Told(texts, measures={pane: Measure(9, len(tokens), 0.1, 0.2, "end") for pane, tokens in said.items()})

    def answer(self, route: Route) -> None:
        """Answer a question of the room."""
        panes = route.request.post_data_json["panes"]
        asked = {pane: Asked(Voice.of_model("none"), each["messages"]) for pane, each in panes.items()}
        telling(*answer_lines(self, "page", asked, Settings(), print))(route)


def telling(*lines: Mapping[str, Any]) -> Callable[[Route], None]:
    """A route that answers with these lines."""
    body = "".join(json.dumps(line) + "\n" for line in lines)
    return lambda route: route.fulfill(body=body, content_type="application/x-ndjson")


def units(text: str) -> list[int]:
    """As JavaScript counts it: halves of surrogate pairs do not travel as text."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return list(struct.unpack(f"<{len(raw) // 2}H", raw))


def shown(place: Locator) -> list[int]:
    """The text of an element, by the same units."""
    return list(place.evaluate("node => node.textContent.split('').map((unit) => unit.charCodeAt(0))"))


def failed(words: str) -> list[dict[str, str]]:
    return [{"kind": "note", "note": words}, {"kind": "failed", "error": words}]


def exported(page: Page) -> list[dict[str, Any]]:
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    lines = download.value.path().read_text("utf-8").split("\n")  # a line separator within a text is no new line
    return [json.loads(line) for line in lines if line]


def unharmed(page: Page) -> None:
    assert page.evaluate("'hacked' in window") is False


@pytest.fixture
def room(studio: RunningStudio, watched: Watched) -> Page:
    """The Compare tab over a run whose rows are hostile too."""
    run = prepare_run(studio.home, RUN)
    rows = [{"row": n, "prompt": text, "completion": text} for n, text in enumerate(PAYLOADS, 1) if text.isprintable()]
    for part in ("train", "held_out"):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (run.path / "data" / f"{part}.jsonl").write_text(lines, "utf-8")
    page = watched.page
    page.route("**/studio/compare/warm", lambda route: route.fulfill(json={}))
    page.on("dialog", lambda dialog: watched.errors.append(f"dialog: {dialog.message}"))
    page.get_by_role("tab", name="Compare", exact=True).click()
    expect(page.get_by_role("textbox", name="Prompt", exact=True)).to_have_value(PAYLOADS[0])
    return page


def test_they_are_text_wherever_they_are_shown_and_the_page_stays_quick(room: Page) -> None:
    in_panes_tips_and_differences(room)
    huge_and_endless(room)
    in_a_blind_vote(room)


def in_panes_tips_and_differences(room: Page) -> None:
    hostile, made = Hostile(PAYLOADS), "*:not(p, ul, li, span, i, b, div, small, button, header, section, label)"
    room.route("**/studio/compare/ask", hostile.answer)
    prompt = room.get_by_role("textbox", name="Prompt", exact=True)
    prompt.fill("\n".join(PAYLOADS[:20]))
    prompt.press("Enter")
    base, tuned = (room.locator(f"#pane-{pane} .compare-said") for pane in ("base", "tuned"))
    expect(base.locator("..").locator(".compare-figures")).to_contain_text(f"{len(PAYLOADS)} tokens")
    assert shown(base) == units("".join(PAYLOADS))
    assert shown(tuned) == units("".join(reversed(PAYLOADS)))
    assert base.locator(".compare-differs").count() > 10, "differences are marked in them"
    expect(room.locator(".compare-parting")).to_contain_text("part ways from the first token")
    assert room.locator(f".compare-said {made}, .compare-parting {made}").count() == 0

    tips = base.evaluate(TIPS)
    assert len(tips) >= len(PAYLOADS)
    assert all(made == HARMLESS for _, made in tips)
    assert "<script>window.hacked=1</script>" in tips[0][0]
    told = "".join(text for text, _ in tips)
    assert "“⟨U+202E⟩thgir morf" in told, "what turns the direction is named, so that it cannot turn the figures"
    assert "\u202e" not in told
    unharmed(room)

    lines = exported(room)
    assert [line["messages"][-1]["content"] for line in lines] == ["".join(PAYLOADS), "".join(reversed(PAYLOADS))]
    for words in (PAYLOADS[0], "".join(PAYLOADS[:60])):
        room.unroute("**/studio/compare/ask")
        room.route("**/studio/compare/ask", telling(*failed(words)))
        prompt.fill(PAYLOADS[15])
        prompt.press("Enter")
        expect(room.get_by_role("alert")).to_be_visible()
        assert shown(room.locator("#compare-status")) == units(words)
    unharmed(room)
    room.get_by_role("button", name="Clear").click()


def in_a_blind_vote(room: Page) -> None:
    asked, said = "".join(PAYLOADS[:30]), "".join(PAYLOADS[30:])
    prompt = [{"role": "system", "content": said}, {"role": "user", "content": asked}]
    lines: list[dict[str, Any]] = [
        {"kind": "prompt", "messages": prompt, "row": 1, "left": 3},
        *failed(asked)[:1],
        {"kind": "done", "ballot": "b1", "answers": [asked, said]},
    ]
    told = {"vote": "v1", "names": ["base", "tuned"], "choice": "1", "reference": asked}
    room.route("**/studio/blind/ask", telling(*lines))
    room.route("**/studio/blind/vote", lambda route: route.fulfill(json=told))
    room.get_by_role("tab", name="Blind vote").click()
    blind = room.locator("#blind")
    blind.get_by_role("button", name="Ask both").click()
    answers = blind.locator(".blind-text")
    expect(answers.last).to_be_visible()
    assert [shown(answers.nth(place)) for place in range(2)] == [units(asked), units(said)]
    assert shown(blind.locator(".blind-message p").last) == units(asked)
    room.keyboard.press("1")
    expect(blind.locator(".blind-reference")).to_be_visible()
    assert shown(blind.locator(".blind-reference")) == units(f"Reference answer {asked}")
    assert blind.locator("script, img, iframe, svg, object, embed, link, style, form, video, audio").count() == 0
    unharmed(room)


def huge_and_endless(room: Page) -> None:
    words = ["w" * 999 + " "] * (HUGE // 2000)
    room.unroute("**/studio/compare/ask")
    room.route("**/studio/compare/ask", Hostile([*words, "x" * (HUGE // 2)]).answer)
    prompt = room.get_by_role("textbox", name="Prompt", exact=True)
    prompt.fill("Say a lot.")
    prompt.press("Enter")
    said = room.locator("#pane-base .compare-said")
    expect(said.locator("..").locator(".compare-figures")).to_contain_text("501 tokens")
    assert said.evaluate("node => node.textContent.length") == HUGE
    room.get_by_label("Differences").uncheck()
    room.get_by_label("Confidence").check()
    room.get_by_role("button", name="Clear").click()
    expect(said).to_have_count(0)

    room.unroute("**/studio/compare/ask")
    room.evaluate(ENDLESS)
    prompt.fill("Go on.")
    prompt.press("Enter")
    room.wait_for_function("window.endless.lines > 100")
    prompt.fill("typed meanwhile")
    expect(prompt).to_have_value("typed meanwhile")
    room.get_by_role("button", name="Stop", exact=True).click()
    expect(room.locator("#pane-base .compare-figures")).to_contain_text("stopped")
    lines, pressed = room.evaluate("[window.endless.lines, window.endless.pressed]")
    assert 100 < pressed <= lines < pressed + 20, "the press is heard among the lines that come"
    assert room.evaluate("window.endless.over")
    unharmed(room)


def test_the_payloads_are_alive(browser: Browser) -> None:
    """As markup they run and ask outside, so a page that shows them unharmed has shown something."""
    page, outside = browser.new_page(), set[str]()

    def refuse(route: Route) -> None:
        outside.add(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    page.set_content("<body></body>")
    page.evaluate(UNPROTECTED, PAYLOADS)
    ran: set[int] = set()
    for _ in range(20):  # a busy machine takes its time over them
        page.wait_for_timeout(500)
        ran = set(page.evaluate("window.hits"))
        if len(ran) + len(outside) >= LIVE:
            break
    page.close()
    assert len(ran) + len(outside) >= LIVE, (ran, outside)
