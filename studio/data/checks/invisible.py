"""Characters that nobody sees: controls, terminal colours, marks of no width. What scripts and emoji need is kept."""

from __future__ import annotations

import re
import unicodedata

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

UNSEEN = (
    r"[\x{ad}\x{61c}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{206f}\x{feff}"
    r"\x{e0000}-\x{e007f}]"
)
"""RE2: what may be one of them, beside the controls."""

_TERMINAL = re.compile("\x1b\\[[0-9;?]*[A-Za-z]")
_ALWAYS = re.compile("[\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff]")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007e])[\U000e0000-\U000e007f]+")
_JOINERS = re.compile("[\u200c\u200d]")


def without_unseen(text: str) -> str:
    """The text without controls (tab and line ends stay) and without marks of no width that do nothing in it.

    Kept: joiners within emoji and between letters of scripts that use them, marks of direction in a text that has
    letters written from right to left, and the tags of flags.
    """
    text = CONTROLS.sub("", _TERMINAL.sub("", text))
    if text.isascii():
        return text
    text = _TAGS.sub("", _ALWAYS.sub("", text))
    if _DIRECTIONS.search(text) and not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text):
        text = _DIRECTIONS.sub("", text)
    return _JOINERS.sub(lambda found: found[0] if _joins(text, found.start()) else "", text)


def _joins(text: str, place: int) -> bool:
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if not before or (not after and text[place] == "\u200d"):
        return False
    if _needs_joiners(before):
        return not after or _needs_joiners(after) or not after.isalnum()
    return text[place] == "\u200d" and _is_picture(before) and _is_picture(after)


def _needs_joiners(letter: str) -> bool:
    """Arabic, Syriac, the scripts of India and South-East Asia, Mongolian: where a joiner changes what is read."""
    code = ord(letter)
    scripts = 0x0600 <= code <= 0x08FF or 0x0900 <= code <= 0x0DFF or 0x1000 <= code <= 0x109F
    return (scripts or 0x1780 <= code <= 0x18AF) and unicodedata.category(letter)[0] in "LM"


def _is_picture(letter: str) -> bool:
    """An emoji, its skin colour, or the mark that asks for one."""
    return letter == "\ufe0f" or ord(letter) >= 0x1F000 or unicodedata.category(letter) == "So" or letter in "♀♂⚕⚖"
