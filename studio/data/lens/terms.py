"""Words that name groups of people: the list that people edit, and the rows that hold one of its words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from studio.data.wording import counted, quoted
from studio.errors import StudioError
from studio.home import ASSETS

BUNDLED = ASSETS / "groups.yaml"

MOST_CHARACTERS = 200_000
MOST_GROUPS = 200
MOST_WORDS = 5_000
LONGEST_WORD = 60

_NO_LETTER = r"[^\pL\pM\pN_]"
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that put no blank between words, or (Korean) hang their endings on without one."""


@dataclass(frozen=True)
class Group:
    """A named group, such as "women" in the set "gender", and the words that name it. A star is any ending."""

    set: str
    name: str
    words: tuple[str, ...]

    @cached_property
    def pattern(self) -> str:
        """An RE2 pattern that finds any of its words as a whole word, for case-insensitive matching."""
        return _pattern(self.words)

    def mentioned(self, texts: pa.ChunkedArray) -> np.ndarray:
        """Which of the texts hold one of its words: bool, one a text. The texts are in Unicode's composed form."""
        return pc.match_substring_regex(texts, self.pattern, ignore_case=True).to_numpy().astype(bool)


def bundled_terms() -> str:
    """The list that comes with the studio, as the text that people edit."""
    return BUNDLED.read_text("utf-8")


def read_terms(text: str) -> tuple[Group, ...]:
    """The groups of a list in YAML: sets of groups of words.

    Raises StudioError with all that is wrong with it.
    """
    if len(text) > MOST_CHARACTERS:
        raise StudioError(f"The word list has {len(text):,} characters, and at most {MOST_CHARACTERS:,} are read.")
    tree = _yaml(text)
    if not isinstance(tree, dict) or not tree:
        raise StudioError(f"The word list holds no set of groups. {_FORM}")
    problems: list[str] = []
    groups = [group for name, members in tree.items() for group in _groups(str(name), members, problems)]
    words = sum(len(group.words) for group in groups)
    if len(groups) > MOST_GROUPS or words > MOST_WORDS:
        problems.append(
            f"The word list has {counted(len(groups), 'group')} and {counted(words, 'word')}; up to {MOST_GROUPS} and "
            f"{MOST_WORDS:,} are compared. Remove some."
        )
    if problems:
        raise StudioError(*problems)
    return tuple(groups)


_FORM = 'Write it as "gender:", below it, indented, "women: [woman, women]".'


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases, and with an error for a name that stands twice: the second would replace the first."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) need quotes here", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen if isinstance(key.value, str) else True:
                what = (
                    f"{quoted(str(key.value))} stands there twice" if isinstance(key.value, str) else "a list as name"
                )
                raise yaml.MarkedYAMLError(problem=what, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _yaml(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.reader.ReaderError as error:
        where = f"character {error.position + 1:,}"
        raise StudioError(f"The word list holds a character that YAML does not allow ({where}). Remove it.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f" in line {mark.line + 1}" if mark else ""
        why = f": {problem}" if problem else ""
        raise StudioError(f"The word list is not YAML{where}{why}. {_FORM}") from None


def _groups(set_name: str, members: Any, problems: list[str]) -> Iterator[Group]:
    if not isinstance(members, dict) or not members:
        problems.append(f"The set {quoted(set_name)} of the word list holds no groups. {_FORM}")
        return
    for name, listed in members.items():
        words = _words(f"the group {quoted(str(name))} of the set {quoted(set_name)}", listed, problems)
        if words:
            yield Group(set_name, str(name), words)


def _words(where: str, listed: Any, problems: list[str]) -> tuple[str, ...]:
    """The words of one group: a list, or lists in a list. What is wrong is added to `problems`."""
    if not isinstance(listed, list) or not listed:
        problems.append(f"{where[:1].upper()}{where[1:]} holds no list of words. Write [word, word] after its name.")
        return ()
    words: dict[str, None] = {}
    for entry in (word for part in listed for word in (part if isinstance(part, list) else [part])):
        if not isinstance(entry, str):
            problems.append(f"In {where}, {quoted(str(entry))} is read as no word. Put it in quotes.")
            continue
        word = " ".join(unicodedata.normalize("NFC", entry).split())
        if problem := _problem(word):
            problems.append(f"In {where}, {quoted(entry)} {problem}.")
        else:
            words[word] = None
    return tuple(words)


def _problem(word: str) -> str:
    stem = word.removesuffix("*")
    if len(word) > LONGEST_WORD:
        return f"has {len(word):,} characters, and a word has at most {LONGEST_WORD}"
    if "*" in stem:
        return "has a star that is not at its end; only there it stands for any ending"
    if not any(letter.isalnum() for letter in stem):
        return "has no letter in it and would find everything or nothing"
    return ""


def _pattern(words: tuple[str, ...]) -> str:
    """One alternation for each way that words end: RE2 is a thousand times slower with the boundaries at each word."""
    stems: dict[str, list[str]] = {}
    for word in words:
        stem = word.removesuffix("*")
        before = "" if _UNSPACED.match(stem[0]) else f"(?:^|{_NO_LETTER})"
        after = "" if _UNSPACED.match(stem[-1]) or stem != word else f"(?:$|{_NO_LETTER})"
        stems.setdefault(f"{before}(?:%s){after}", []).append(r"\s+".join(map(_literal, stem.split(" "))))
    return "|".join(ends % "|".join(found) for ends, found in stems.items())


def _literal(text: str) -> str:
    """The text for RE2, which knows other escapes than Python's."""
    return "".join(letter if letter.isalnum() else rf"\x{{{ord(letter):x}}}" for letter in text)
