"""Which language each example answers in, and which few stand beside the language of most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np

from studio.data.checks.classes import class_field
from studio.data.checks.sweep import Told
from studio.data.example import BATCH, Examples
from studio.data.findings import Finding, finding
from studio.data.wording import listed, rows_named, sentence

CHARACTERS = 300
"""Of a text, so many are read: more change the answer seldom."""

LEAST_LETTERS, LEAST_UNSPACED = 40, 12
"""Shorter texts could be anything."""

SURE = 0.99
DOMINANT = 0.6
LEAST_ROWS = 3
"""A language in fewer rows is mostly a name or a wrong guess."""

_CODE = re.compile(r"```|[{};]\s*\n|\b(?:def|import|return|function|const|SELECT|class)\b.*[({:;]|</|=>|==")
_WORDS = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]")
_SAMPLE, _FREQUENT, _SHARE = 1_000, 60, 0.25


def languages(examples: Examples, told: Told = lambda done: None) -> np.ndarray:
    """The language of each example's answer, or of its prompt where the answer is short, as ISO 639-1 codes.

    Empty where it cannot be told: code, figures, a few words. Most examples are known by the frequent words of the
    most frequent language; only the others are given to the classifier.
    """
    found = np.full(len(examples), "", "<U3")
    spread = np.linspace(0, len(examples) - 1, min(len(examples), _SAMPLE)).astype(np.int64)
    known = [(text, _language(text)) for text in _texts(examples.take(spread))]
    common, words = _frequent(known)
    for done, text in enumerate(_texts(examples), 1):
        if text:
            found[done - 1] = common if words and _share(text, words) >= _SHARE else _language(text)
        if done % BATCH == 0 or done == len(examples):
            told(done)
    return found


def find_languages(examples: Examples, told: Told) -> Iterator[Finding]:
    """Rows in another language than most, or that several languages share the rows."""
    if not len(examples):
        return
    found = languages(examples, told)
    counts = Counter(found.tolist())
    del counts[""]
    counts = Counter({code: count for code, count in counts.items() if count >= LEAST_ROWS})
    if len(counts) < 2:
        return
    figures = dict(counts.most_common(50))
    shares = listed([f"{name(code)} {count:,}" for code, count in counts.most_common()], 4)
    main, most = counts.most_common(1)[0]
    if most < DOMINANT * counts.total():
        message = f"Several languages share the rows: {shares}. Kept: right for a model that is to speak all of them."
        yield finding("languages", [], message, "note", why=_WHY, counts=figures)
        return
    rows = examples.rows[np.isin(found, [code for code in counts if code != main])].tolist()
    message = f"{sentence(rows_named(rows))}: in another language than most ({shares} rows). Kept."
    yield finding("mixed-languages", rows, message, "warning", why=_WHY, mend="drop", counts=figures)


_WHY = "Some rows in another language can make the model switch languages in the middle of an answer."


def name(code: str) -> str:
    """A language's English name where it is one of the frequent ones, else its code."""
    return _NAMES.get(code, code)


def _texts(examples: Examples) -> Iterable[str]:
    """What a language is looked for in, empty where there is too little or code."""
    by_prompt = class_field(examples) == "completion"
    for prompts, completions in examples.batches("prompt", "completion"):
        for prompt, completion in zip(prompts, completions, strict=True):
            answer = "" if by_prompt else completion[:CHARACTERS]
            yield next((text for text in (answer, prompt[:CHARACTERS]) if _tells(text)), "")


def _tells(text: str) -> bool:
    if len(text) < LEAST_UNSPACED or _CODE.search(text):
        return False
    letters = sum(map(len, _WORDS.findall(text)))
    least = LEAST_UNSPACED if not text.isascii() and len(_UNSPACED.findall(text)) * 2 > letters else LEAST_LETTERS
    return letters >= max(least, 0.6 * len(text))


def _language(text: str) -> str:
    if not text:
        return ""
    code, share = _identifier().classify(text)
    return str(code) if share >= SURE else ""


def _frequent(known: list[tuple[str, str]]) -> tuple[str, frozenset[str]]:
    """The most frequent language of a sample and its most frequent words."""
    codes = Counter(code for _, code in known if code)
    if not codes:
        return "", frozenset()
    main = codes.most_common(1)[0][0]
    words = Counter(word for text, code in known if code == main for word in set(_WORDS.findall(text.lower())))
    elsewhere = Counter(word for text, code in known if code not in ("", main) for word in _WORDS.findall(text.lower()))
    own = [word for word, count in words.most_common(_FREQUENT) if count > codes[main] / 20 and not elsewhere[word]]
    return main, frozenset(own)


def _share(text: str, words: frozenset[str]) -> float:
    said = _WORDS.findall(text.lower())
    return sum(word in words for word in said) / max(1, len(said))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_modelpath(MODEL_DIR / MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(_NAMES))
    return identifier


_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German",
    "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish",
    "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch",
    "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""The languages that are told apart. With near relations such as Wu or Egyptian Arabic nothing would be sure."""
