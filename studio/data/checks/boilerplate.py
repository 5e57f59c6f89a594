"""Phrases that come again and again: openings, closings, what an assistant says of itself, and refusals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from studio.data.checks.classes import class_field
from studio.data.checks.sweep import Told, stretches, sweep
from studio.data.example import Examples
from studio.data.findings import Finding, finding
from studio.data.wording import quoted, rows_named, sentence

SHARE, LEAST_ROWS = 0.2, 10
"""From which share of completions on a phrase counts, and from how many of them."""

_OPENING = re.compile(r"([^\n]{8,200}?[.!?:。！？])(?=\s|[^\x00-\x7f])|([^\n]{8,200})\n")
_CLOSING = re.compile(r"(?:[.!?。！？:)\]\"”]\s+|\n|[。！？])([^\n]{8,200})\s*\Z")
_STRUCTURED = ("{", "[", "<", "```", "|", "#")

_SELF = (
    r"(?i)\bas an? (?:ai|artificial intelligence|large language|language)(?: language)?(?: model| assistant)?\b[, ]"
    r"|\b(?:my|the) (?:knowledge cutoff|training data) (?:is|was|only|goes|ends)"
    r"|作为(?:一个|一名)?(?:AI|人工智能|大?语言模型)"
    r"|\bals (?:ki|künstliche intelligenz|sprachmodell)\b|\ben tant qu(?:e|')\s?(?:ia|intelligence|modèle)"
    r"|\bcomo (?:una? )?(?:ia|inteligencia artificial|modelo de lenguaje)\b"
)
_REFUSAL = (
    r"(?i)^\W{0,3}(?:(?:i['’]?m|i am) (?:very |really |so )?sorry,? (?:but )?(?:i|as|that|this)\b"
    r"|sorry,? (?:but )?i (?:can|am)"
    r"|(?:unfortunately,? )?i (?:can['’]?t|cannot|can not|won['’]?t|will not|(?:['’]?m|am) (?:not able|unable) to) "
    r"(?:assist|help|provide|fulfil|comply|answer|engage|create|write|give|support|do that)"
    r"|es tut mir leid, aber ich|lo siento, pero no|je suis désolée?, mais je"
    r"|抱歉，我|对不起，我(?:不|无)|很抱歉，我)"
)


def find_boilerplate(examples: Examples, told: Told) -> Iterator[Finding]:
    """A sentence that opens or closes a fifth of the completions."""
    if class_field(examples) == "completion":
        return
    counts: dict[str, Counter[str]] = {"opening": Counter(), "closing": Counter()}
    for _, (texts,) in stretches(examples, ["completion"], told):
        for text in texts.cells.to_pylist():
            for where, phrase in _phrases(text):
                counts[where][phrase] += 1
        for of_place in counts.values():
            if len(of_place) > 100_000:  # keep what can still come to a fifth
                for phrase in [phrase for phrase, count in of_place.items() if count == 1]:
                    del of_place[phrase]
    for where, of_place in counts.items():
        for phrase, count in of_place.most_common(1):
            if count >= max(LEAST_ROWS, SHARE * len(examples)):
                yield _repeated(examples, where, phrase)


def find_self(examples: Examples, told: Told) -> Iterator[Finding]:
    """Completions in which an assistant speaks of itself as a machine."""
    places = _matching(examples, _SELF, told)
    if len(places):
        rows = examples.rows[places].tolist()
        message = f"{sentence(rows_named(rows))}: the completion says something like 'As an AI language model'. Kept."
        why = (
            "Written by another assistant, such phrases teach the model that assistant's manners, whoever it should be."
        )
        yield finding("ai-phrase", rows, message, "warning", why=why, mend="drop")


def find_refusals(examples: Examples, told: Told) -> Iterator[Finding]:
    """Completions that begin by refusing."""
    places = _matching(examples, _REFUSAL, told)
    if len(places):
        rows = examples.rows[places].tolist()
        message = f"{sentence(rows_named(rows))}: the completion refuses to answer. Kept."
        why = (
            "A few refusals are learned quickly and spread to harmless questions. Keep them only where they are meant."
        )
        yield finding("refusal", rows, message, "note", why=why, mend="drop")


def without_phrase(text: str, phrase: str) -> str:
    """The text without the phrase at its beginning and end, unless nothing else is in it."""
    rest = text
    while rest.lstrip().startswith(phrase):
        rest = rest.lstrip()[len(phrase) :].lstrip()
    while rest.rstrip().endswith(phrase):
        rest = rest.rstrip()[: -len(phrase)].rstrip()
    return rest if rest.strip() else text


def _phrases(text: str) -> Iterator[tuple[str, str]]:
    """The first and the last sentence of a text that has more than one."""
    if text.lstrip()[:3].startswith(_STRUCTURED):
        return
    opening = _OPENING.match(text.lstrip()[:400])
    if opening and (opening[1] or opening[2]):
        yield "opening", (opening[1] or opening[2]).strip()
    closing = _CLOSING.search(text[-400:])
    if closing:
        last = re.split(r"[.!?] +(?=\S{3})|[。！？](?=.)", closing[1])[-1].strip()
        if len(last) >= 8:
            yield "closing", last


def _repeated(examples: Examples, where: str, phrase: str) -> Finding:
    says = (lambda text: text.lstrip().startswith(phrase)) if where == "opening" else _ends(phrase)
    places = sweep(examples, says, lambda done: None, fields=("completion",))
    rows = examples.rows[places].tolist()
    share = len(rows) / len(examples)
    verb = "begin" if where == "opening" else "end"
    return finding(
        f"boilerplate-{where}",
        rows,
        f"{len(rows):,} completions, {share:.0%}, {verb} with {quoted(phrase)}. Kept.",
        "warning",
        why="What stands in so many answers is learned first, and the model will say it whatever it is asked.",
        mend="remove-boilerplate",
        options={"text": phrase},
    )


def _ends(phrase: str) -> Callable[[str], bool]:
    return lambda text: text.rstrip().endswith(phrase)


def _matching(examples: Examples, pattern: str, told: Told) -> np.ndarray:
    """Places of the completions in which an RE2 pattern is found."""
    places = [np.zeros(0, np.int64)]
    places += [start + texts.matching(pattern) for start, (texts,) in stretches(examples, ["completion"], told)]
    return np.concatenate(places)
